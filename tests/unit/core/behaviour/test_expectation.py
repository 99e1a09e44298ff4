from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.expectation import Expectation, Finding, parse_json_path
from raysim.core.records.outcome import ErrorKind

BODY = b'{"data": [{"id": "a", "n": 1, "on": true, "none": null}], "odd key": 2}'


def finding(
    status: int = 200, error: ErrorKind = ErrorKind.NONE, *, text: str = "", body: bytes = BODY, detail: str = "said"
) -> Finding:
    return Finding(error, detail if error else "", status, text, body)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("$.data[0].id", ("data", 0, "id")),
        ("usage.prompt_tokens", ("usage", "prompt_tokens")),
        ("[0][1]", (0, 1)),
        ("$['odd key']", ("odd key",)),
        ('$["odd key"].x-y', ("odd key", "x-y")),
    ],
)
def test_paths_are_names_and_indexes(text: str, steps: tuple[str | int, ...]) -> None:
    assert parse_json_path(text) == steps


@pytest.mark.parametrize("text", ["", "$", "$..a", "a[*]", "a[-1]", "$.a b", "a[0", "a."])
def test_what_is_no_path_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected names and indexes such as"):
        parse_json_path(text)


def path(text: str, *equals: str | float | bool | None) -> Expectation:
    return Expectation(json_path=parse_json_path(text), compare=bool(equals), equals=equals[0] if equals else None)


@pytest.mark.parametrize(
    ("expectation", "found", "broken"),
    [
        (Expectation(), finding(), ""),
        (Expectation(status=200), finding(), ""),
        (Expectation(status=202), finding(), "status 200 instead of 202"),
        (Expectation(contains="data"), finding(), ""),
        (Expectation(contains="Hello"), finding(text="Hello there"), ""),
        (Expectation(contains="Hello"), finding(text="Bye"), "the answer does not contain 'Hello'"),
        (path("$.data[0].id"), finding(), ""),
        (path("$.data[0].none"), finding(), ""),
        (path("$.data[0].id", "a"), finding(), ""),
        (path("$.data[0].id", "b"), finding(), "$.data[0].id is 'a' instead of 'b'"),
        (path("$.data[0].n", 1.0), finding(), ""),
        (path("$.data[0].n", True), finding(), "$.data[0].n is 1 instead of True"),
        (path("$.data[0].on", 1), finding(), "$.data[0].on is True instead of 1"),
        (path("$.data[0].on", True), finding(), ""),
        (path("$.data[1].id"), finding(), "the answer has no $.data[1]"),
        (path("$.data.id"), finding(), "the answer has no $.data.id"),
        (path("$.data[0][0]"), finding(), "the answer has no $.data[0][0]"),
        (path("$.gone"), finding(), "the answer has no $.gone"),
        (path("$.gone"), finding(body=b"data: {}"), "the answer is not one JSON document"),
        (path("$.gone"), finding(body=b""), "the answer is not one JSON document"),
        (Expectation(status=200, contains="data", json_path=("data",)), finding(), ""),
    ],
)
def test_expectations(expectation: Expectation, found: Finding, broken: str) -> None:
    error = ErrorKind.EXPECTATION_FAILED if broken else ErrorKind.NONE
    assert expectation.judge(found) == (error, broken)


def test_a_failure_keeps_its_own_kind() -> None:
    refused = finding(429, ErrorKind.RATE_LIMITED)
    for expectation in (Expectation(status=200), Expectation(contains="x"), path("$.x")):
        assert expectation.judge(refused) == (ErrorKind.RATE_LIMITED, "said")


def test_a_failure_that_was_asked_for_is_a_success() -> None:
    missing = finding(404, ErrorKind.HTTP_4XX)
    assert Expectation(status=404).judge(missing) == (ErrorKind.NONE, "")
    assert Expectation(status=404, contains="zzz").judge(missing)[0] is ErrorKind.EXPECTATION_FAILED
    broken = finding(200, ErrorKind.STREAM_ERROR)
    assert Expectation(status=200).judge(broken) == (ErrorKind.STREAM_ERROR, "said")


def test_long_values_are_cut() -> None:
    _, detail = path("$.a", "y").judge(finding(body=b'{"a": "%s"}' % (b"x" * 500)))
    assert len(detail) < 200


@given(st.binary(max_size=60), st.lists(st.text(max_size=3) | st.integers(0, 3), min_size=1, max_size=3))
def test_no_body_breaks_it(body: bytes, steps: list[str | int]) -> None:
    error, detail = Expectation(json_path=tuple(steps)).judge(finding(body=body))
    assert (error is ErrorKind.EXPECTATION_FAILED) == bool(detail)
