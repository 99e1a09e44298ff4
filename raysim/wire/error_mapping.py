"""From what a platform answers to the kind of error it is. The only place that knows the platforms' dialects."""

from __future__ import annotations

from typing import Any

import orjson

from raysim.core.records.outcome import ErrorKind

_BUDGET_WORDS = ("budget_exceeded", "budgetexceeded")
_QUOTA_WORDS = ("quota_exceeded", "insufficient_quota", "quotaexceeded")
_KIND_OF_STATUS = {
    401: ErrorKind.AUTH,
    402: ErrorKind.BUDGET_EXCEEDED,
    403: ErrorKind.AUTH,
    429: ErrorKind.RATE_LIMITED,
    503: ErrorKind.OVERLOADED,
    529: ErrorKind.OVERLOADED,
}
_HTTP_ERROR = 400
_SERVER_ERROR = 500


def kind_of_response(status: int, headers: dict[str, str], body: bytes) -> tuple[ErrorKind, str]:
    """The kind of error that a complete response with this status is, and what it says (one line).

    `NONE` for statuses below 400. Budget and quota refusals are recognised by what they say, not by their status:
    LiteLLM sends them as 400, 422 or 429, the AI-AAS router as 402.
    """
    if status < _HTTP_ERROR:
        return ErrorKind.NONE, ""
    code, message = _code_and_message(body)
    detail = f"{status} {message}".strip()
    refusal = _refusal(code)
    if refusal is not None:
        return refusal, detail
    if status in _KIND_OF_STATUS:
        return _KIND_OF_STATUS[status], detail
    if "x-envoy-overloaded" in headers or "x-llm-d-request-dropped-reason" in headers:
        return ErrorKind.OVERLOADED, detail
    return (ErrorKind.HTTP_5XX if status >= _SERVER_ERROR else ErrorKind.HTTP_4XX), detail


def kind_of_stream_error(payload: bytes) -> tuple[ErrorKind, str]:
    """The kind of an error event inside a 200 stream, and what it says."""
    code, message = _code_and_message(payload)
    return _refusal(code) or ErrorKind.STREAM_ERROR, message


def retry_after_s(headers: dict[str, str], body: bytes) -> float | None:
    """How long the platform asks to wait, in seconds; None when it does not say (an HTTP date counts as not saying)."""
    stated = _seconds(headers.get("retry-after"))
    if stated is not None:
        return stated
    said = _loads(body)
    return _seconds(said.get("retry_after_seconds")) if isinstance(said, dict) else None


def _seconds(stated: Any) -> float | None:
    try:
        seconds = float(stated)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _refusal(code: str) -> ErrorKind | None:
    folded = code.lower()
    if any(word in folded for word in _BUDGET_WORDS):
        return ErrorKind.BUDGET_EXCEEDED
    if any(word in folded for word in _QUOTA_WORDS):
        return ErrorKind.QUOTA_EXCEEDED
    return None


def _code_and_message(body: bytes) -> tuple[str, str]:
    said = _loads(body)
    if not isinstance(said, dict):
        return "", " ".join(body[:400].decode("utf-8", "replace").split())
    inner = said.get("error")
    source = inner if isinstance(inner, dict) else said
    code = " ".join(str(source[key]) for key in ("type", "code") if source.get(key) is not None)
    message = source.get("message") or (inner if isinstance(inner, str) else None) or body.decode("utf-8", "replace")
    return code, " ".join(str(message).split())


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
