"""A user's way to one server: at most one connection, opened ahead of need, and one safe retry on it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from errno import ECONNREFUSED
from time import monotonic_ns

from raysim.core.records.outcome import ErrorKind
from raysim.wire.connection import Connection, tls_text
from raysim.wire.exchange import BodyReader, Exchange
from raysim.wire.target import HttpTarget, Timeouts


class HttpClient:
    """Sends requests to one target over a connection of its own, one at a time.

    Args:
        target: the server.
        context: an SSL context to share between clients; made from the target's files when None.
    """

    def __init__(self, target: HttpTarget, *, context: ssl.SSLContext | None = None) -> None:
        self.target = target
        self._context = context if context is not None or target.tls is None else target.tls.context()
        self._connection: Connection | None = None
        #: the latest exchange, also when the caller was cancelled while it was under way
        self.last_exchange: Exchange | None = None
        #: how often its request was sent
        self.last_attempts = 0

    @property
    def is_open(self) -> bool:
        """Whether a request could go out now without connecting first."""
        return self._connection is not None and self._connection.usable

    async def open(self, exchange: Exchange | None = None) -> Exchange:
        """Connect unless connected. How it went is in the exchange: `connect_ns`, and `error` when it failed."""
        exchange = exchange or Exchange()
        if self.is_open:
            return exchange
        loop = asyncio.get_running_loop()
        started = monotonic_ns()
        try:
            async with asyncio.timeout(self.target.timeouts.connect_s):
                _, self._connection = await loop.create_connection(
                    lambda: Connection(loop),
                    self.target.host,
                    self.target.port,
                    ssl=self._context,
                    server_hostname=self.target.host if self._context else None,
                )
        except (OSError, UnicodeError) as error:
            exchange.fail(*_connect_failure(self.target, error))
        else:
            exchange.connect_ns = monotonic_ns() - started
        if exchange.error is not ErrorKind.NONE:
            exchange.end_ns = monotonic_ns()
        return exchange

    async def send(self, request: bytes, reader: BodyReader, timeouts: Timeouts | None = None) -> tuple[Exchange, int]:
        """Send head and body, feed the response to `reader`; returns how it went and how often it was sent.

        `timeouts` replaces the target's own, except for connecting.

        A connection that was kept alive and turns out to be closed before any byte of the response arrived is a race
        that nobody lost: the request is sent once more on a fresh one.

        Raises:
            asyncio.CancelledError: the caller was cancelled; the connection is closed.
        """
        exchange = self.last_exchange = Exchange()
        self.last_attempts = 1
        kept_alive = self.is_open and self._connection is not None and self._connection.uses > 0
        timeouts = timeouts or self.target.timeouts
        await self._attempt(request, reader, timeouts, exchange)
        if kept_alive and exchange.error is ErrorKind.CONNECTION_RESET and exchange.bytes_received == 0:
            exchange = self.last_exchange = Exchange()
            self.last_attempts = 2
            await self._attempt(request, reader, timeouts, exchange)
        return exchange, self.last_attempts

    async def _attempt(self, request: bytes, reader: BodyReader, timeouts: Timeouts, exchange: Exchange) -> None:
        await self.open(exchange)
        if exchange.error is ErrorKind.NONE and self._connection is not None:
            await self._connection.exchange(request, reader, timeouts, exchange)
        if not self.target.keep_alive:
            self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect_failure(target: HttpTarget, error: OSError | UnicodeError) -> tuple[ErrorKind, str]:
    match error:
        case TimeoutError():
            return ErrorKind.TIMEOUT_CONNECT, f"no connection within {target.timeouts.connect_s:g} s"
        case ssl.SSLError():
            return ErrorKind.TLS, tls_text(error)
        case socket.gaierror():
            return ErrorKind.DNS, f"{target.host}: {error.strerror or error}"
        case UnicodeError():
            return ErrorKind.DNS, f"{target.host} is not a host name: {error}"
    # a name with several addresses that all refuse comes as one OSError that lists them
    if isinstance(error, ConnectionRefusedError) or f"[Errno {ECONNREFUSED}]" in str(error):
        return ErrorKind.CONNECTION_REFUSED, f"{target.host}:{target.port} refused the connection"
    return ErrorKind.CONNECTION_RESET, str(error)


def request_head(method: str, target: HttpTarget, path: str, headers: dict[str, str]) -> bytes:
    """A request's head up to but not including what varies by request (Content-Length, request ids).

    Raises:
        ValueError: a header or the path holds a line break.
    """
    lines = [f"{method} {target.base_path}{path} HTTP/1.1", f"Host: {target.host_header}"]
    if not target.keep_alive:
        lines.append("Connection: close")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header or the path holds a line break")
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")
