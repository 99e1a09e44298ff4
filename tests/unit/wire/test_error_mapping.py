from __future__ import annotations

import orjson
import pytest

from raysim.core.records.outcome import ErrorKind, Outcome
from raysim.wire.error_mapping import kind_of_response, kind_of_stream_error, retry_after_s

AIAAS_402 = {"error": "Budget exceeded", "code": "BUDGET_EXCEEDED", "limit_context": {"current_usage": 5, "limit": 5}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {}, ErrorKind.NONE),
        (400, {"error": "bad", "code": "VALIDATION_ERROR"}, ErrorKind.HTTP_4XX),
        (401, {"error": "Invalid API key", "code": "AUTH_INVALID"}, ErrorKind.AUTH),
        (403, "forbidden", ErrorKind.AUTH),
        (402, AIAAS_402, ErrorKind.BUDGET_EXCEEDED),
        (402, {"error": "Quota exceeded", "code": "QUOTA_EXCEEDED"}, ErrorKind.QUOTA_EXCEEDED),
        (402, "payment required", ErrorKind.BUDGET_EXCEEDED),
        (404, "404 page not found", ErrorKind.HTTP_4XX),
        (413, "request body too large", ErrorKind.HTTP_4XX),
        (429, {"error": "Rate limit exceeded", "code": "RATE_LIMIT_EXCEEDED"}, ErrorKind.RATE_LIMITED),
        (429, "slow down", ErrorKind.RATE_LIMITED),
        (429, {"error": {"type": "budget_exceeded", "message": "over"}}, ErrorKind.BUDGET_EXCEEDED),
        (400, {"error": {"type": "budget_exceeded", "code": "400"}}, ErrorKind.BUDGET_EXCEEDED),
        (422, {"error": {"type": "budget_exceeded", "param": None, "code": 422}}, ErrorKind.BUDGET_EXCEEDED),
        (422, {"detail": [{"loc": ["body"]}]}, ErrorKind.HTTP_4XX),
        (429, {"error": {"code": "insufficient_quota", "message": "check your plan"}}, ErrorKind.QUOTA_EXCEEDED),
        (500, {"error": "routing failed", "code": "ROUTING_ERROR"}, ErrorKind.HTTP_5XX),
        (502, {"error": "backend", "code": "BACKEND_ERROR"}, ErrorKind.HTTP_5XX),
        (
            503,
            {"object": "error", "message": "queue full", "type": "ServiceUnavailable", "code": 503},
            ErrorKind.OVERLOADED,
        ),
        (503, "no healthy upstream", ErrorKind.OVERLOADED),
        (529, {}, ErrorKind.OVERLOADED),
        (500, [{"error": "a list"}], ErrorKind.HTTP_5XX),
        (500, "", ErrorKind.HTTP_5XX),
    ],
)
def test_kinds_of_responses(status: int, body: object, kind: ErrorKind) -> None:
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    assert kind_of_response(status, {}, raw)[0] is kind


@pytest.mark.parametrize("header", ["x-envoy-overloaded", "x-llm-d-request-dropped-reason"])
def test_gateways_say_in_headers_that_they_are_overloaded(header: str) -> None:
    assert kind_of_response(500, {header: "true"}, b"")[0] is ErrorKind.OVERLOADED
    assert kind_of_response(500, {}, b"")[0] is ErrorKind.HTTP_5XX


def test_the_budget_is_recognised_by_its_type_and_not_by_the_word_in_a_message() -> None:
    body = {"error": {"type": "invalid_request_error", "message": "not budget_exceeded, something else"}}
    assert kind_of_response(400, {}, orjson.dumps(body))[0] is ErrorKind.HTTP_4XX


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"error":"text","code":"X"}', "500 text"),
        (b'{"error":{"message":"inner","type":"t"}}', "500 inner"),
        (b'{"object":"error","message":"flat"}', "500 flat"),
        (b"several\n  lines\tof text ", "500 several lines of text"),
        (b'{"detail":"x"}', '500 {"detail":"x"}'),
        (b"", "500"),
        (b"\xff\xfe", "500 ��"),
        (b'{"error":{"message":{"nested":1}}}', "500 {'nested': 1}"),
    ],
)
def test_what_the_platform_says_becomes_one_line(body: bytes, detail: str) -> None:
    assert kind_of_response(500, {}, body)[1] == detail


@pytest.mark.parametrize(
    ("payload", "kind", "message"),
    [
        (b'{"error":{"message":"boom","code":500}}', ErrorKind.STREAM_ERROR, "boom"),
        (b'{"error":"boom"}', ErrorKind.STREAM_ERROR, "boom"),
        (b"boom", ErrorKind.STREAM_ERROR, "boom"),
        (b'{"error":{"type":"budget_exceeded","message":"spent"}}', ErrorKind.BUDGET_EXCEEDED, "spent"),
        (b'{"error":{"code":"insufficient_quota","message":"plan"}}', ErrorKind.QUOTA_EXCEEDED, "plan"),
    ],
)
def test_errors_inside_a_stream(payload: bytes, kind: ErrorKind, message: str) -> None:
    assert kind_of_stream_error(payload) == (kind, message)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, b"", 7.0),
        ({"retry-after": "0.25"}, b"", 0.25),
        ({"retry-after": "0"}, b"", 0.0),
        ({"retry-after": "7"}, b'{"retry_after_seconds":3}', 7.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", None),
        ({"retry-after": "soon"}, b'{"retry_after_seconds":3}', 3.0),
        ({"retry-after": "-1"}, b"", None),
        ({"retry-after": "inf"}, b"", None),
        ({"retry-after": "nan"}, b"", None),
        ({"retry-after": ""}, b"", None),
        ({}, b'{"retry_after_seconds":1.5}', 1.5),
        ({}, b'{"retry_after_seconds":null}', None),
        ({}, b'{"retry_after_seconds":"2"}', 2.0),
        ({}, b"[1]", None),
        ({}, b"text", None),
        ({}, b"", None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], body: bytes, seconds: float | None) -> None:
    assert retry_after_s(headers, body) == seconds


def test_every_kind_has_an_outcome_and_refusals_are_apart() -> None:
    refused = {kind for kind in ErrorKind if kind.outcome is Outcome.REFUSED}
    assert refused == {ErrorKind.RATE_LIMITED, ErrorKind.BUDGET_EXCEEDED, ErrorKind.QUOTA_EXCEEDED}
    assert [kind for kind in ErrorKind if kind.outcome is Outcome.SUCCESS] == [ErrorKind.NONE]
