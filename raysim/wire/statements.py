"""What a platform says beside its answer: what it charged, how much is left, what a limit was."""

from __future__ import annotations

import msgspec

from raysim.wire.completion import DECODE_ERRORS

_UNKNOWN = float("nan")
_HTTP_ERROR = 400
#: beyond this a count is not one, and would not fit a record
_MOST = 2**31 - 1


class Statements(msgspec.Struct, frozen=True):
    """NaN, and -1 for the count, where the platform says nothing.

    `billed_usd` is the price of this request, `key_spend_usd` what its key has spent in all, `rate_remaining` how many
    requests a rate limit leaves. A refusal may state the `limit` that was reached and its `usage`, in the limit's unit.
    """

    billed_usd: float = _UNKNOWN
    key_spend_usd: float = _UNKNOWN
    rate_remaining: int = -1
    usage: float = _UNKNOWN
    limit: float = _UNKNOWN


class _LimitContext(msgspec.Struct):
    current_usage: float | None = None
    limit: float | None = None


class _Refusal(msgspec.Struct):
    limit_context: _LimitContext | None = None


_decode_refusal = msgspec.json.Decoder(_Refusal).decode


def statements_of(status: int, headers: dict[str, str], body: bytes) -> Statements:
    """What a complete response states; header names are lower case."""
    remaining = number_in(headers.get("x-ratelimit-remaining") or headers.get("x-ratelimit-remaining-requests"))
    context = _context(body) if status >= _HTTP_ERROR else _LimitContext()
    return Statements(
        billed_usd=number_in(headers.get("x-litellm-response-cost")),
        key_spend_usd=number_in(headers.get("x-litellm-key-spend")),
        rate_remaining=int(remaining) if remaining <= _MOST else -1,
        usage=_UNKNOWN if context.current_usage is None else context.current_usage,
        limit=_UNKNOWN if context.limit is None else context.limit,
    )


def _context(body: bytes) -> _LimitContext:
    try:
        return _decode_refusal(body).limit_context or _LimitContext()
    except DECODE_ERRORS:
        return _LimitContext()


def number_in(text: str | None) -> float:
    """A number from 0 on; NaN for anything else."""
    if text is None:
        return _UNKNOWN
    try:
        value = float(text)
    except ValueError:
        return _UNKNOWN
    return value if 0 <= value < float("inf") else _UNKNOWN
