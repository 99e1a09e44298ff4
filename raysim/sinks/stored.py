"""What a shard's earlier process left on the disk: how far it got, and what that amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from raysim.core.aggregation.live import LiveTotals
from raysim.core.metrics.rows import FLOATS, GAPS, INTEGERS, TEXTS, RequestRows
from raysim.core.records.columns import ListColumn, TextColumn
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import ABSENT
from raysim.sinks.parquet import ParquetParts

_NS = 1e-9


@dataclass(frozen=True, slots=True)
class Stored:
    """The parts of a shard: where they are, by source the last batch in them, and the totals of their rows."""

    marks: dict[str, int]
    live: LiveTotals
    paths: tuple[Path, ...] = ()


def read_stored(parts: ParquetParts) -> Stored:
    """What `parts` hold; nothing at a run's start. Reads part by part, so that a long run's fit in memory."""
    marks: dict[str, int] = {}
    live = LiveTotals()
    paths = []
    for part in parts.read():
        for source, last in part.marks.items():
            marks[source] = max(last, marks.get(source, 0))
        _add(live, part.path)
        paths.append(part.path)
    return Stored(marks, live, tuple(paths))


def stored_rows(paths: Iterable[Path]) -> Iterator[RequestRows]:
    """The requests in these parts, as the metrics count them; one part after another."""
    for path in paths:
        frame = pl.read_parquet(path, columns=[*INTEGERS, *FLOATS, *TEXTS, "question_hash", "streamed", GAPS])
        columns: dict[str, Any] = {name: frame[name].fill_null(ABSENT).to_numpy() for name in INTEGERS}
        columns |= {name: frame[name].fill_null(float("nan")).to_numpy() for name in FLOATS}
        columns |= {name: _text(frame[name]) for name in TEXTS}
        gaps = frame[GAPS]
        yield RequestRows(
            **columns,
            question_hash=frame["question_hash"].to_numpy(),
            streamed=frame["streamed"].to_numpy(),
            chunk_gaps_us=ListColumn(gaps.list.len().to_numpy(), gaps.explode(empty_as_null=False).to_numpy()),
        )


def _text(column: pl.Series) -> TextColumn:
    codes, values = np.unique(column.to_numpy().astype(str), return_inverse=True)[::-1]
    return TextColumn(values.tolist(), codes.astype(np.uint32))


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
