from __future__ import annotations

import tracemalloc

from benchmarks.soak import Recorder, soak
from raysim.core.aggregation.live import LiveTotals
from raysim.core.records.batch import decode_batch

RECORDS = 200_000


def traced_mib() -> float:
    return tracemalloc.get_traced_memory()[0] / 2**20


def test_live_percentiles_stay_within_a_percent_of_the_exact_ones_and_memory_stays_flat() -> None:
    tracemalloc.start()
    try:
        figures = soak(RECORDS, memory=traced_mib)
    finally:
        tracemalloc.stop()
    assert figures.worst_error <= 0.01
    assert figures.end_mib - figures.early_mib < 0.1
    assert figures.holds


def test_a_soak_sees_what_is_kept() -> None:
    kept: list[bytes] = []

    def growing() -> float:
        kept.append(b"")
        return float(10 * len(kept))

    assert not soak(1000, memory=growing).holds


def test_the_last_batch_holds_what_is_left() -> None:
    recorder, totals = Recorder(250), LiveTotals()
    sizes = []
    while totals.requests < 250:
        batch = decode_batch(recorder.batch())
        sizes.append(batch.rows)
        totals.add(batch)
    assert sizes == [120, 120, 10]
    assert totals.ttft.count == 250
    assert abs((totals.latency.mean or 0) / float(recorder.latency_s.mean()) - 1) < 1e-4
