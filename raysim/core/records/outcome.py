"""How a request can end."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a request."""

    SUCCESS = "success"
    #: the platform or the network failed
    ERROR = "error"
    #: the platform said no for a reason that a correct platform has: rate limit, budget, quota
    REFUSED = "refused"
    #: the harness ended it, or made it fail: the run stopped, the user was told to go, chaos was asked for
    CANCELLED = "cancelled"


class ErrorKind(StrEnum):
    """The kinds of error a request can end in; `NONE` for success."""

    NONE = ""
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_FIRST_TOKEN = "timeout_first_token"  # noqa: S105 - a kind of error, not a credential
    TIMEOUT_TOTAL = "timeout_total"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_RESET = "connection_reset"
    TLS = "tls"
    DNS = "dns"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    BUDGET_EXCEEDED = "budget_exceeded"
    QUOTA_EXCEEDED = "quota_exceeded"
    OVERLOADED = "overloaded"
    STREAM_INTERRUPTED = "stream_interrupted"
    STREAM_ERROR = "stream_error"
    PROTOCOL = "protocol"
    INVALID_RESPONSE = "invalid_response"
    EXPECTATION_FAILED = "expectation_failed"
    CIRCUIT_OPEN = "circuit_open"
    INJECTED = "injected"
    CANCELLED = "cancelled"

    @property
    def outcome(self) -> Outcome:
        """The outcome that a request ending in this kind has."""
        match self:
            case ErrorKind.NONE:
                return Outcome.SUCCESS
            case ErrorKind.RATE_LIMITED | ErrorKind.BUDGET_EXCEEDED | ErrorKind.QUOTA_EXCEEDED:
                return Outcome.REFUSED
            case ErrorKind.CANCELLED | ErrorKind.INJECTED:
                return Outcome.CANCELLED
            case _:
                return Outcome.ERROR
