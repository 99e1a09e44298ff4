from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.wire import sse
from raysim.wire.sse import SseOverflowError, SseParser

BOM = b"\xef\xbb\xbf"
Events = list[tuple[bytes, bytes]]


def parse(*pieces: bytes) -> Events:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"data: a\n\n", [(b"", b"a")]),
        (b"data:a\n\n", [(b"", b"a")]),
        (b"data:  a\n\n", [(b"", b" a")]),
        (b"data: a: b\n\n", [(b"", b"a: b")]),
        (b"data: a\r\n\r\n", [(b"", b"a")]),
        (b"data: a\r\r", [(b"", b"a")]),
        (b"data: a\r\ndata: b\r\n\r\n", [(b"", b"a\nb")]),
        (b"data\n\n", [(b"", b"")]),
        (b"data\ndata\n\n", [(b"", b"\n")]),
        (b"event: error\ndata: a\n\n", [(b"error", b"a")]),
        (b"event: error\n\ndata: a\n\n", [(b"", b"a")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [(b"error", b"a"), (b"", b"b")]),
        (b": keep-alive\n\ndata: a\n\n", [(b"", b"a")]),
        (b"data: a\n: between\ndata: b\n\n", [(b"", b"a\nb")]),
        (b"id: 7\nretry: 10\nunknown: x\ndata: a\n\n", [(b"", b"a")]),
        (b"data: a\n\n\n\ndata: b\n\n", [(b"", b"a"), (b"", b"b")]),
        (b"data: a\n\ndata: b\n\n", [(b"", b"a"), (b"", b"b")]),
        (BOM + b"data: a\n\n", [(b"", b"a")]),
        (b"data: never finished\n", []),
        (b"data: never finished", []),
        (b"", []),
    ],
)
def test_the_grammar(text: bytes, events: Events) -> None:
    assert parse(text) == events


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_one_event_over_several_reads(end: bytes) -> None:
    text = b"event: e" + end + b"data: one" + end + b"data: two" + end + end
    for cut in range(len(text)):
        assert parse(text[:cut], text[cut:]) == [(b"e", b"one\ntwo")]


def test_a_crlf_torn_apart_is_one_line_end() -> None:
    assert parse(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [(b"", b"a\nb")]


def test_a_byte_order_mark_counts_only_at_the_start() -> None:
    assert parse(BOM[:1], BOM[1:], b"data: a\n\n") == [(b"", b"a")]
    assert parse(b"data: a\n\n", BOM + b"data: b\n\n") == [(b"", b"a")]


LINES = st.sampled_from(
    [b"data: x", b"data:y", b"data", b"data: {}", b": note", b"event: error", b"event:", b"id: 1", b"", b"junk", b"\0"]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    st.booleans(),
    st.lists(st.tuples(LINES, ENDS), max_size=25),
    st.lists(st.integers(min_value=0, max_value=250), max_size=12),
)
def test_any_split_of_a_stream_gives_the_same_events(
    bom: bool,
    lines: list[tuple[bytes, bytes]],
    cuts: list[int],
) -> None:
    text = (BOM if bom else b"") + b"".join(line + end for line, end in lines)
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    assert parse(*pieces) == parse(text) == parse(*(text[i : i + 1] for i in range(len(text))))


@given(st.lists(st.binary(max_size=20).filter(lambda data: b"\r" not in data and b"\n" not in data), min_size=2))
def test_the_short_way_for_whole_events_gives_what_the_long_way_gives(payloads: list[bytes]) -> None:
    text = b"".join(b"data: " + payload + b"\n\n" for payload in payloads)
    head = b": the first piece always goes the long way\n\n"
    expected = [(b"", payload) for payload in payloads]
    assert parse(head, text) == expected
    assert parse(head + text) == expected


@pytest.mark.parametrize("text", [b"data: " + b"x" * 200, b"data: x\n" * 40, b"x" * 200, b": " + b"x" * 200])
def test_an_event_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 64)
    with pytest.raises(SseOverflowError):
        parse(*(text[start : start + 16] for start in range(0, len(text), 16)))


def test_many_small_events_are_no_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 64)
    parser = SseParser()
    assert sum(len(parser.feed(b"event: e\ndata: 0123456789\n\n")) for _ in range(100)) == 100
