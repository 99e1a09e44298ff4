"""One HTTP/1.1 connection: writes a request, feeds the response to a reader, stamps every arrival."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import zlib
from time import monotonic_ns
from typing import cast

import httptools

from raysim.core.records.outcome import ErrorKind
from raysim.wire.exchange import BodyReader, Exchange
from raysim.wire.inflater import Inflater
from raysim.wire.target import Timeouts

#: heads, trailers and chunk framing beyond this are not from an LLM platform
MAX_HEAD_BYTES = 64 * 1024
_FIRST_FINAL_STATUS = 200


class Connection(asyncio.Protocol):
    """A connection that carries one exchange at a time, again and again while the server keeps it alive."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        #: why the connection went while nothing was under way on it
        self._lost_by: Exception | None = None
        self._raw_fd = -1
        self._exchange: Exchange | None = None
        self._reader: BodyReader | None = None
        self._done: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timeouts = Timeouts()
        self._parser = httptools.HttpResponseParser(self)
        self._stamp = 0
        #: bytes since the last piece of a body or the end of the head
        self._framing_bytes = 0
        self._in_head = True
        self._until_close = False
        self._inflater: Inflater | None = None
        self.uses = 0

    # ── asyncio.Protocol ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            if transport.get_extra_info("ssl_object") is None:
                self._raw_fd = sock.fileno()

    def data_received(self, data: bytes) -> None:
        """Stamp first, then parse."""
        self._stamp = stamp = monotonic_ns()
        exchange = self._exchange
        if exchange is None:
            # nothing was asked: whatever this is, the next answer could not be trusted
            self.close()
            return
        if exchange.first_byte_ns == 0:
            exchange.first_byte_ns = stamp
        size = len(data)
        exchange.bytes_received += size
        self._framing_bytes += size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._finish(ErrorKind.PROTOCOL, "the server switched protocols")
        except httptools.HttpParserError as error:
            # what arrived behind a complete response does not spoil it, but ends the connection
            self._finish(ErrorKind.PROTOCOL, f"not HTTP/1.1: {error}")
            self.close()
        else:
            if self._framing_bytes > MAX_HEAD_BYTES:
                self._finish(ErrorKind.PROTOCOL, f"over {MAX_HEAD_BYTES} bytes of head, trailer or chunk framing")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; that ends a body without a length, and fails any other exchange."""
        self._stamp = monotonic_ns()
        closed_here = self._transport is None
        self._transport = None
        exchange = self._exchange
        if exchange is None:
            self._lost_by = exc
            return
        if self._until_close and exc is None and not closed_here:
            self._finish(ErrorKind.NONE, "")
        elif exchange.first_byte_ns:
            self._finish(ErrorKind.STREAM_INTERRUPTED, "the connection ended before the response did")
        elif isinstance(exc, ssl.SSLError) and not isinstance(exc, ssl.SSLEOFError):
            # from TLS 1.3 on a client learns only after its own handshake that its certificate was not accepted
            self._finish(ErrorKind.TLS, tls_text(exc))
        else:
            self._finish(ErrorKind.CONNECTION_RESET, str(exc) if exc else "closed by the server without a response")

    # ── httptools callbacks ──

    def on_message_begin(self) -> None:
        """A response begins: perhaps only an informational one."""
        self._in_head = True
        self._until_close = False
        self._inflater = None
        exchange = self._exchange
        if exchange is None:
            # a second response to one request: the next answer could not be trusted
            self.close()
            return
        exchange.headers = {}
        exchange.first_byte_ns = self._stamp

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer."""
        exchange = self._exchange
        if exchange is not None and self._in_head:
            exchange.headers[name.lower().decode("latin-1")] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._in_head = False
        self._framing_bytes = 0
        exchange = self._exchange
        if exchange is None:
            return
        exchange.status = self._parser.get_status_code()
        if exchange.status < _FIRST_FINAL_STATUS:
            return
        headers = exchange.headers
        self._until_close = "content-length" not in headers and "transfer-encoding" not in headers
        coding = headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):
            try:
                self._inflater = Inflater(coding)
            except ValueError as error:
                self._finish(ErrorKind.PROTOCOL, str(error))
                return
        if self._reader is not None:
            self._reader.start(exchange.status, headers)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._framing_bytes = 0
        reader = self._reader
        if reader is None:
            return
        if self._inflater is not None:
            self._feed_packed(self._inflater, reader, body)
        elif not reader.feed(body, self._stamp):
            self._finish(ErrorKind.NONE, "", reusable=False)

    def _feed_packed(self, inflater: Inflater, reader: BodyReader, body: bytes) -> None:
        try:
            for piece in inflater.pieces(body):
                if not reader.feed(piece, self._stamp):
                    self._finish(ErrorKind.NONE, "", reusable=False)
                    return
        except zlib.error as error:
            self._finish(ErrorKind.PROTOCOL, f"not packed as its content-encoding says: {error}")

    def on_message_complete(self) -> None:
        """The response is complete, unless it was an informational one."""
        exchange = self._exchange
        if exchange is None:
            return
        if exchange.status < _FIRST_FINAL_STATUS:
            # nothing of the response itself has arrived yet
            exchange.first_byte_ns = exchange.status = 0
            exchange.headers = {}
            return
        self._finish(ErrorKind.NONE, "", reusable=self._parser.should_keep_alive())

    # ── the exchange ──

    @property
    def usable(self) -> bool:
        """Whether a request can be sent on it now."""
        return self._transport is not None and not self._transport.is_closing() and self._exchange is None

    async def exchange(self, request: bytes, reader: BodyReader, timeouts: Timeouts, exchange: Exchange) -> None:
        """Send `request` (head and body) and feed the response to `reader`; `exchange` tells how it went.

        Cancelling closes the connection. Never raises anything but CancelledError.
        """
        self.uses += 1
        self._exchange = exchange
        self._reader = reader
        self._timeouts = timeouts
        self._framing_bytes = 0
        self._until_close = False
        self._done = self._loop.create_future()
        # before the call: on one machine the kernel may run the server before the call returns
        exchange.sent_ns = monotonic_ns()
        self._write(request)
        self._timer = self._loop.call_later(
            min(timeouts.first_token_s, timeouts.total_s), self._check_deadlines, exchange
        )
        try:
            await self._done
        except asyncio.CancelledError:
            self._stamp = monotonic_ns()
            self._finish(ErrorKind.CANCELLED, "cancelled before the response was complete")
            self.close()
            raise

    def _write(self, request: bytes) -> None:
        """Hand the request to the kernel at once: the loop's own write would wait for the end of its iteration."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self._loop.call_soon(self.connection_lost, self._lost_by)
            return
        if self._raw_fd >= 0 and transport.get_write_buffer_size() == 0:
            try:
                written = os.write(self._raw_fd, request)
            except BlockingIOError:
                written = 0
            except OSError:
                # the transport finds out by itself and reports a lost connection
                transport.abort()
                return
            request = request[written:]
        if request:
            transport.write(request)

    def _check_deadlines(self, exchange: Exchange) -> None:
        if self._exchange is not exchange or self._reader is None:
            return
        self._stamp = monotonic_ns()
        elapsed_s = (self._stamp - exchange.sent_ns) / 1e9
        timeouts = self._timeouts
        waiting = self._reader.first_token_ns == 0
        limit_s = min(timeouts.first_token_s, timeouts.total_s) if waiting else timeouts.total_s
        if elapsed_s < limit_s - 1e-3:
            self._timer = self._loop.call_later(limit_s - elapsed_s, self._check_deadlines, exchange)
        elif waiting and timeouts.first_token_s < timeouts.total_s:
            self._finish(ErrorKind.TIMEOUT_FIRST_TOKEN, f"no token within {timeouts.first_token_s:g} s")
        else:
            self._finish(ErrorKind.TIMEOUT_TOTAL, f"not finished within {timeouts.total_s:g} s")

    def _finish(self, error: ErrorKind, detail: str, *, reusable: bool = False) -> None:
        exchange, done = self._exchange, self._done
        if exchange is None:
            return
        if error is not ErrorKind.NONE:
            exchange.fail(error, detail)
        exchange.end_ns = self._stamp or monotonic_ns()
        self._exchange = self._reader = self._done = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not reusable or error is not ErrorKind.NONE:
            self.close()
        if done is not None and not done.done():
            done.set_result(None)

    def close(self) -> None:
        """Close the socket now, whatever is in flight."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None


def tls_text(error: ssl.SSLError) -> str:
    """What is wrong between the two ends, in one line."""
    # an error that does not come from OpenSSL itself lacks these attributes
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {getattr(error, 'verify_message', error)}"
    return getattr(error, "reason", None) or str(error)
