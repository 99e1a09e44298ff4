"""What the fuzzer calls: one input in, an exception when a promise of the load path does not hold.

An input's first byte says how the rest is cut into reads, so that the fuzzer also finds bad places to cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from raysim.core.records.outcome import ErrorKind
from raysim.wire.connection import Connection
from raysim.wire.exchange import Exchange
from raysim.wire.openai import ChatReader
from raysim.wire.sse import SseOverflowError, SseParser
from raysim.wire.target import Timeouts


def cut(data: bytes) -> list[bytes]:
    """`data` without its first byte, in pieces of a size that the first byte gives; 0 is one piece."""
    if not data:
        return []
    size, rest = data[0], data[1:]
    return [rest] if size == 0 else [rest[i : i + size] for i in range(0, len(rest), size)]


def sse(data: bytes) -> None:
    """However a stream is cut, the same events come out, and the fast path agrees with the slow one."""
    pieces = cut(data)
    whole, parts = SseParser(), SseParser()
    try:
        expected = whole.feed(b"".join(pieces))
        found = [event for piece in pieces for event in parts.feed(piece)]
    except SseOverflowError:
        return
    if found != expected:
        raise AssertionError(f"cut into {len(pieces)} pieces: {found!r}; in one: {expected!r}")


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        del name
        return default

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: Any) -> None:
        del data


def http(data: bytes) -> None:
    """Whatever a server sends, the exchange ends: in a success or in a named error, with its times in order."""
    asyncio.run(_http(cut(data)))


async def _http(pieces: list[bytes]) -> None:
    transport = _Transport()
    connection = Connection(asyncio.get_running_loop())
    connection.connection_made(transport)
    exchange, reader = Exchange(), ChatReader(stream=True)
    running = asyncio.ensure_future(connection.exchange(b"x", reader, Timeouts(), exchange))
    await asyncio.sleep(0)
    for piece in pieces:
        if transport.closed:
            break
        connection.data_received(piece)
    if not running.done():
        connection.connection_lost(None)
    await running
    if exchange.error is ErrorKind.NONE:
        reader.finish(exchange.status, exchange.headers)
        if exchange.status < 200:
            raise AssertionError(f"a success with status {exchange.status}")
    if not exchange.sent_ns <= exchange.end_ns:
        raise AssertionError("it ended before it was sent")
    stamps = [stamp for stamp in (exchange.first_byte_ns, reader.first_token_ns, reader.last_token_ns) if stamp]
    if stamps != sorted(stamps) or any(not exchange.sent_ns <= stamp <= exchange.end_ns for stamp in stamps):
        raise AssertionError(f"times out of order: {exchange.sent_ns}, {stamps}, {exchange.end_ns}")
    if len(reader.gaps_us) != max(0, reader.chunks - 1):
        raise AssertionError(f"{reader.chunks} chunks but {len(reader.gaps_us)} gaps")


TARGETS: dict[str, Callable[[bytes], None]] = {"sse": sse, "http": http}
