"""What a shard's earlier process left on the disk: how far it got, and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from raysim.core.aggregation.live import LiveTotals
from raysim.core.records.outcome import ErrorKind
from raysim.sinks.parquet import ParquetParts

_NS = 1e-9


@dataclass(frozen=True, slots=True)
class Stored:
    """The parts of a shard: by source the last batch in them, and the totals of their rows."""

    marks: dict[str, int]
    live: LiveTotals


def read_stored(parts: ParquetParts) -> Stored:
    """What `parts` hold; nothing at a run's start. Reads part by part, so that a long run's fit in memory."""
    marks: dict[str, int] = {}
    live = LiveTotals()
    for part in parts.read():
        for source, last in part.marks.items():
            marks[source] = max(last, marks.get(source, 0))
        _add(live, part.path)
    return Stored(marks, live)


def _add(live: LiveTotals, path: Path) -> None:
    sent, first = pl.col("sent_ns"), pl.col("first_token_ns")
    succeeded = pl.col("outcome") == "success"
    rows = pl.scan_parquet(path, glob=False)
    sums = rows.select(pl.col("cost_usd", "prompt_tokens", "completion_tokens").sum()).collect()
    live.cost_usd += sums["cost_usd"][0]
    live.prompt_tokens += sums["prompt_tokens"][0]
    live.completion_tokens += sums["completion_tokens"][0]
    for kind, requests in rows.group_by("error_type").len().collect().iter_rows():
        live.count(ErrorKind(kind), requests)
    times = rows.filter(succeeded).select(
        latency_s=(pl.col("end_ns") - sent) * _NS,
        ttft_s=pl.when(pl.col("streamed")).then((first - sent) * _NS),
    )
    found = times.collect()
    live.latency.add(found["latency_s"].drop_nulls().to_numpy())
    live.ttft.add(found["ttft_s"].drop_nulls().to_numpy())
