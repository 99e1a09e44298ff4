"""What the live metrics of 1,000 users cost, without a run.

    python -m benchmarks.metrics_cost

CPU for each request, a snapshot and its text, how late a thread wakes up beside them (as the one that takes records
would), a push to a real Pushgateway and a scrape by a real Prometheus (from Debian, see tests/services/debian.py).
"""

from __future__ import annotations

import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, sleep, thread_time

from benchmarks.live_metrics import SETTLED_S, scenario
from benchmarks.rows import records
from raysim.core.config.scenario import Scenario
from raysim.core.metrics.book import MetricsBook, planned_series
from raysim.core.metrics.readings import PodReading, RunReadings, UserReading
from raysim.core.metrics.rows import RequestRows
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import UserPlan
from raysim.core.records.batch import BatchBuilder, WireBatch, decode_batch
from raysim.core.records.request import RequestRecord
from raysim.sinks.exposition import exposition
from raysim.sinks.pushgateway import Pushgateway
from tests.services.monitoring import monitoring


def cost(users: int = 1000, rows: int = 10_000) -> bool:
    """Print what the metrics of so many users take; whether pushing and scraping them take a second at most."""
    spec = scenario("http://127.0.0.1:9", 60)
    spec["spec"] |= {"organizations": {"count": 20}, "users": {"perOrg": {"min": users // 20, "max": users // 20}}}
    plan = build_plan(Scenario.model_validate(spec), "run-bench", started="20260101")
    everybody = plan.users * (rows // users)
    batches = [_batch(record, user) for record, user in zip(records(rows), everybody, strict=True)]
    book = MetricsBook(plan, "bench")
    started_s = thread_time()
    for first in range(0, rows, users):
        book.add(RequestRows.of(batches[first : first + users]))
    print(f"  counting: {(thread_time() - started_s) / rows * 1e6:.0f} us CPU a request, in batches of one row")
    readings = RunReadings(
        run_s=30.0,
        coordinator_pod="bench",
        users=tuple(UserReading(user.index, "bench", 0.5) for user in plan.users),
        pods=(PodReading("bench", 1, 0, 0, users, 5e7, 0.25, 0.004),),
    )
    took = timed(lambda: exposition(book.snapshot(1.0, readings).families, ()))
    snapshot = book.snapshot(2.0, readings)
    text = exposition(snapshot.families)
    packed = len(zlib.compress(text, 1))
    planned = planned_series(plan)
    print(
        f"  a snapshot as text: {took * 1e3:.0f} ms, {snapshot.size:,} series "
        f"(planned: {planned.users + planned.others:,} and {planned.each_backend:,} for each backend), "
        f"{len(text) / 1e6:.1f} MB, {packed / 1e3:.0f} kB packed"
    )
    late = lateness(lambda: exposition(book.snapshot(3.0, readings).families))
    print(f"  a thread that is to wake every millisecond meanwhile: {late}")
    with monitoring("1s") as (gateway, prometheus):
        sink = Pushgateway(gateway.url, plan.run_id)
        push_s = timed(lambda: sink.send(snapshot))
        sleep(SETTLED_S)
        scrape_s = prometheus.value('scrape_duration_seconds{job="gateway"}') or 0.0
        resident = prometheus_rss_mib(prometheus.pid)
    print(f"  push {push_s:.2f} s, scrape {scrape_s:.2f} s, Prometheus {resident:.0f} MiB")
    return push_s <= 1 and scrape_s <= 1


def _batch(record: RequestRecord, user: UserPlan) -> WireBatch:
    """One row as its user would have left it, alone in a batch; of one backend."""
    record.org_id, record.user_id, record.model, record.backend = user.org_name, user.name, user.model, "backend-0"
    builder = BatchBuilder()
    builder.append(record)
    return decode_batch(builder.encode())


def timed(work: Callable[[], object], times: int = 5) -> float:
    """The median of how long `work` takes, in seconds."""
    taken = []
    for _ in range(times):
        started_s = perf_counter()
        work()
        taken.append(perf_counter() - started_s)
    return median(taken)


def lateness(work: Callable[[], object], times: int = 5) -> str:
    """How late a thread wakes up beside `work`, and beside nothing."""

    def beside(busy: Callable[[], object]) -> list[float]:
        late: list[float] = []
        over = threading.Event()

        def tick() -> None:
            while not over.is_set():
                due_s = perf_counter() + 0.001
                sleep(0.001)
                late.append(perf_counter() - due_s)

        thread = threading.Thread(target=tick)
        thread.start()
        for _ in range(times):
            busy()
        over.set()
        thread.join()
        return sorted(late)

    with_work, alone = beside(work), beside(lambda: sleep(0.1))
    texts = (f"p50 {late[len(late) // 2] * 1e3:.2f} ms, max {late[-1] * 1e3:.1f} ms" for late in (with_work, alone))
    return " late; alone ".join(texts)


def prometheus_rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(0 if cost() else 1)
