"""What all sinks together take from a run: the same load with all of them on, and with all of them off, in turn.

    python -m benchmarks.sinks_overhead [--rounds 3] [--users 200] [--few 10] [--seconds 20]

One packed actor on local Ray against the reference server. On means: pushed every five seconds to a Pushgateway that a
Prometheus scrapes (both from Debian, see tests/services/debian.py), sent to a collector of OTLP (a server that takes
everything), served on a page that the same Prometheus scrapes, a backend's page read, and records, logs and events
copied to a folder as they are written. Ray's own metrics and the tables in the run's directory are there in both cases,
since no scenario turns them off: what they take is measured apart, in this process.

Each round has four runs: many users and few, with all sinks off and on. Prints the CPU that raysim's processes and
Ray's took for each request of the sustained phase; with few users what sinks take a second whatever is asked; and what
requests waited: how late they were sent, how late the event loop was, and how far TTFT was from the truth.
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
from time import thread_time
from typing import Any

import polars as pl

from benchmarks import ray_path
from benchmarks.processes import Sampler
from benchmarks.reference import TRUTH, ReferenceServer
from benchmarks.rows import records
from benchmarks.thousand_users import phase_of
from raysim.core.config.scenario import Scenario
from raysim.core.metrics.book import MetricsBook
from raysim.core.metrics.rows import RequestRows
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import UserPlan
from raysim.core.records.batch import BatchBuilder, WireBatch, decode_batch
from raysim.sinks.exposition_file import ExpositionFile
from raysim.sinks.metrics_sink import MetricsSink
from raysim.sinks.windows import WindowStore
from tests.services.monitoring import monitoring

_KEY_ENV = "RAYSIM_BENCH_KEY"
_OURS = ("user actor", "metrics actor", "coordinator", "driver")
#: the processes that sinks have threads in; all others only bring noise into a comparison
_SINKING = ("metrics actor", "driver")
_EVERY_S = 5.0
#: not the run's: what it asks, and what it sends to
_BESIDE = ("simulated platform", "other")
_WANTED_US = 100.0


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU for each request by process, in us; lateness in ms, p99; TTFT's error in ms, p50."""

    by_kind: dict[str, float]
    per_second: float
    send_lag_p99_ms: float
    loop_lag_p99_ms: float
    ttft_error_p50_ms: float

    @property
    def whole_us(self) -> float:
        """All processes of the run, Ray's too."""
        return sum(self.by_kind.values())

    @property
    def sinking_us(self) -> float:
        """Those that sinks are in."""
        return sum(self.by_kind.get(kind, 0.0) for kind in _SINKING)


def _backend_page() -> bytes:
    """A model server's page, of the length that it has after a while."""
    series = [f'vllm:request_success_total{{model_name="gpt-4o",finished_reason="r{n}"}} {n}.0' for n in range(200)]
    gauges = ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")
    return "\n".join([*(f'vllm:{name}{{model_name="gpt-4o"}} 0.5' for name in gauges), *series, ""]).encode()


_PAGE = _backend_page()


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(_PAGE)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Nobody reads it."""


@contextmanager
def collector() -> Iterator[str]:
    """A server that takes whatever it is sent, and has a backend's page; yields its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def measure(users: int, seconds: float, sinks: dict[str, Any], folder: Path) -> Cost:
    """Run once with these sinks: parts of the scenario's `spec`.

    Raises:
        RuntimeError: the run failed.
    """
    with ReferenceServer(TRUTH) as server:
        scenario = ray_path.scenario(server.url, users, seconds)
        for part, values in sinks.items():
            scenario["spec"][part] = scenario["spec"].get(part, {}) | values
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
        requests / (phase.until_s - phase.from_s),
        generator["send_lag_p99_ms"],
        generator["loop_lag_p99_ms"],
        summary["ttft"]["p50"] * 1000 - TRUTH.ttft_ms,
    )


def describe(name: str, cost: Cost) -> str:
    """One run in a line."""
    ours = ", ".join(f"{kind} {cost.by_kind.get(kind, 0.0):.0f}" for kind in _OURS)
    ray_us = cost.whole_us - sum(cost.by_kind.get(kind, 0.0) for kind in _OURS)
    return (
        f"  {name:<4}{cost.per_second:6.0f} requests/s, {cost.whole_us:5.0f} us of CPU a request ({ours}, "
        f"Ray {ray_us:.0f}); sent {cost.send_lag_p99_ms:.2f} ms late (p99), loop {cost.loop_lag_p99_ms:.2f} ms (p99), "
        f"TTFT {cost.ttft_error_p50_ms:+.2f} ms (p50)"
    )


def pair(options: argparse.Namespace, users: int, turn: int) -> tuple[Cost, Cost]:
    """The same load with all sinks off and with all of them on, first the one and then the other by turns."""
    page = f"http://127.0.0.1:{options.port}"
    with monitoring("5s", also=[page]) as (gateway, _), collector() as url, tempfile.TemporaryDirectory() as store:
        everything = {
            "metrics": {
                "pushgatewayUrl": gateway.url,
                "exportInterval": f"{_EVERY_S:g}s",
                "otlpUrl": url,
                "listen": options.port,
            },
            "targets": {"backends": [{"id": "backend-0", "metricsUrl": f"{url}/metrics", "kind": "vllm"}]},
            "cleanup": {"exportResultsTo": store},
        }
        costs = {}
        for name in ("off", "on") if turn % 2 == 0 else ("on", "off"):
            with tempfile.TemporaryDirectory() as folder:
                costs[name] = measure(users, options.seconds, everything if name == "on" else {}, Path(folder))
            print(describe(name, costs[name]), flush=True)
    return costs["off"], costs["on"]


def always(users: int, rows_a_second: int) -> tuple[float, float]:
    """What cannot be turned off: us of CPU a request for counting it, ms an interval for the run's own tables.

    Batches are as large as a pack of `users` sends them at `rows_a_second`, one a second.
    """
    spec = ray_path.scenario("http://127.0.0.1:9", users, 60)
    plan = build_plan(Scenario.model_validate(spec), "run-bench", started="20260101")
    book, seconds = MetricsBook(plan, "bench"), 20
    batches = [_batch(plan.users, rows_a_second) for _ in range(seconds)]
    started_s = thread_time()
    for batch in batches:
        book.add(RequestRows.of([batch]))
    counting_us = (thread_time() - started_s) / (seconds * rows_a_second) * 1e6
    with tempfile.TemporaryDirectory() as folder:
        tables: list[MetricsSink] = [
            WindowStore(Path(folder), run_id=plan.run_id, users=False),
            ExpositionFile(Path(folder)),
        ]
        took = []
        for interval in range(12):
            started_s = thread_time()
            snapshot = book.snapshot(interval * _EVERY_S)
            for table in tables:
                table.send(snapshot)
            took.append(thread_time() - started_s)
        for table in tables:
            table.finish()
    return counting_us, median(took) * 1e3


def _batch(users: tuple[UserPlan, ...], rows: int) -> WireBatch:
    builder = BatchBuilder()
    for place, record in enumerate(records(rows)):
        user = users[place % len(users)]
        record.org_id, record.user_id, record.model = user.org_name, user.name, user.model
        builder.append(record)
    return decode_batch(builder.encode())


def compare(options: argparse.Namespace) -> bool:
    """Print all runs and what they differ by; whether it is as little as wanted."""
    many, few = [], []
    for turn in range(options.rounds):
        many.append(pair(options, options.users, turn))
        few.append(pair(options, options.few, turn))
    counting_us, tables_ms = always(options.users, round(many[0][0].per_second))
    whole = [on.whole_us - off.whole_us for off, on in many]
    sinking = [on.sinking_us - off.sinking_us for off, on in many]
    fixed = [(on.sinking_us * on.per_second - off.sinking_us * off.per_second) / 1e3 for off, on in few]
    late = [on.send_lag_p99_ms - off.send_lag_p99_ms for off, on in many]
    pairs = f"median of {len(whole)} pairs"
    print(f"all sinks on: {_spread(whole)} us of CPU a request ({pairs}; at most {_WANTED_US:.0f} wanted)")
    print(f"  in the metrics actor and the driver alone, which sinks are in: {_spread(sinking)} us a request")
    print(f"  whatever is asked: {_spread(fixed)} ms of CPU a second, measured with {options.few} users")
    print(f"  sent {_spread(late, 2)} ms later (p99)")
    print(f"always on: {counting_us:.1f} us a request for counting it; {tables_ms:.1f} ms each interval for tables")
    return median(whole) <= _WANTED_US


def _spread(values: list[float], digits: int = 0) -> str:
    return f"{median(values):+.{digits}f} (from {min(values):+.{digits}f} to {max(values):+.{digits}f})"


def main() -> int:
    """Measure and print; the exit status says whether sinks take as little as wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--few", type=int, default=10, help="users of the runs that show what sinks take a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--port", type=int, default=19464, help="of the page to scrape")
    return 0 if compare(parser.parse_args()) else 1


if __name__ == "__main__":
    sys.exit(main())
