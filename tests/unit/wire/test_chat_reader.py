from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.records.outcome import ErrorKind
from raysim.wire import openai
from raysim.wire.openai import ChatReader, backend_of
from tests.unit.wire.chunks import DONE, ROLE, STOP, STREAM, WHOLE, chunk, event, usage, words

MS = 1_000_000
HELLO = orjson.dumps(
    {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "usage": usage(3, 1)},
)


def read(
    *pieces: bytes, stream: bool = True, status: int = 200, headers: dict[str, str] | None = None
) -> tuple[ChatReader, bool]:
    """Feed one piece a millisecond, from 1 ms on; also says whether all of it was wanted."""
    reader = ChatReader(stream=stream)
    head = (STREAM if stream else WHOLE) if headers is None else headers
    reader.start(status, head)
    wanted = all(reader.feed(piece, (number + 1) * MS) for number, piece in enumerate(pieces))
    reader.finish(status, head)
    return reader, wanted


def test_a_role_only_chunk_and_empty_content_are_no_tokens() -> None:
    reader, wanted = read(ROLE, chunk({"content": ""}), *words("a", "b"), chunk({"content": ""}), STOP, DONE)
    assert wanted
    assert reader.error is ErrorKind.NONE
    assert (reader.first_token_ns, reader.first_output_ns, reader.last_token_ns) == (3 * MS, 3 * MS, 4 * MS)
    assert (reader.text, reader.chunks, reader.token_reads, reader.finish_reason) == ("ab", 2, 2, "stop")
    assert list(reader.gaps_us) == [1000]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_a_token_but_not_visible_output(field: str) -> None:
    thought = chunk({field: "hm", "content": None})
    reader, _ = read(ROLE, thought, thought, *words("so"), STOP, DONE)
    assert (reader.first_token_ns, reader.first_output_ns) == (2 * MS, 4 * MS)
    assert (reader.text, reader.chunks) == ("so", 3)


def test_only_reasoning_leaves_no_visible_output() -> None:
    reader, _ = read(chunk({"reasoning": "hm"}), STOP, DONE)
    assert (reader.first_token_ns, reader.first_output_ns, reader.text) == (MS, 0, "")


def test_a_tool_call_is_a_token_and_output() -> None:
    call = chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]})
    reader, _ = read(ROLE, call, chunk(finish="tool_calls"), DONE)
    assert (reader.first_token_ns, reader.first_output_ns, reader.chunks) == (2 * MS, 2 * MS, 1)
    assert (reader.text, reader.finish_reason) == ("", "tool_calls")


def test_several_events_in_one_read_count_as_one_read_without_gaps_between() -> None:
    reader, _ = read(ROLE + b"".join(words("a", "b")), b"".join([*words("c"), STOP, DONE]))
    assert (reader.chunks, reader.token_reads) == (3, 2)
    assert list(reader.gaps_us) == [0, 1000]


def test_everything_at_once_is_one_read() -> None:
    reader, _ = read(b"".join([ROLE, *words("a", "b", "c"), STOP, DONE]))
    assert (reader.chunks, reader.token_reads) == (3, 1)


ANSWER = b"".join(
    [ROLE, chunk({"reasoning": "hm"}), *words("na", "ïve ✓"), STOP, event({"choices": [], "usage": usage(9, 3)})]
)


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(min_value=0, max_value=700), max_size=8))
def test_any_split_and_any_line_end_read_the_same(end: bytes, cuts: list[int]) -> None:
    text = (ANSWER + DONE).replace(b"\n", end)
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    reader, wanted = read(*(text[a:b] for a, b in pairwise(bounds)))
    assert wanted
    assert (reader.error, reader.text, reader.chunks, reader.finish_reason) == (ErrorKind.NONE, "naïve ✓", 3, "stop")
    assert reader.usage is not None
    assert (reader.usage.prompt_tokens, reader.usage.completion_tokens) == (9, 3)


@pytest.mark.parametrize("choices", [[], None])
def test_usage_in_a_final_chunk_without_choices(choices: object) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 1}}
    last = event({"choices": choices, "usage": usage(5, 2, **details)})
    reader, _ = read(ROLE, *words("a", "b"), STOP, last, DONE)
    assert reader.error is ErrorKind.NONE
    assert reader.usage is not None
    assert (reader.usage.prompt_tokens, reader.usage.completion_tokens) == (5, 2)
    assert (reader.usage.cached_tokens, reader.usage.reasoning_tokens) == (4, 1)


def test_of_usage_on_every_chunk_the_last_counts() -> None:
    pieces = [chunk({"content": "x"}, usage=usage(5, n)) for n in range(1, 4)]
    reader, _ = read(ROLE, *pieces, chunk(finish="length", usage=None), DONE)
    assert reader.usage is not None
    assert reader.usage.completion_tokens == 3
    assert (reader.usage.cached_tokens, reader.usage.reasoning_tokens) == (None, None)


def test_null_details_of_usage_are_no_error() -> None:
    details = {"prompt_tokens_details": None, "completion_tokens_details": {"reasoning_tokens": None}}
    reader, _ = read(STOP, event({"choices": [], "usage": usage(1, 1, **details)}), DONE)
    assert reader.error is ErrorKind.NONE


def test_a_missing_done_is_forgiven_after_a_finish_reason() -> None:
    assert read(ROLE, *words("a"), STOP)[0].error is ErrorKind.NONE


def test_a_missing_finish_reason_is_forgiven_before_done() -> None:
    assert read(ROLE, *words("a"), DONE)[0].error is ErrorKind.NONE


def test_a_stream_that_just_ends_was_interrupted() -> None:
    assert read(ROLE, *words("a"))[0].error is ErrorKind.STREAM_INTERRUPTED
    assert read()[0].error is ErrorKind.STREAM_INTERRUPTED


@pytest.mark.parametrize(
    "failure",
    [
        b'event: error\ndata: {"message":"boom"}\n\n',
        b"event: error\ndata: boom\n\n",
        event({"error": {"message": "boom", "code": 500}}),
        event({"error": "boom"}),
        event({"object": "error", "message": "boom"}),
    ],
)
def test_an_error_inside_a_stream(failure: bytes) -> None:
    reader, wanted = read(ROLE, *words("a"), failure, *words("b"), DONE)
    assert not wanted
    assert (reader.error, reader.detail, reader.text) == (ErrorKind.STREAM_ERROR, "boom", "a")


def test_a_refusal_inside_a_stream_is_a_refusal() -> None:
    reader, _ = read(event({"error": {"type": "budget_exceeded", "message": "spent"}}))
    assert (reader.error, reader.detail) == (ErrorKind.BUDGET_EXCEEDED, "spent")


def test_a_null_error_is_none() -> None:
    assert read(chunk({"content": "a"}, error=None), STOP)[0].error is ErrorKind.NONE


def test_keep_alives_are_skipped() -> None:
    reader, _ = read(b": ping\n\n", ROLE, b"data:\n\n", b"data: \n\n", *words("a"), b": ping\r\n", STOP, DONE)
    assert (reader.error, reader.chunks) == (ErrorKind.NONE, 1)


def test_a_byte_order_mark_before_the_stream() -> None:
    assert read(b"\xef\xbb\xbf" + ROLE, *words("a"), STOP)[0].text == "a"


def test_several_choices_are_all_tokens() -> None:
    both = event({"choices": [{"index": i, "delta": {"content": "ab"[i]}} for i in (0, 1)]})
    ends = event({"choices": [{"index": i, "delta": {}, "finish_reason": "stop"} for i in (0, 1)]})
    reader, _ = read(both, both, ends, DONE)
    assert (reader.chunks, reader.token_reads, reader.text) == (4, 2, "abab")


def test_legacy_completions_stream_text() -> None:
    reader, _ = read(event({"choices": [{"text": "hey", "finish_reason": "stop"}]}), DONE)
    assert (reader.text, reader.chunks) == ("hey", 1)


def test_what_follows_done_still_counts() -> None:
    reader, wanted = read(ROLE, *words("a"), STOP, DONE, event({"choices": [], "usage": usage(1, 1)}))
    assert wanted
    assert reader.usage is not None


@pytest.mark.parametrize(
    "junk",
    [
        b"data: {not json}\n\n",
        b"data: []\n\n",
        b"data: null\n\n",
        b'data: {"choices":[{"delta":{"content":7}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
        b'data: {"choices":' + b"[" * 100_000 + b"\n\n",
        b'data: {"unknown":' + b"[" * 100_000 + b"\n\n",
        event({"usage": usage(-1, 2)}),
        event({"usage": usage(2**31, 2)}),
        b'data: {"usage":{"prompt_tokens":1' + b"0" * 60 + b"}}\n\n",
    ],
)
def test_a_chunk_that_is_no_completion_is_named_so(junk: bytes) -> None:
    reader, wanted = read(ROLE, *words("a"), junk, STOP, DONE)
    assert not wanted
    assert reader.error is ErrorKind.INVALID_RESPONSE
    assert reader.usage is None


@given(st.lists(st.binary(max_size=60), max_size=6), st.booleans(), st.booleans())
def test_no_bytes_make_a_reader_raise(pieces: list[bytes], stream: bool, events: bool) -> None:
    if events:
        pieces = [b"data: " + piece + b"\n\n" for piece in pieces]
    reader, _ = read(*pieces, stream=stream)
    assert reader.error is not ErrorKind.NONE or b"DONE" in b"".join(pieces)


def test_an_endless_event_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raysim.wire.sse.MAX_EVENT_BYTES", 1000)
    reader, wanted = read(*[b"data: " + b"x" * 500] * 5)
    assert not wanted
    assert reader.error is ErrorKind.PROTOCOL


def test_an_endless_stream_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "MAX_STREAM_BYTES", 1000)
    reader, wanted = read(*words("a") * 100)
    assert not wanted
    assert reader.error is ErrorKind.INVALID_RESPONSE
    assert reader.chunks * len(words("a")[0]) <= 1000


def test_a_finish_reason_is_a_word() -> None:
    assert len(read(chunk(finish="x" * 5000))[0].finish_reason) == 40


# ── whole answers ──


def test_a_whole_answer_has_no_token_times() -> None:
    reader, _ = read(HELLO[:20], HELLO[20:], stream=False)
    assert (reader.error, reader.text, reader.finish_reason) == (ErrorKind.NONE, "Hello", "stop")
    assert (reader.first_token_ns, reader.chunks, reader.streamed) == (0, 0, False)
    assert reader.usage is not None
    assert reader.body == HELLO


def test_a_whole_answer_where_a_stream_was_asked_for() -> None:
    reader, _ = read(HELLO, headers={"content-type": "application/json; charset=utf-8"})
    assert (reader.error, reader.text, reader.streamed) == (ErrorKind.NONE, "Hello", False)


def test_a_stream_where_a_whole_answer_was_asked_for() -> None:
    reader, _ = read(*words("a"), STOP, DONE, stream=False, headers={"content-type": "Text/Event-Stream"})
    assert (reader.error, reader.text, reader.streamed) == (ErrorKind.NONE, "a", True)


def test_a_stream_that_does_not_say_so() -> None:
    assert read(*words("a"), STOP, headers={})[0].text == "a"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ErrorKind.INVALID_RESPONSE),
        (b"<html>", ErrorKind.INVALID_RESPONSE),
        (b'{"choices":[]}', ErrorKind.INVALID_RESPONSE),
        (b"{}", ErrorKind.INVALID_RESPONSE),
        (HELLO[:-4], ErrorKind.INVALID_RESPONSE),
        (b'{"choices":' + b"[" * 100_000, ErrorKind.INVALID_RESPONSE),
        (b'{"error":{"message":"boom"}}', ErrorKind.STREAM_ERROR),
        (b'{"error":{"type":"budget_exceeded"}}', ErrorKind.BUDGET_EXCEEDED),
    ],
)
def test_a_whole_answer_that_is_none(body: bytes, kind: ErrorKind) -> None:
    assert read(body, stream=False)[0].error is kind


def test_a_page_in_a_streams_place_is_invalid() -> None:
    reader, _ = read(b"<html>\n<body>Please log in\n", headers={"content-type": "text/html"})
    assert reader.error is ErrorKind.INVALID_RESPONSE
    assert "text/html" in reader.detail


@pytest.mark.parametrize("stream", [True, False])
def test_a_redirect_is_no_answer(stream: bool) -> None:
    reader, _ = read(b"moved", stream=stream, status=302, headers={"location": "https://elsewhere.invalid/"})
    assert (reader.error, reader.detail) == (ErrorKind.INVALID_RESPONSE, "302 https://elsewhere.invalid/")


def test_a_whole_answer_too_large_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "MAX_BODY_BYTES", 1000)
    reader, wanted = read(*[b"x" * 600] * 3, stream=False)
    assert not wanted
    assert reader.error is ErrorKind.INVALID_RESPONSE


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_status_is_judged_by_its_body(stream: bool) -> None:
    body = orjson.dumps({"error": "Budget exceeded", "code": "BUDGET_EXCEEDED"})
    reader, _ = read(body, stream=stream, status=402, headers=WHOLE)
    assert (reader.error, reader.detail) == (ErrorKind.BUDGET_EXCEEDED, "402 Budget exceeded")


def test_a_huge_error_body_is_cut_off_but_keeps_its_kind() -> None:
    reader, wanted = read(*[b"x" * 40_000] * 3, status=503, headers={})
    assert not wanted
    assert reader.error is ErrorKind.OVERLOADED
    assert len(reader.body) <= 80_000


def test_a_second_attempt_forgets_the_first() -> None:
    reader = ChatReader(stream=True)
    reader.start(200, STREAM)
    reader.feed(b"".join(words("old")) + b"data: half", MS)
    reader.start(200, STREAM)
    reader.feed(b"".join([*words("new"), STOP]), 5 * MS)
    reader.finish(200, STREAM)
    assert (reader.text, reader.chunks, reader.first_token_ns, list(reader.gaps_us)) == ("new", 1, 5 * MS, [])


def test_backends_are_named_by_headers() -> None:
    assert backend_of({"x-routing-backend": "a", "x-litellm-model-id": "b"}) == "a"
    assert backend_of({"x-litellm-model-id": "b"}) == "b"
    assert backend_of({}) == ""
