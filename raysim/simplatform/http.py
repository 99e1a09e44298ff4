"""Requests, replies, and the exchange through which an application answers when it likes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_REASONS = {status.value: status.phrase for status in HTTPStatus}

Headers = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Request:
    """One request, complete. Header names are lower case; the first of several equal ones wins."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    #: the body was larger than the application takes, and is not here
    too_large: bool = False
    keep_alive: bool = True
    http_1_0: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete response.

    Args:
        delay_s: send it after so many seconds.
        withheld: never send it, but leave the connection open.
        close: close the connection behind it.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Headers = ()
    delay_s: float = 0.0
    withheld: bool = False
    close: bool = False


class Application(Protocol):
    """What the server serves."""

    def body_limit(self, path: str) -> int:
        """Bytes from which on a body to `path` is too large."""

    def handle(self, request: Request, exchange: Exchange) -> None:
        """Answer through `exchange`, now or later."""


def head(status: int, content_type: str, headers: Headers, *, length: int | None, close: bool = False) -> bytes:
    """A response's status line and headers; chunked when `length` is None."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
    if status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Type: {content_type}")
        lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    lines += [f"{name}: {value}" for name, value in headers]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


class Line(Protocol):
    """The connection, as an exchange needs it."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def answered(self, *, close: bool) -> None:
        """The response is complete: go on with the next request, or close."""

    def reset(self) -> None:
        """Reset the connection."""


class Exchange:
    """The response side of one request."""

    __slots__ = ("_line", "ended", "on_disconnect", "request")

    def __init__(self, line: Line, request: Request) -> None:
        self._line = line
        self.request = request
        #: called when the client goes away before the response is complete
        self.on_disconnect: Callable[[], None] | None = None
        self.ended = False

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open afterwards."""
        return self.request.keep_alive

    def reply(self, reply: Reply) -> None:
        """Send a complete response, after its delay."""
        if reply.withheld:
            return
        if reply.delay_s > 0:
            asyncio.get_running_loop().call_later(reply.delay_s, self._send, reply)
        else:
            self._send(reply)

    def write(self, data: bytes) -> None:
        """Send a part of a response, framed by the caller. Ignored once the client is gone."""
        if not self.ended:
            self._line.write(data)

    def finish(self) -> None:
        """The response is complete."""
        if not self.ended:
            self.ended = True
            self._line.answered(close=not self.keep_alive)

    def cut(self) -> None:
        """Close the connection where the response is now, after what was written."""
        if not self.ended:
            self.ended = True
            self._line.answered(close=True)

    def reset(self) -> None:
        """Reset the connection (TCP RST)."""
        if not self.ended:
            self.ended = True
            self._line.reset()

    def abandoned(self) -> None:
        """The client is gone."""
        if not self.ended:
            self.ended = True
            if self.on_disconnect is not None:
                self.on_disconnect()

    def _send(self, reply: Reply) -> None:
        if self.ended:
            return
        close = reply.close or not self.keep_alive
        start = head(reply.status, reply.content_type, reply.headers, length=len(reply.body), close=close)
        bodiless = self.request.method == "HEAD" or reply.status == HTTPStatus.NO_CONTENT
        self.ended = True
        self._line.write(start if bodiless else start + reply.body)
        self._line.answered(close=close)
