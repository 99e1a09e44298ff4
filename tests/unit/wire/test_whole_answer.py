from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.endpoint import EndpointKind
from raysim.core.records.outcome import ErrorKind
from raysim.wire import whole_answer
from raysim.wire.whole_answer import WholeReader

VECTORS = b'{"data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":7,"total_tokens":7}}'


def read(kind: EndpointKind, *pieces: bytes, status: int = 200) -> WholeReader:
    reader = WholeReader(kind)
    reader.start(status, {})
    for piece in pieces:
        reader.feed(piece, 1)
    reader.finish(status, {})
    return reader


def counts(reader: WholeReader) -> tuple[int | None, int | None] | None:
    return None if reader.tokens is None else (reader.tokens.prompt, reader.tokens.completion)


def test_embeddings_in_pieces() -> None:
    reader = read("embeddings", VECTORS[:20], VECTORS[20:])
    assert (reader.error, reader.body, counts(reader)) == (ErrorKind.NONE, VECTORS, (7, None))
    assert (reader.text, reader.first_token_ns) == ("", 0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"data":[]}', "embeddings without data"),
        (b"{}", "not embeddings"),
        (b"", "not embeddings"),
        (b"<html>", "not embeddings"),
        (b'{"data":[1],"usage":{"prompt_tokens":-1}}', "not embeddings"),
    ],
)
def test_what_holds_no_embeddings_is_invalid(body: bytes, said: str) -> None:
    reader = read("embeddings", body)
    assert reader.error is ErrorKind.INVALID_RESPONSE
    assert said in reader.detail


def test_uncounted_embeddings_are_fine() -> None:
    reader = read("embeddings", b'{"data":[1]}')
    assert (reader.error, counts(reader)) == (ErrorKind.NONE, None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"usage":{"tokens_input":3,"tokens_output":4,"cost_usd":1}}', (3, 4)),
        (b'{"usage":{"input_tokens":3}}', (3, None)),
        (b'{"usage":{"completion_tokens":0}}', (None, 0)),
        (b'{"usage":null}', None),
        (b'{"usage":7}', None),
        (b"[1]", None),
        (b"plain text", None),
        (b"", None),
    ],
)
def test_a_custom_answer_may_be_anything(body: bytes, expected: tuple[int | None, int | None] | None) -> None:
    reader = read("custom", body)
    assert (reader.error, counts(reader)) == (ErrorKind.NONE, expected)


def test_an_organisation_is_only_kept() -> None:
    reader = read("orgs", b'{"usage":{"prompt_tokens":3}}')
    assert (reader.error, reader.tokens) == (ErrorKind.NONE, None)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, b'{"error":"slow down"}', ErrorKind.RATE_LIMITED),
        (402, b'{"code":"BUDGET_EXCEEDED"}', ErrorKind.BUDGET_EXCEEDED),
        (500, b"", ErrorKind.HTTP_5XX),
        (302, b"", ErrorKind.INVALID_RESPONSE),
    ],
)
def test_failures_have_the_same_names_everywhere(status: int, body: bytes, error: ErrorKind) -> None:
    assert read("embeddings", body, status=status).error is error
    assert read("custom", body, status=status).error is error


def test_a_second_attempt_forgets_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_answer, "MAX_BODY_BYTES", 100)
    reader = WholeReader("embeddings")
    reader.start(200, {})
    assert not reader.feed(b"x" * 101, 1)
    reader.finish(200, {})
    assert (reader.error, reader.detail) == (ErrorKind.INVALID_RESPONSE, "a body over 100 bytes")
    reader.start(200, {})
    assert reader.feed(VECTORS, 1)
    reader.finish(200, {})
    assert reader.error is ErrorKind.NONE


@given(st.binary(max_size=80), st.sampled_from(["embeddings", "orgs", "custom"]), st.integers(200, 599))
def test_no_body_breaks_it(body: bytes, kind: EndpointKind, status: int) -> None:
    assert isinstance(read(kind, body, status=status).error, ErrorKind)


@pytest.mark.parametrize(
    ("cost", "usd"), [("0.0025", 0.0025), ('"0.0025"', None), ("null", None), ("-1", None), ('{"amount":1}', None)]
)
def test_a_price_is_read_and_what_is_none_leaves_the_counts(cost: str, usd: float | None) -> None:
    found = read("custom", f'{{"usage":{{"tokens_input":3,"tokens_output":5,"cost_usd":{cost}}}}}'.encode())
    assert found.tokens is not None
    assert (found.tokens.prompt, found.tokens.completion) == (3, 5)
    assert found.tokens.billed_usd == pytest.approx(math.nan if usd is None else usd, nan_ok=True)
