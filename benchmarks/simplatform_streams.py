"""How many streams the simulated platform serves from one core, and how late its tokens are.

    python benchmarks/simplatform_streams.py [--streams 1000] [--tokens-per-second 20] [--seconds 10]

The platform runs on core 0 and this client on core 1. The reference, measured in the same run, is a bare
`asyncio.Protocol` that writes the same bytes to the same number of connections from one timer and does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import orjson
import psutil  # type: ignore[import-untyped]
import uvloop

_BACKENDS = 8
_SERVER_CORE, _CLIENT_CORE = 0, 1
_EVENT = b"data: "
_TOKEN_BYTES = 190
_ADMIN = "benchmark-only"


def platform_config(streams: int, interval_s: float) -> dict[str, object]:
    """Backends whose decode step lasts `interval_s` whatever their batch, with slots for every stream."""
    limits = dict.fromkeys(("orgRequestsPerSecond", "keyRequestsPerSecond"), 1e6)
    return {
        "models": [{"id": "gpt-4o"}],
        "backends": [
            {
                "id": f"b{number}",
                "models": ["gpt-4o"],
                "slots": -(-streams // _BACKENDS),
                "kvCacheTokens": 100_000_000,
                "prefillBase": 0.2,
                "stepBase": interval_s,
                "stepPerSequence": 0,
            }
            for number in range(_BACKENDS)
        ],
        "limits": limits | dict.fromkeys(("orgBurst", "keyBurst"), 1_000_000),
    }


class _Stream(asyncio.Protocol):
    """Sends one request; keeps when bytes arrived and how many tokens were in them."""

    def __init__(self, request: bytes, ended: asyncio.Future[None]) -> None:
        self.request = request
        self.ended = ended
        self.arrivals: list[float] = []
        self.events: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.arrivals.append(time.perf_counter())
        self.events.append(data.count(_EVENT))
        if data.endswith(b"0\r\n\r\n"):
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or not self.arrivals:
            self.ended.set_exception(exc or ConnectionError("closed without an answer"))
        else:
            self.ended.set_result(None)


@dataclass(frozen=True)
class Figures:
    """What one server did."""

    cpu: float
    lateness_ms: np.ndarray
    drift_ms: np.ndarray
    tokens: int


def lateness(stream: _Stream, interval_s: float) -> np.ndarray:
    """Milliseconds that each read was late, counted from the first; a read may hold several tokens."""
    # the last read also holds the events that end the stream
    arrivals, tokens = np.array(stream.arrivals[:-1]), np.cumsum(stream.events[:-1])
    late: np.ndarray = (arrivals - arrivals[0] - interval_s * (tokens - tokens[0])) * 1000
    return late


async def load(port: int, pid: int, streams: int, tokens: int, interval_s: float, key: str) -> Figures:
    """Open all streams within a second, and read them to their end."""
    body = orjson.dumps(
        {
            "model": "gpt-4o",
            "stream": True,
            "ignore_eos": True,
            "max_tokens": tokens,
            "messages": [{"role": "user", "content": "Count the tokens."}],
        }
    )
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-API-Key: %b\r\nContent-Length: %d\r\n\r\n%b"
    request %= (key.encode(), len(body), body)
    loop = asyncio.get_running_loop()
    all_streams = []
    for number in range(streams):
        stream = _Stream(request, loop.create_future())
        await loop.create_connection(lambda stream=stream: stream, "127.0.0.1", port)  # type: ignore[misc]
        all_streams.append(stream)
        # a backend's steps start with its first stream: spread them, as those of separate servers are
        await asyncio.sleep(interval_s / _BACKENDS if number < _BACKENDS else 1.0 / streams)
    process = psutil.Process(pid)
    await asyncio.sleep(0.5)
    before, began = sum(process.cpu_times()[:2]), time.perf_counter()
    await asyncio.sleep(tokens * interval_s * 0.6)
    cpu = (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - began)
    await asyncio.gather(*(stream.ended for stream in all_streams))
    late = [lateness(stream, interval_s) for stream in all_streams]
    received = sum(sum(stream.events) for stream in all_streams)
    return Figures(cpu, np.concatenate([np.diff(one) for one in late]), np.array([one[-1] for one in late]), received)


def start(arguments: list[str]) -> tuple[subprocess.Popen[str], int]:
    """A server on its own core, and the port that its first line of output ends in."""
    command = ["taskset", "-c", str(_SERVER_CORE), sys.executable, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {_TOKEN_ENV: _ADMIN})
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    first = process.stdout.readline()
    return process, int(first.split("   ")[0].strip().rsplit(":", 1)[1])


_TOKEN_ENV = "RAYSIM_PLATFORM_ADMIN_TOKEN"  # noqa: S105 - a variable's name


def api_key(port: int) -> str:
    """A key of a new organisation."""
    headers = {"Authorization": f"Bearer {_ADMIN}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        client.post("/v1/orgs", json={"name": "Bench", "slug": "bench"})
        account = client.post("/v1/orgs/bench/service-accounts", json={"name": "bench"}).json()["serviceAccountId"]
        answer = client.post(f"/v1/orgs/bench/service-accounts/{account}/api-keys", json={})
        return str(answer.json()["secret"])


class _Bare(asyncio.Protocol):
    """The reference: every connection is one stream, all written from one timer."""

    def __init__(self, streams: dict[_Bare, int]) -> None:
        self.streams = streams

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - any request will do
        self.streams[self] = 0
        self.number = len(self.streams)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        self.streams.pop(self, None)


async def bare_server(tokens: int, interval_s: float) -> None:
    """Serve until killed."""
    streams: dict[_Bare, int] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Bare(streams), "127.0.0.1", 0, backlog=4096)
    print(f"bare on http://127.0.0.1:{server.sockets[0].getsockname()[1]}   ", flush=True)
    frame = _EVENT + b"x" * (_TOKEN_BYTES - len(_EVENT))
    began, turn = time.monotonic(), 0
    while True:
        turn += 1
        await asyncio.sleep(began + turn * interval_s / _BACKENDS - time.monotonic())
        for stream in [one for one in streams if one.number % _BACKENDS == turn % _BACKENDS]:
            streams[stream] += 1
            last = streams[stream] >= tokens
            stream.transport.write(frame + b"0\r\n\r\n" if last else frame)  # type: ignore[attr-defined]
            if last:
                del streams[stream]


def show(name: str, figures: Figures) -> None:
    """Print one row."""
    p50, p99, worst = np.percentile(np.abs(figures.lateness_ms), (50, 99, 100))
    drift = np.percentile(np.abs(figures.drift_ms), 99)
    print(
        f"{name:>10}  {figures.cpu:6.1%} of a core  interval lateness p50 {p50:5.2f} ms  p99 {p99:5.2f} ms  "
        f"max {worst:6.1f} ms  drift at the end p99 {drift:5.2f} ms  {figures.tokens:,} events"
    )


def main() -> None:
    """Measure the platform and the reference, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--tokens-per-second", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    interval_s = 1 / options.tokens_per_second
    tokens = int(options.seconds / interval_s)
    if options.bare:
        uvloop.run(bare_server(tokens, interval_s))
        return
    os.sched_setaffinity(0, {_CLIENT_CORE % (os.cpu_count() or 1)})
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "platform.yaml"
        # JSON is YAML
        config.write_bytes(orjson.dumps(platform_config(options.streams, interval_s)))
        serve = ["-m", "raysim", "platform", "serve", "--port", "0", "--config", str(config)]
        bare = [__file__, "--bare", "--seconds", str(options.seconds)]
        bare += ["--tokens-per-second", str(options.tokens_per_second)]
        measured: dict[str, Figures] = {}
        for name, arguments in (("reference", bare), ("platform", serve)):
            process, port = start(arguments)
            try:
                key = api_key(port) if name == "platform" else ""
                measured[name] = uvloop.run(load(port, process.pid, options.streams, tokens, interval_s, key))
            finally:
                process.terminate()
                process.wait()
            show(name, measured[name])
    ratio = measured["platform"].cpu / measured["reference"].cpu
    print(
        f"platform / reference: {ratio:.2f} times the CPU, {options.streams} streams at {options.tokens_per_second:g}/s"
    )


if __name__ == "__main__":
    main()
