"""A small HTTP/1.1 server: `asyncio.Protocol` and httptools, one write for each thing said.

Requests of one connection are answered in their order. No task is made for a request, because a thousand streams
share one core.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

import httptools

from raysim.simplatform.http import Application, Exchange, Reply, Request, head

if TYPE_CHECKING:
    import ssl

_log = logging.getLogger(__name__)

_MAX_HEADER_BYTES = 65_536
#: a body that is too large is read to its end up to here, so that its sender gets to read the answer
_MAX_DISCARDED_BYTES = 16 * 1024 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class _Incoming:
    url: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    body: list[bytes] = field(default_factory=list)
    header_bytes: int = 0
    body_bytes: int = 0
    limit: int = 0


class _Connection(asyncio.Protocol):
    def __init__(self, application: Application, connections: set[_Connection]) -> None:
        self._application = application
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._incoming = _Incoming()
        self._waiting: deque[Request] = deque()
        self._exchange: Exchange | None = None
        self._closing = False

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        self._connections.discard(self)
        self._transport = None
        self._waiting.clear()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.abandoned()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # an offer that may be ignored: the request is answered in HTTP/1.1, and its connection closed
            self._parser = httptools.HttpRequestParser(self)
        except httptools.HttpParserError as error:
            self._refuse(400, f"bad request: {error}\n")

    # what httptools calls

    def on_message_begin(self) -> None:
        self._incoming = _Incoming()

    def on_url(self, url: bytes) -> None:
        self._incoming.url += url
        self._count_header_bytes(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_header_bytes(len(name) + len(value))
        self._incoming.headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        incoming = self._incoming
        path = unquote(incoming.url.split(b"?", 1)[0].decode("latin-1"))
        incoming.limit = self._application.body_limit(path)
        if incoming.headers.get("expect", "").lower() == "100-continue":
            length = incoming.headers.get("content-length", "0")
            if length.isdigit() and int(length) >= incoming.limit:
                self._deliver(too_large=True, keep_alive=False)
                self._closing = True
            else:
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        incoming = self._incoming
        incoming.body_bytes += len(body)
        if incoming.body_bytes < incoming.limit:
            incoming.body.append(body)
        elif incoming.body_bytes > _MAX_DISCARDED_BYTES:
            self._refuse(413, "request body too large\n")

    def on_message_complete(self) -> None:
        if not self._closing:
            incoming = self._incoming
            too_large = incoming.body_bytes > 0 and incoming.body_bytes >= incoming.limit
            stays = self._parser.should_keep_alive() and not self._parser.should_upgrade()
            self._deliver(too_large=too_large, keep_alive=stays and not too_large)

    # what exchanges call

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def answered(self, *, close: bool) -> None:
        self._exchange = None
        if close:
            self.close()
        elif self._waiting:
            self._begin(self._waiting.popleft())

    def close(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        self._closing = True
        self._exchange = None
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()

    def _count_header_bytes(self, size: int) -> None:
        self._incoming.header_bytes += size
        if self._incoming.header_bytes > _MAX_HEADER_BYTES and not self._closing:
            self._refuse(431, "request headers too large\n")

    def _refuse(self, status: int, text: str) -> None:
        if not self._closing:
            body = text.encode()
            self.write(head(status, "text/plain", (), length=len(body), close=True) + body)
            self.close()

    def _deliver(self, *, too_large: bool, keep_alive: bool) -> None:
        incoming = self._incoming
        parts = urlsplit("//host" + incoming.url.decode("latin-1"))
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=unquote(parts.path),
            query=parts.query,
            headers=incoming.headers,
            body=b"" if too_large else b"".join(incoming.body),
            too_large=too_large,
            keep_alive=keep_alive,
            http_1_0=self._parser.get_http_version() == "1.0",
        )
        if self._exchange is not None:
            self._waiting.append(request)
        else:
            self._begin(request)

    def _begin(self, request: Request) -> None:
        exchange = self._exchange = Exchange(self, request)
        try:
            self._application.handle(request, exchange)
        except Exception:  # noqa: BLE001 - one request's bug must not take its connection's others along
            _log.exception("a request to %s failed", request.path)
            exchange.reply(Reply(500, b"internal error\n", "text/plain", close=True))


class HttpServer:
    """Listens, and knows its connections, so that it can end them."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, ssl_context: ssl.SSLContext | None = None) -> int:
        """Accept connections; the port, which the system chose when `port` is 0.

        Raises:
            OSError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._application, self._connections),
            host,
            port,
            backlog=4096,
            ssl=ssl_context,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.reset()
        await self._server.wait_closed()
