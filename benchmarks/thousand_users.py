"""A thousand users for real, and what every process of the run takes while they ask.

    python -m benchmarks.thousand_users [--sustained 110s] [--nodes N] [--users 1000] [--metrics] [--keep DIR]

Runs `configs/thousand-users.yaml` with shorter phases, on the embedded platform. With `--nodes`, on a Ray cluster of so
many worker nodes of 50 slots on this machine, of which it says what each takes. Prints errors, the verdict, how soon
users were active, and of each process its memory at both ends of the sustained phase (resident, MiB) and its slope in
the phase's second half: by then every user has a conversation behind it. Exit status 1 when something is not as it
should be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import sleep, time
from typing import Any

from benchmarks.metrics_cost import prometheus_rss_mib
from benchmarks.processes import Course, Sampler, pss_mib
from raysim.core.metrics.book import planned_series
from raysim.results import open_run
from raysim.results.unfinished import planned as planned_run
from tests.services.monitoring import Prometheus, monitoring

CONFIG = Path(__file__).parent.parent / "configs" / "thousand-users.yaml"
SLOTS = 50
#: with this much growth over the second half of the phase, a process still counts as flat
FLAT_SHARE, FLAT_MIB = 0.02, 2.0
MOST_ERRORS = 0.01
ACTIVE_WITHIN_S = 60.0
_RUN_ID = "thousand"
#: how often Prometheus scrapes, and how long after the run its last push has been
_SCRAPE_S = 10
_SCRAPED_S = _SCRAPE_S + 2.0
#: kinds of errors and of ends add some to those that a run begins with
_MORE_SERIES = 1.05
_ORGS = 10
_OBJECT_STORE_BYTES = 80_000_000
#: of these processes each worker node has its own
_NODE_KINDS = ("raylet", "Ray's dashboard agent", "Ray's runtime agent", "Ray's idle worker")
#: the simulated platform keeps every request in its books, to be held against the run's own
_GROWS_BY_DESIGN = {"simulated platform"}


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the run, in wall time."""

    from_s: float
    until_s: float


def command(options: argparse.Namespace, folder: Path, address: str, gateway_url: str) -> list[str]:
    """The run, with its phases shortened; it pushes to a gateway where there is one."""
    users, sustained = options.users, options.sustained
    phases = [
        {"name": "warm-up", "duration": "10s", "targetActiveUsers": users // 10},
        {"name": "ramp", "duration": "20s", "targetActiveUsers": users, "rampStrategy": "step", "steps": 9},
        {"name": "sustained", "duration": sustained, "targetActiveUsers": users},
        {"name": "cool-down", "duration": "10s", "targetActiveUsers": users // 10},
    ]
    changes = {
        "loadPattern.phases": json.dumps(phases),
        "users.perOrg": json.dumps({"min": users // _ORGS, "max": users // _ORGS}),
        "workers.replicas": str(-(-users // SLOTS)),
    }
    run = [sys.executable, "-m", "raysim", "run", str(CONFIG), "--ui", "plain", "--run-id", _RUN_ID]
    run += ["--out", str(folder), "--address", address]
    if gateway_url:
        changes["metrics.pushgatewayUrl"] = gateway_url
    return run + [part for path, value in changes.items() for part in ("--set", f"{path}={value}")]


@contextmanager
def cluster(nodes: int) -> Iterator[str]:
    """A Ray cluster of a head without slots and so many worker nodes; yields its address, or `local` for none."""
    if not nodes:
        yield "local"
        return
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - takes seconds

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": _OBJECT_STORE_BYTES})
    try:
        for _ in range(nodes):
            made.add_node(num_cpus=1, resources={"sim_user": SLOTS}, object_store_memory=_OBJECT_STORE_BYTES)
        yield made.address
    finally:
        made.shutdown()  # type: ignore[no-untyped-call]


def phase_of(directory: Path, name: str) -> Phase:
    """When a phase began and ended, by the run's events.

    Raises:
        RuntimeError: it never began or never ended.
    """
    events = [json.loads(line) for line in (directory / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    marks = [(event["time"], event["detail"].get("name", "")) for event in events if event["kind"] == "phase"]
    marks += [(event["time"], "") for event in events if event["kind"] == "stopping"]
    for (began, this), (ended, _) in pairwise(marks):
        if this == name:
            return Phase(began, ended)
    raise RuntimeError(f"the phase {name} did not happen from its beginning to its end")


def show_courses(sampler: Sampler, phase: Phase) -> bool:
    """Print what every kind of process took; whether all of them stayed flat."""
    middle_s = (phase.from_s + phase.until_s) / 2
    by_kind: dict[str, list[tuple[Course, Course]]] = defaultdict(list)
    second = {course.pid: course for course in sampler.courses(middle_s, phase.until_s)}
    for whole in sampler.courses(phase.from_s, phase.until_s):
        by_kind[whole.kind].append((whole, second[whole.pid]))
    print(f"\n{'process':<24}{'n':>4}{'MiB at start':>14}{'at end':>9}{'slope MiB/min':>15}{'cores':>7}   memory")
    flat = True
    for kind, courses in sorted(by_kind.items(), key=lambda item: -sum(whole.cpu for whole, _ in item[1])):
        steady = all(is_flat(late, (phase.until_s - middle_s) / 60) for _, late in courses)
        flat &= steady or kind in _GROWS_BY_DESIGN
        said = "flat" if steady else "grows by what its books hold" if kind in _GROWS_BY_DESIGN else "GROWS"
        first, last = (median(getattr(whole, name) for whole, _ in courses) for name in ("first_mib", "last_mib"))
        worst = max(late.slope_mib_per_min for _, late in courses)
        cores = sum(whole.cpu for whole, _ in courses)
        print(f"{kind:<24}{len(courses):>4}{first:>14.1f}{last:>9.1f}{worst:>15.2f}{cores:>7.2f}   {said}")
    ours = sum(whole.cpu for courses in by_kind.values() for whole, _ in courses)
    busy = sampler.busy(phase.from_s, phase.until_s)
    print(f"{ours:.2f} cores for the run, {max(0.0, busy - ours):.2f} for others, of {os.cpu_count()}")
    return flat


def is_flat(course: Course, minutes: float) -> bool:
    """Whether a process grew by no more than noise in so many minutes."""
    return course.slope_mib_per_min * minutes <= max(FLAT_MIB, FLAT_SHARE * course.first_mib)


def show_nodes(sampler: Sampler, nodes: int) -> None:
    """Print what a worker node takes. Call while the run goes on."""
    shares = {kind: [pss_mib(pid) for pid in sampler.living([kind])] for kind in (*_NODE_KINDS, "user actor")}
    each = {kind: sum(values) / (nodes + (kind != "user actor")) for kind, values in shares.items()}
    parts = ", ".join(f"{kind} {mib:.0f}" for kind, mib in each.items())
    print(f"a worker node takes {sum(each.values()):.0f} MiB (proportional): {parts}")
    total = sum(pss_mib(pid) for pid in sampler.living())
    print(f"{nodes} nodes, head, driver and the simulated platform together: {total:.0f} MiB")


def show_run(summary: dict[str, Any], begun_s: float, directory: Path, users: int) -> bool:
    """Print how the run went; whether it went as it should."""
    lines = (directory / "events.jsonl").read_text(encoding="utf-8").splitlines()
    began = [event["time"] for event in map(json.loads, lines) if event["kind"] == "run_started"]
    ready_s = began[0] - begun_s if began else float("inf")
    generator, requests = summary["load_generator"], summary["requests"]
    print(
        f"{summary['status']}: {summary['users']['bootstrapped']} of {users} users, {requests['total']} requests, "
        f"{summary['error_rate'] or 0:.2%} errors {requests['by_error'] or ''}"
    )
    print(f"all users set up {ready_s:.1f} s after `raysim run` was called (at most {ACTIVE_WITHIN_S:g} s wanted)")
    print(f"loop lag p99 {generator['loop_lag_p99_ms']:.1f} ms, send lag p99 {generator['send_lag_p99_ms']:.1f} ms")
    print(f"verdict {generator['verdict']}: {'; '.join(generator['reasons']) or 'nothing to say against it'}")
    ttft = summary["ttft"]
    print(f"TTFT p50 {ttft['p50'] * 1e3:.0f} ms, p99 {ttft['p99'] * 1e3:.0f} ms")
    return (
        summary["status"] == "completed"
        and (summary["error_rate"] or 0) < MOST_ERRORS
        and ready_s <= ACTIVE_WITHIN_S
        and summary["users"]["bootstrapped"] == users
    )


def show_metrics(prometheus: Prometheus, directory: Path) -> bool:
    """Print what the run's series took; whether as many as planned came, and none too slowly."""
    sleep(_SCRAPED_S)
    summary = json.loads((directory / "summary.json").read_bytes())
    planned = planned_series(planned_run(open_run(directory)))
    backends = len(summary["backends"])
    most = planned.users + planned.others + backends * planned.each_backend
    series = prometheus.value(f'count({{test_run="{_RUN_ID}"}})') or 0.0
    scrape_s = prometheus.value('max_over_time(scrape_duration_seconds{job="gateway"}[10m])') or float("inf")
    pushes = prometheus.value('pushgateway_http_push_duration_seconds_count{method="put"}') or 0.0
    push_s = prometheus.value('pushgateway_http_push_duration_seconds{method="put",quantile="0.9"}') or float("inf")
    print(
        f"metrics: {series:,.0f} series ({most:,} at its beginning), {pushes:.0f} pushes, "
        f"which took the gateway {push_s:.2f} s (p90), {summary['metrics']['dropped']} dropped; "
        f"longest scrape {scrape_s:.2f} s; Prometheus {prometheus_rss_mib(prometheus.pid):.0f} MiB"
    )
    return series <= _MORE_SERIES * most and push_s <= 1 and scrape_s <= 1 and not summary["metrics"]["dropped"]


def measure(options: argparse.Namespace, folder: Path) -> bool:
    """Run it once; whether all was as it should be.

    Raises:
        RuntimeError: the run left no summary.
    """
    with ExitStack() as stack:
        # before the sampler, which takes what it finds below this process for the run's
        servers = stack.enter_context(monitoring(f"{_SCRAPE_S}s")) if options.metrics else None
        address = stack.enter_context(cluster(options.nodes))
        sampler = stack.enter_context(Sampler())
        begun_s = time()
        url = servers[0].url if servers is not None else ""
        run = subprocess.Popen(
            command(options, folder, address, url), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        looked = False
        while run.poll() is None:
            sleep(1.0)
            events = folder / _RUN_ID / "events.jsonl"
            if options.nodes and not looked and events.exists() and '"cool-down"' in events.read_text("utf-8"):
                show_nodes(sampler, options.nodes)
                looked = True
        said = run.stderr.read().decode(errors="replace") if run.stderr else ""
        scraped = show_metrics(servers[1], folder / _RUN_ID) if servers is not None else True
    directory = folder / _RUN_ID
    if not (directory / "summary.json").exists():
        raise RuntimeError(f"raysim run: status {run.returncode}\n{said[-3000:]}")
    summary = json.loads((directory / "summary.json").read_bytes())
    held = show_run(summary, begun_s, directory, options.users)
    phase = phase_of(directory, "sustained")
    flat = show_courses(sampler, phase)
    packs = [course.last_mib for course in sampler.courses(phase.from_s, phase.until_s) if course.kind == "user actor"]
    if packs:
        each = sum(packs) / options.users
        print(f"{each:.2f} MiB resident a user in {len(packs)} packs; the largest has {max(packs):.0f} MiB")
    return held and flat and scraped


def main() -> int:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--sustained", default="110s")
    parser.add_argument("--nodes", type=int, default=0)
    parser.add_argument("--metrics", action="store_true", help="with a Pushgateway and a Prometheus")
    parser.add_argument("--keep", type=Path, help="a folder that does not yet hold such a run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder:
        return 0 if measure(options, options.keep or Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
