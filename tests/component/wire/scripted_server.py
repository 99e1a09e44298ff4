"""A server on the loopback interface that does exactly what each of its connections' scripts says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

#: a client that does not close its connections within this leaves them open
_PATIENCE_S = 2.0


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.requests: list[bytes] = []

    async def request(self) -> bytes:
        """Read one whole request: its head, then what its Content-Length says."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        self.requests.append(head + await self._reader.readexactly(length))
        return self.requests[-1]

    async def send(self, *pieces: bytes) -> None:
        """Send the pieces, each with a moment before the next, so that they arrive as separate reads."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.003)
            self._writer.write(piece)
            await self._writer.drain()

    async def flood(self, piece: bytes) -> None:
        """Send the piece again and again until the client has had enough."""
        while True:
            self._writer.write(piece)
            await self._writer.drain()

    def close(self) -> None:
        """Close in an orderly way."""
        self._writer.close()

    def reset(self) -> None:
        """Close so that the client's kernel hears a RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the client has closed."""
        while await self._reader.read(65536):
            pass


Script = Callable[[Peer], Awaitable[None]]


class ScriptedServer:
    """Listens while its context lasts. Its n-th connection runs the n-th script, the last one over and over.

    A script that ends leaves the connection open until the client closes it.
    """

    def __init__(self, *scripts: Script, context: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self.peers: list[Peer] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()
        await self.all_closed()

    @property
    def requests(self) -> list[bytes]:
        """All requests, over all connections."""
        return [request for peer in self.peers for request in peer.requests]

    async def all_closed(self) -> None:
        """Wait until no connection is left.

        Raises:
            AssertionError: the client kept some open.
        """
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=_PATIENCE_S)
            for task in left:
                task.cancel()
            assert not left, f"{len(left)} connections were left open"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
        self.peers.append(peer)
        task = asyncio.get_running_loop().create_task(self._play(script, peer, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, script: Script, peer: Peer, writer: asyncio.StreamWriter) -> None:
        try:
            await script(peer)
            await peer.gone()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


def answer(*pieces: bytes, then: str = "") -> Script:
    """For every request send `pieces`; afterwards `then` (`close` or `reset`), or keep the connection."""

    async def play(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(*pieces)
            if then:
                getattr(peer, then)()
                return

    return play


def whole(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A response with a Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*bodies: bytes) -> bytes:
    """Pieces of a chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies)


#: the head of a chunked stream, and what ends it
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM_END = b"0\r\n\r\n"
