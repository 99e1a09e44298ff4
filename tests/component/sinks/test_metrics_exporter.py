from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from raysim.core.metrics.book import MetricsBook
from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.sinks.metrics_exporter import MetricsExporter
from raysim.sinks.metrics_sink import KeptSnapshots, MetricsSink
from raysim.sinks.parquet import ParquetParts
from tests.component.sinks.metrics_run import metrics_plan, metrics_readings
from tests.unit.core.metrics.requests import batch, found, request

PLAN = metrics_plan()
#: longer than any test: what is sent is the first snapshot and the last
LONG_S = 3600.0


def exporter(*sinks: MetricsSink, interval_s: float = LONG_S, **more: Callable[[float], None]) -> MetricsExporter:
    return MetricsExporter(MetricsBook(PLAN, "1"), sinks, interval_s, **more)  # type: ignore[arg-type]  # one name


class Held:
    """A sink that says when it is called, and answers when it is let go."""

    name = "held"

    def __init__(self) -> None:
        self.called = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.sent: list[MetricsSnapshot] = []

    def send(self, snapshot: MetricsSnapshot) -> None:
        self.called.release()
        assert self.go.acquire(timeout=30)
        self.sent.append(snapshot)

    def finish(self) -> None:
        """Nothing."""

    def remove(self) -> None:
        """Nothing."""


def requests(snapshot: MetricsSnapshot) -> float:
    count: float = found(snapshot, "run_requests_total")["success",]
    return count


def test_the_first_snapshot_has_zeros_and_the_last_one_everything() -> None:
    kept = KeptSnapshots()
    made = exporter(kept)
    made.observe(metrics_readings(PLAN))
    made.start()
    for _ in range(5):
        made.take(batch(request(), request()))
    made.finish()
    made.finish()
    assert requests(kept.sent[-1]) == 10
    assert found(kept.sent[-1], "run_active_users") == {(): 2}
    assert made.state.dropped == 0
    assert made.state.sent == len(kept.sent) <= 2


def test_a_sink_that_is_busy_keeps_nobody_waiting_and_misses_snapshots_but_not_the_last() -> None:
    held, enough = Held(), threading.Event()

    class Counting(KeptSnapshots):
        def send(self, snapshot: MetricsSnapshot) -> None:
            super().send(snapshot)
            if len(self.sent) == 4:
                enough.set()

    kept = Counting()
    made = exporter(held, kept, interval_s=0.001)
    made.start()
    assert held.called.acquire(timeout=30)
    made.take(batch(request()))
    assert enough.wait(30)
    # the other one got its snapshots meanwhile
    assert made.state.dropped >= 3
    made.take(batch(request()))
    held.go.release(10_000)
    made.finish()
    assert requests(held.sent[0]) == 0
    assert requests(held.sent[-1]) == 2
    assert found(held.sent[-1], "run_pushes_dropped_total")[()] == pytest.approx(made.state.dropped)
    assert requests(kept.sent[-1]) == 2


def test_what_did_not_arrive_is_counted_and_values_are_right_again_afterwards() -> None:
    kept = KeptSnapshots()
    kept.trouble = "nobody there"
    made = exporter(kept)
    made.start()
    made.take(batch(request()))
    while made.state.dropped == 0:
        threading.Event().wait(0.001)
    assert made.state.trouble == "kept: nobody there"
    kept.trouble = ""
    made.finish()
    assert [requests(snapshot) for snapshot in kept.sent] == [1]
    assert (made.state.sent, made.state.dropped, made.state.trouble) == (1, 1, "")


def test_after_a_restart_what_was_stored_counts_first(tmp_path: Path) -> None:
    parts = ParquetParts(tmp_path, 0, run_id="run-1")
    records = [request(strategy="", think_s=1.0, queue_ns=5), request(first_token_ns=-1, streamed=False)]
    stored = [parts.write([batch(*records)]), parts.write([batch(request())])]
    kept = KeptSnapshots()
    made = exporter(kept)
    made.start(stored)
    made.take(batch(request()))
    made.finish()
    fresh = MetricsBook(PLAN, "1")
    other = KeptSnapshots()
    again = MetricsExporter(fresh, [other], LONG_S)
    again.start()
    for each in (batch(*records), batch(request()), batch(request())):
        again.take(each)
    again.finish()
    last, expected = kept.sent[-1], other.sent[-1]
    for name in ("run_requests_total", "run_cost_usd_total", "llm_time_to_first_token_seconds", "user_tokens_total",
                 "llm_prompt_processing_seconds", "llm_chunk_latency_seconds", "question_generated_total"):  # fmt: skip
        assert found(last, name) == found(expected, name), name


def test_taking_back_waits_for_a_last_scrape() -> None:
    kept, paused = KeptSnapshots(), list[float]()
    made = exporter(kept, interval_s=7.0, pause=paused.append)
    made.start()
    made.finish()
    assert made.withdraw() == ""
    assert kept.removed == 1
    assert paused[0] == pytest.approx(7.0, abs=0.5)


def test_a_fault_of_our_own_ends_the_export_and_not_the_run() -> None:
    made = exporter(KeptSnapshots())
    made.start([Path("missing.parquet")])
    made.take(batch(request()))
    made.finish()
    assert made.state.trouble.startswith("live metrics ended: ")
