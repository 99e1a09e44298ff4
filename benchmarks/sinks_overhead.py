"""What all sinks together take from a run: the same load with all of them on, and with all of them off, in turn.

    python -m benchmarks.sinks_overhead [--rounds 3] [--users 200] [--seconds 30]

One packed actor on local Ray against the reference server. On means: pushed every five seconds to a Pushgateway that a
Prometheus scrapes (both from Debian, see tests/services/debian.py), sent to a collector of OTLP (a server that takes
everything), served on a page to scrape, and records, logs and events copied to a folder as they are written. Ray's own
metrics and the tables in the run's directory are there in both cases.

Prints the CPU that raysim's processes and Ray's took for each request of the sustained phase, and what requests waited:
how late they were sent, how late the event loop was, and how far TTFT was from the truth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from benchmarks import ray_path
from benchmarks.processes import Sampler
from benchmarks.reference import TRUTH, ReferenceServer
from benchmarks.thousand_users import phase_of
from tests.services.monitoring import monitoring

_KEY_ENV = "RAYSIM_BENCH_KEY"
_OURS = ("user actor", "metrics actor", "coordinator", "driver")
#: not the run's: what it asks, and what it sends to
_BESIDE = ("simulated platform", "other")
_WANTED_US = 100.0


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU for each request by process, in us; lateness in ms, p99; TTFT's error in ms, p50."""

    by_kind: dict[str, float]
    requests: int
    send_lag_p99_ms: float
    loop_lag_p99_ms: float
    ttft_error_p50_ms: float

    @property
    def whole_us(self) -> float:
        """All processes of the run, Ray's too."""
        return sum(self.by_kind.values())


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Nobody reads it."""


@contextmanager
def collector() -> Iterator[str]:
    """A server that takes whatever it is sent; yields its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def measure(options: argparse.Namespace, sinks: dict[str, Any], folder: Path) -> Cost:
    """Run once with these sinks.

    Raises:
        RuntimeError: the run failed.
    """
    with ReferenceServer(TRUTH) as server:
        scenario = ray_path.scenario(server.url, options.users, options.seconds)
        scenario["spec"] |= sinks
        config = folder / "scenario.yaml"
        # JSON is YAML
        config.write_text(json.dumps(scenario), encoding="utf-8")
        run_options = ["--out", str(folder), "--ui", "none", "--no-probe", "--address", "local"]
        command = [sys.executable, "-m", "raysim", "run", str(config), *run_options]
        with Sampler(0.5) as sampler:
            run = subprocess.run(
                command, env={**os.environ, _KEY_ENV: "sk-reference"}, capture_output=True, text=True, check=False
            )
    found = list(folder.glob("*/summary.json"))
    if not found:
        raise RuntimeError(f"raysim run: status {run.returncode}\n{run.stderr[-2000:]}")
    directory = found[0].parent
    summary = json.loads(found[0].read_bytes())
    phase = phase_of(directory, "sustained")
    rows = pl.scan_parquet(directory / "requests" / "*.parquet").filter(pl.col("phase") == "sustained")
    requests = rows.select(pl.len()).collect().item()
    by_kind: dict[str, float] = defaultdict(float)
    for course in sampler.courses(phase.from_s, phase.until_s):
        if course.kind not in _BESIDE:
            by_kind[course.kind] += course.cpu * (phase.until_s - phase.from_s) / requests * 1e6
    generator = summary["load_generator"]
    return Cost(
        dict(by_kind),
        requests,
        generator["send_lag_p99_ms"],
        generator["loop_lag_p99_ms"],
        summary["ttft"]["p50"] * 1000 - TRUTH.ttft_ms,
    )


def describe(name: str, cost: Cost, seconds: float) -> str:
    """One run in a line."""
    ours = ", ".join(f"{kind} {cost.by_kind.get(kind, 0.0):.0f}" for kind in _OURS)
    ray_us = cost.whole_us - sum(cost.by_kind.get(kind, 0.0) for kind in _OURS)
    return (
        f"  {name:<4}{cost.requests / seconds:6.0f} requests/s, {cost.whole_us:5.0f} us of CPU a request ({ours}, "
        f"Ray {ray_us:.0f}); sent {cost.send_lag_p99_ms:.2f} ms late (p99), loop {cost.loop_lag_p99_ms:.2f} ms (p99), "
        f"TTFT {cost.ttft_error_p50_ms:+.2f} ms (p50)"
    )


def compare(options: argparse.Namespace) -> bool:
    """Print both, in turn, and what they differ by; whether it is as little as wanted."""
    pairs: list[tuple[Cost, Cost]] = []
    for turn in range(options.rounds):
        with monitoring("5s") as (gateway, _), collector() as otlp_url, tempfile.TemporaryDirectory() as store:
            everything = {
                "metrics": {
                    "pushgatewayUrl": gateway.url,
                    "exportInterval": "5s",
                    "otlpUrl": otlp_url,
                    "listen": options.port,
                },
                "cleanup": {"exportResultsTo": store},
            }
            costs = {}
            for name in ("off", "on") if turn % 2 == 0 else ("on", "off"):
                with tempfile.TemporaryDirectory() as folder:
                    costs[name] = measure(options, everything if name == "on" else {}, Path(folder))
                print(describe(name, costs[name], options.seconds), flush=True)
        pairs.append((costs["off"], costs["on"]))
    more = [on.whole_us - off.whole_us for off, on in pairs]
    late = [on.send_lag_p99_ms - off.send_lag_p99_ms for off, on in pairs]
    print(
        f"all sinks on: {median(more):+.0f} us of CPU a request (median of {len(more)} pairs, from {min(more):+.0f} to "
        f"{max(more):+.0f}; at most {_WANTED_US:.0f} wanted), sent {median(late):+.2f} ms later (p99)"
    )
    return median(more) <= _WANTED_US


def main() -> int:
    """Measure and print; the exit status says whether sinks take as little as wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--port", type=int, default=19464, help="of the page to scrape")
    return 0 if compare(parser.parse_args()) else 1


if __name__ == "__main__":
    sys.exit(main())
