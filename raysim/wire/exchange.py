"""One request and what came back, with the times at which it did."""

from __future__ import annotations

from typing import Protocol

from raysim.core.records.outcome import ErrorKind

#: longest piece of a platform's error text that is kept
DETAIL_LIMIT = 200


class BodyReader(Protocol):
    """Takes the response's body as it arrives. Never raises: what is wrong with a body is kept in the reader."""

    #: monotonic ns of the first token; 0 until there is one (a reader without tokens stays at 0)
    first_token_ns: int

    def start(self, status: int, headers: dict[str, str]) -> None:
        """The response's head has arrived; header names are lower case."""

    def feed(self, data: bytes, stamp_ns: int) -> bool:
        """A piece of the body, stamped when it was read. False when nothing more is wanted of this response."""


class Exchange:
    """The course of one request on one connection. Times are monotonic ns, 0 for "has not happened"."""

    __slots__ = (
        "bytes_received",
        "connect_ns",
        "detail",
        "end_ns",
        "error",
        "first_byte_ns",
        "headers",
        "sent_ns",
        "status",
    )

    def __init__(self) -> None:
        self.connect_ns = 0
        self.sent_ns = 0
        self.first_byte_ns = 0
        self.end_ns = 0
        self.bytes_received = 0
        self.status = 0
        self.headers: dict[str, str] = {}
        self.error = ErrorKind.NONE
        self.detail = ""

    def fail(self, error: ErrorKind, detail: str) -> None:
        """Note how it failed; the first failure counts."""
        if self.error is ErrorKind.NONE:
            self.error = error
            self.detail = detail[:DETAIL_LIMIT]
