"""Are a run's live metrics there, in time and right, and does nothing happen to the load when the gateway is away?

    python -m benchmarks.live_metrics [--seconds 40] [--only age|outage]...

Runs 30 users against the simulated platform, on local Ray, with a Pushgateway and a Prometheus that scrapes every five
seconds (both from Debian, see tests/services/debian.py).

* `age`: how long after the run's start each metric could be queried, and whether what Prometheus holds at the end
  equals summary.json: counts and dollars exactly, quantiles against exact ones of the records.
* `outage`: the gateway is killed and started again, swallows everything, and answers 400, each for a while: the load
  beside that of a run without trouble, the pushes that were dropped, and the values at the end.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep, time
from typing import Any

import polars as pl
import yaml

from raysim.core.metrics.family import Group
from raysim.core.metrics.registry import FAMILIES
from tests.services.monitoring import Gateway, Prometheus, monitoring

_USERS = 30
_SCRAPE = "5s"
_LOOK_S = 0.25
#: a push, and a scrape after it
SETTLED_S = 7.0


def scenario(url: str, seconds: float) -> dict[str, Any]:
    """A scenario of thirty users who ask once a second."""
    phases = [{"name": "sustained", "duration": f"{seconds:g}s", "targetActiveUsers": _USERS, "rampStrategy": "step"}]
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "live-metrics"},
        "spec": {
            "organizations": {"count": 3},
            "users": {"perOrg": {"min": 10, "max": 10}},
            "userBehavior": {
                "thinkTimeSeconds": {"min": 0.5, "max": 1.5},
                "modelPreferences": [{"model": "gpt-4o-mini"}, {"model": "gpt-4o"}],
                "maxTokensPerRequest": {"base": 24},
            },
            "loadPattern": {"type": "steady", "phases": phases},
            "workers": {"usersPerActor": 10},
            "targets": {"platform": "embedded"},
            "limits": {"maxCostUsd": 5, "maxErrorRate": 0.5, "maxDuration": "10m"},
            "metrics": {"pushgatewayUrl": url, "exportInterval": "5s"},
            # so that there is a kind of error to count
            "advanced": {"chaos": {"failureRate": 0.1}},
        },
    }


@dataclass
class Run:
    """A run as it goes on, and its summary when it is over."""

    process: subprocess.Popen[str]
    results: Path
    summary: dict[str, Any] = field(default_factory=dict)

    def going_on(self) -> bool:
        """Whether it does."""
        return self.process.poll() is None

    def read(self) -> Path:
        """Its directory, once it is over.

        Raises:
            RuntimeError: it failed.
        """
        output, _ = self.process.communicate()
        directory = Path(output.strip().splitlines()[-1])
        if not (directory / "summary.json").exists():
            raise RuntimeError(output[-2000:])
        self.summary = json.loads((directory / "summary.json").read_bytes())
        return directory


def start(folder: Path, url: str, seconds: float) -> Run:
    """Start a run that pushes to `url`."""
    config = folder / "scenario.yaml"
    config.write_text(yaml.safe_dump(scenario(url, seconds)), encoding="utf-8")
    options = ["--out", str(folder / "results"), "--ui", "none", "--address", "local"]
    command = [sys.executable, "-m", "raysim", "run", str(config), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return Run(process, folder / "results")


# ── age ──


def age(seconds: float) -> bool:
    """Print when each metric could be queried, and what was wrong at the end; whether all was well."""
    with monitoring(_SCRAPE) as (gateway, prometheus), tempfile.TemporaryDirectory() as folder:
        run = start(Path(folder), gateway.url, seconds)
        seen = watch(run, prometheus)
        directory = run.read()
        sleep(SETTLED_S)
        ages = {name: max(0.0, at_s - run.summary["started_at"]) for name, at_s in seen.items()}
        late = print_ages(ages)
        wrong = differences(prometheus, run.summary, directory)
    for line in wrong:
        print(f"  {line}")
    print(f"{len(late)} metrics were late or missing; {len(wrong)} values differ")
    return not late and not wrong


def watch(run: Run, prometheus: Prometheus) -> dict[str, float]:
    """When each name could first be queried, in unix seconds."""
    seen: dict[str, float] = {}
    while run.going_on():
        now_s = time()
        for found in prometheus.query('count by (__name__) ({__name__=~"loadtest_.+"})'):
            seen.setdefault(found["metric"]["__name__"], now_s)
        sleep(_LOOK_S)
    return seen


def print_ages(ages: Mapping[str, float]) -> list[str]:
    """One line a metric: how old the run was when it could be queried; returns those that came after half a minute."""
    late = []
    for family in FAMILIES:
        known = [ages.get(name) for name in family.exported_names]
        oldest = None if None in known else max(age_s for age_s in known if age_s is not None)
        optional = family.group is Group.BACKEND
        print(f"  {family.name:<48} {'never' if oldest is None else f'{oldest:5.1f} s'}")
        if not optional and (oldest is None or oldest > 30):
            late.append(family.name)
    return late


def differences(prometheus: Prometheus, summary: Mapping[str, Any], directory: Path) -> list[str]:
    """What Prometheus holds otherwise than summary.json does, or than the records say."""
    tokens, requests = summary["tokens"], summary["requests"]
    exact: dict[str, float] = {
        **{
            f'loadtest_run_requests_total{{status="{outcome}"}}': requests[outcome]
            for outcome in ("success", "error", "refused", "cancelled")
        },
        "loadtest_run_cost_usd_total": summary["cost"]["usd"],
        'loadtest_run_tokens_total{token_type="prompt"}': tokens["prompt"],
        'loadtest_run_tokens_total{token_type="completion"}': tokens["completion"],
        "sum(loadtest_user_requests_total)": requests["total"],
        "sum(loadtest_user_cost_usd_total)": summary["cost"]["usd"],
        "sum(loadtest_llm_time_to_first_token_seconds_count)": summary["ttft"]["count"],
        'sum(loadtest_llm_time_to_first_token_seconds_bucket{le="+Inf"})': summary["ttft"]["count"],
        "sum(loadtest_llm_latency_seconds_count)": summary["latency"]["count"],
        "loadtest_question_uniqueness_ratio": summary["questions"]["uniqueness"],
        "loadtest_run_error_ratio": summary["error_rate"],
        "loadtest_run_active_users": 0,
        "sum(loadtest_limit_breached)": 0,
    }
    wrong = []
    for query, expected in exact.items():
        value = prometheus.value(query)
        if value is None or abs(value - expected) > 1e-9 * max(1.0, abs(expected)):
            wrong.append(f"{query} is {value}, summary.json has {expected}")
    worst = 0.0
    for name, column in (
        ("loadtest_llm_ttft_seconds_summary", "first_token_ns"),
        ("loadtest_llm_latency_seconds", "end_ns"),
    ):
        for found in prometheus.query(name):
            labels, value = found["metric"], float(found["value"][1])
            off = _off(directory, labels, column, value)
            worst = max(worst, off)
            if off > 0.01:
                wrong.append(f"{name} {labels} is {value}, off by {off:.2%}")
    print(f"{len(exact)} counts, sums and ratios compared; summary quantiles are off by {worst:.2%} at most")
    return wrong


def _off(directory: Path, labels: Mapping[str, str], column: str, value: float) -> float:
    """How far a quantile is from the exact one of the records, as a share of it."""
    rows = pl.scan_parquet(directory / "requests" / "part-*.parquet").filter(
        (pl.col("outcome") == "success")
        & (pl.col("org_id") == labels["org_id"])
        & (pl.col("model") == labels["model"])
        & (pl.col("backend") == labels.get("backend", ""))
    )
    times = rows.select((pl.col(column) - pl.col("sent_ns")) * 1e-9).collect()[column].drop_nulls()
    exact = times.quantile(float(labels["quantile"]), "linear")
    if exact is None or value != value:  # noqa: PLR0124 - NaN is right where there is nothing
        return 0.0 if exact is None and value != value else 1.0  # noqa: PLR0124
    return abs(value / exact - 1)


# ── outage ──


class Door:
    """A TCP relay before the gateway that can be shut in several ways."""

    def __init__(self, target: Gateway) -> None:
        self._target = int(target.url.rpartition(":")[2])
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        #: `open`, `hole` (takes everything, says nothing) or `refuse` (answers 400)
        self.mode = "open"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, self.mode), daemon=True).start()

    def _serve(self, client: socket.socket, mode: str) -> None:
        with client:
            if mode == "open":
                self._relay(client)
            elif mode == "refuse":
                client.recv(1 << 20)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope")
            while client.recv(1 << 20):
                pass

    def _relay(self, client: socket.socket) -> None:
        try:
            there = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            return
        with there:
            threading.Thread(target=_pump, args=(there, client), daemon=True).start()
            _pump(client, there)

    def close(self) -> None:
        """Let nobody in any more."""
        self._server.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@contextmanager
def door(gateway: Gateway) -> Iterator[Door]:
    """A door before `gateway`, open at first."""
    made = Door(gateway)
    try:
        yield made
    finally:
        made.close()


def outage(seconds: float) -> bool:
    """Print the load of a run without trouble and of one with all kinds of it; whether values were right at the end."""
    figures = {}
    wrong: list[str] = []
    for name in ("undisturbed", "disturbed"):
        with (
            monitoring(_SCRAPE) as (gateway, prometheus),
            door(gateway) as way,
            tempfile.TemporaryDirectory() as folder,
        ):
            run = start(Path(folder), way.url, seconds)
            if name == "disturbed":
                disturb(run, prometheus, gateway, way, seconds)
            directory = run.read()
            sleep(SETTLED_S)
            wrong += differences(prometheus, run.summary, directory)
        summary = run.summary
        figures[name] = (summary["throughput"]["requests_per_s"], summary["ttft"]["p50"], summary["ttft"]["p99"])
        lag = summary["load_generator"]
        print(
            f"  {name:<12} {figures[name][0]:.2f} requests/s  TTFT p50 {figures[name][1] * 1e3:.1f} ms "
            f"p99 {figures[name][2] * 1e3:.1f} ms  loop lag p99 {lag['loop_lag_p99_ms']:.1f} ms  "
            f"pushes {summary['metrics']['pushed']} arrived, {summary['metrics']['dropped']} dropped"
        )
    for line in wrong:
        print(f"  {line}")
    before, after = figures["undisturbed"], figures["disturbed"]
    print(f"load with trouble / without: {after[0] / before[0]:.3f}; {len(wrong)} values differ at the end")
    return not wrong


def disturb(run: Run, prometheus: Prometheus, gateway: Gateway, way: Door, seconds: float) -> None:
    """Trouble of each kind for a sixth of the run, with a sixth of peace at both ends."""
    while run.going_on() and prometheus.value("loadtest_run_active_users > 0") is None:
        sleep(_LOOK_S)
    step_s = seconds / 6
    gateway.kill()
    sleep(step_s)
    gateway.start()
    way.mode = "hole"
    sleep(step_s)
    way.mode = "refuse"
    sleep(step_s)
    way.mode = "open"


def main() -> int:
    """The exit status: 1 when something was late or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40.0, help="length of each run")
    parser.add_argument("--only", action="append", choices=("age", "outage"))
    options = parser.parse_args()
    parts: dict[str, Callable[[], bool]] = {
        "age": lambda: age(options.seconds),
        "outage": lambda: outage(options.seconds),
    }
    well = True
    for name in options.only or parts:
        print(f"{name}:")
        well &= parts[name]()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
