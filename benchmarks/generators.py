"""The load generators that are compared, each in a process of its own.

    python -m benchmarks.generators NAME --port N --streams N --warmup S --seconds S

Prints `running` once all streams have been started, and at the end one line of JSON (`Timings`).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
from array import array
from collections.abc import Callable, Coroutine
from time import monotonic_ns
from typing import cast

import msgspec
import numpy as np
import uvloop

from benchmarks.reference import LOAD_CORE, TRUTH
from raysim.core.behaviour.endpoint import CHAT
from raysim.wire.client import HttpClient, request_head
from raysim.wire.openai import ChatReader
from raysim.wire.openai_request import Ask, request_body
from raysim.wire.target import HttpTarget

_PATH = "/v1/chat/completions"
_START_S = 0.25
#: the parent's window lies within ours
MARGIN_S = 0.4
_QUESTION = "What is the use of a reference? " * 4
_ASK = Ask(_QUESTION, (("user", _QUESTION),), "reference", 32, None)
BODY = request_body(CHAT, _ASK, {}, stream=True).data
HEADERS = {"Authorization": "Bearer sk-reference", "Content-Type": "application/json", "Accept": "text/event-stream"}


class Timings(msgspec.Struct, frozen=True):
    """What a generator saw. Errors are against the server's timing, in ms: p50 and p99; None when it sees none."""

    requests: int
    failed: int
    ttft_error_ms: tuple[float, float] | None = None
    itl_error_ms: tuple[float, float] | None = None


class Tally:
    """Counts the requests of one generator, and keeps the timings of those that fall into the window."""

    def __init__(self, port: int, streams: int, warmup_s: float, seconds: float) -> None:
        self.target = HttpTarget.of(f"http://127.0.0.1:{port}")
        self.streams = streams
        self._warmup_s = warmup_s
        self._seconds = seconds
        self._from_ns = self._until_ns = 0
        self.end_ns = 1 << 62
        self.requests = self.failed = 0
        self._ttft_ns = array("q")
        self._gaps_us = array("I")

    def running(self) -> None:
        """All streams have been started: the window follows."""
        gc.collect()
        gc.freeze()
        self._from_ns = monotonic_ns() + int(self._warmup_s * 1e9)
        self._until_ns = self._from_ns + int(self._seconds * 1e9)
        self.end_ns = self._until_ns + int(MARGIN_S * 1e9)
        print("running", flush=True)

    @property
    def going(self) -> bool:
        """Whether another request is to be sent."""
        return monotonic_ns() < self.end_ns

    def note(self, sent_ns: int, first_ns: int, gaps_us: array[int]) -> None:
        """A stream has ended well."""
        self.requests += 1
        if self._from_ns <= sent_ns < self._until_ns:
            self._ttft_ns.append(first_ns - sent_ns)
            self._gaps_us.extend(gaps_us)

    async def play(self, worker: Callable[[], Coroutine[None, None, None]]) -> None:
        """One `worker` for each stream, started within a quarter of a second."""
        tasks: list[asyncio.Task[None]] = []
        for _ in range(self.streams):
            tasks.append(asyncio.create_task(worker()))
            await asyncio.sleep(_START_S / self.streams)
        self.running()
        await asyncio.sleep((self.end_ns - monotonic_ns()) / 1e9)
        ended, late = await asyncio.wait(tasks, timeout=2)
        for task in ended:
            task.result()
        if late:
            # some clients take minutes to cancel hundreds of streams; the window is over, and the kernel is quicker
            self.report()
            os._exit(0)

    def report(self) -> None:
        """Print what was seen."""
        ttft = np.frombuffer(self._ttft_ns, np.int64) / 1e6 - TRUTH.ttft_ms
        gaps = np.abs(np.frombuffer(self._gaps_us, np.uint32) / 1e3 - TRUTH.itl_ms)
        timings = Timings(self.requests, self.failed, middle_and_tail(ttft), middle_and_tail(gaps))
        print(msgspec.json.encode(timings).decode(), flush=True)


def middle_and_tail(values: np.ndarray) -> tuple[float, float] | None:
    """p50 and p99; None without values."""
    return (float(np.percentile(values, 50)), float(np.percentile(values, 99))) if values.size else None


async def wire(tally: Tally) -> None:
    """Our own: everything that a user's request goes through below the user."""
    head = request_head("POST", tally.target, _PATH, HEADERS)
    request = head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY

    async def stream() -> None:
        client = HttpClient(tally.target)
        while tally.going:
            reader = ChatReader(stream=True)
            exchange, _ = await client.send(request, reader)
            reader.finish(exchange.status, exchange.headers)
            if exchange.error or reader.error:
                tally.failed += 1
            else:
                tally.note(exchange.sent_ns, reader.first_token_ns, reader.gaps_us)
        client.close()

    await tally.play(stream)


class _Bare(asyncio.Protocol):
    """Sends, waits for the terminal chunk, sends again; looks at nothing else."""

    def __init__(self, tally: Tally, request: bytes) -> None:
        self._tally = tally
        self._request = request
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"0\r\n\r\n"):
            self._tally.requests += 1
            if self._tally.going:
                self._transport.write(self._request)
            else:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._tally.failed += 1
        self.ended.set_result(None)


async def floor(tally: Tally) -> None:
    """The least that Python can do: a socket, an event loop, and no look at what arrives."""
    head = request_head("POST", tally.target, _PATH, HEADERS)
    request = head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    loop = asyncio.get_running_loop()

    async def stream() -> None:
        _, bare = await loop.create_connection(lambda: _Bare(tally, request), tally.target.host, tally.target.port)
        await bare.ended

    await tally.play(stream)


class _Lines:
    """Reads a stream line by line, as programs on the client libraries below do."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._sent_ns = monotonic_ns()
        self._first_ns = self._last_ns = 0
        self._gaps_us = array("I")

    def line(self, line: bytes | str) -> None:
        """Take one line, without its end."""
        if not line or line[5:].strip() in (b"[DONE]", "[DONE]"):
            return
        stamp_ns = monotonic_ns()
        chunk = msgspec.json.decode(line[5:])
        if not (chunk["choices"] and chunk["choices"][0]["delta"].get("content")):
            return
        if self._first_ns:
            self._gaps_us.append((stamp_ns - self._last_ns) // 1000)
        else:
            self._first_ns = stamp_ns
        self._last_ns = stamp_ns

    def end(self) -> None:
        """The stream is over."""
        self._tally.note(self._sent_ns, self._first_ns, self._gaps_us)


async def httpx_client(tally: Tally) -> None:
    """httpx, one client for all streams, no limit on its connections."""
    import httpx  # noqa: PLC0415 - only where it is measured

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as client:  # noqa: S113 - as measured
        url = f"http://{tally.target.host_header}{_PATH}"

        async def stream() -> None:
            while tally.going:
                lines = _Lines(tally)
                async with client.stream("POST", url, content=BODY, headers=HEADERS) as answer:
                    async for line in answer.aiter_lines():
                        lines.line(line)
                lines.end()

        await tally.play(stream)


async def aiohttp_client(tally: Tally) -> None:
    """aiohttp, one session for all streams, no limit on its connections."""
    import aiohttp  # noqa: PLC0415 - only where it is measured

    url = f"http://{tally.target.host_header}{_PATH}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def stream() -> None:
            while tally.going:
                lines = _Lines(tally)
                async with session.post(url, data=BODY, headers=HEADERS) as answer:
                    async for line in answer.content:
                        lines.line(line.rstrip(b"\n"))
                lines.end()

        await tally.play(stream)


GENERATORS = {"wire": wire, "floor": floor, "httpx": httpx_client, "aiohttp": aiohttp_client}


def main() -> None:
    """Run one generator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=GENERATORS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--streams", type=int, required=True)
    parser.add_argument("--warmup", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    tally = Tally(options.port, options.streams, options.warmup, options.seconds)
    uvloop.run(GENERATORS[options.name](tally))
    tally.report()


if __name__ == "__main__":
    main()
