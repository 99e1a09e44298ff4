"""A user's way to one server: at most one connection, opened ahead of need, and one safe retry on it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from time import monotonic_ns

from raysim.core.records.outcome import ErrorKind
from raysim.wire.connection import Connection
from raysim.wire.exchange import BodyReader, Exchange
from raysim.wire.target import HttpTarget


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
        except TimeoutError:
            exchange.fail(ErrorKind.TIMEOUT_CONNECT, f"no connection within {self.target.timeouts.connect_s:g} s")
        except ssl.SSLError as error:
            exchange.fail(ErrorKind.TLS, _tls_text(error))
        except socket.gaierror as error:
            exchange.fail(ErrorKind.DNS, f"{self.target.host}: {error.strerror or error}")
        except ConnectionRefusedError:
            exchange.fail(ErrorKind.CONNECTION_REFUSED, f"{self.target.host}:{self.target.port} refused the connection")
        except OSError as error:
            exchange.fail(ErrorKind.CONNECTION_RESET, str(error))
        else:
            exchange.connect_ns = monotonic_ns() - started
            self._connection.connect_ns = exchange.connect_ns
        if exchange.error is not ErrorKind.NONE:
            exchange.end_ns = monotonic_ns()
        return exchange

    async def send(self, request: bytes, reader: BodyReader) -> tuple[Exchange, int]:
        """Send head and body, feed the response to `reader`; returns how it went and how often it was sent.

        A connection that was kept alive and turns out to be closed before any byte of the response arrived is a race
        that nobody lost: the request is sent once more on a fresh one.

        Raises:
            asyncio.CancelledError: the caller was cancelled; the connection is closed.
        """
        exchange = self.last_exchange = Exchange()
        kept_alive = self.is_open and self._connection is not None and self._connection.uses > 0
        await self._attempt(request, reader, exchange)
        if kept_alive and exchange.error is ErrorKind.CONNECTION_RESET and exchange.first_byte_ns == 0:
            exchange = self.last_exchange = Exchange()
            await self._attempt(request, reader, exchange)
            return exchange, 2
        return exchange, 1

    async def _attempt(self, request: bytes, reader: BodyReader, exchange: Exchange) -> None:
        await self.open(exchange)
        if exchange.error is ErrorKind.NONE and self._connection is not None:
            await self._connection.exchange(request, reader, self.target.timeouts, exchange)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    return error.reason or str(error)


def request_head(method: str, target: HttpTarget, path: str, headers: dict[str, str]) -> bytes:
    """A request's head up to but not including what varies by request (Content-Length, request ids).

    Raises:
        ValueError: a header or the path holds a line break.
    """
    lines = [f"{method} {target.base_path}{path} HTTP/1.1", f"Host: {target.host_header}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header or the path holds a line break")
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")
