"""Backends in the summary: what they said of themselves beside what users felt of them, and the bottlenecks found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from raysim.core.aggregation.verdict import GeneratorVerdict
from raysim.core.backends.findings import Diagnosis, Finding, diagnose
from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget
from raysim.core.backends.trace import BackendTrace, ClientRequests
from raysim.core.backends.vocabulary import VOCABULARIES
from raysim.report.facts import RunFacts
from raysim.report.findings_text import finding_sentence, nothing_found
from raysim.report.groups import headline_s

_S = 1e-9
_COLUMNS = ("first_token_unix_s", "end_unix_s", "ttft_s", "latency_s", "prompt_tokens", "completion_tokens")


def backend_parts(requests: pl.LazyFrame, facts: RunFacts, generator: GeneratorVerdict) -> dict[str, Any]:
    """`findings`, `backends` and `diagnosis` of the summary.

    Args:
        requests: rows of a requests file.
        facts: the run, with the readings of its backends.
        generator: the verdict on the load generator.
    """
    rows = _client_rows(requests)
    traces = tuple(_traces(rows, facts))
    diagnosis = diagnose(traces, facts.started_at, facts.started_at + facts.load_s, generator)
    engines = [trace for trace in traces if VOCABULARIES[trace.target.kind].role != "gpu"]
    return {
        "findings": [_finding(finding, facts) for finding in diagnosis.findings],
        "backends": list(_backends(rows, traces, facts)),
        "diagnosis": {
            "sentence": _statement(diagnosis, engines, facts),
            "backends": sum(any(reading.up for reading in trace.readings) for trace in engines),
            "readings": sum(len(trace.readings) for trace in traces),
            "without_baseline": list(diagnosis.without_baseline),
        },
    }


def _client_rows(requests: pl.LazyFrame) -> pl.DataFrame:
    due, sent, first, end = (pl.col(name) for name in ("due_unix_ns", "sent_ns", "first_token_ns", "end_ns"))
    streamed = pl.col("streamed")
    return (
        requests.sort("due_unix_ns")
        .filter((pl.col("outcome") == "success") & pl.col("sent_ns").is_not_null())
        .select(
            "backend",
            "model",
            "excluded",
            "lag_flagged",
            first_token_unix_s=pl.when(streamed).then((due + first) * _S),
            end_unix_s=(due + end) * _S,
            ttft_s=pl.when(streamed).then((first - sent) * _S),
            latency_s=(end - sent) * _S,
            prompt_tokens=pl.col("prompt_tokens").cast(pl.Float64),
            completion_tokens=pl.col("completion_tokens").cast(pl.Float64),
        )
        .collect()
    )


def _traces(rows: pl.DataFrame, facts: RunFacts) -> Iterator[BackendTrace]:
    by_page: dict[tuple[str, str], list[BackendReading]] = {}
    for reading in facts.readings:
        by_page.setdefault((reading.backend, reading.kind), []).append(reading)
    for target in facts.backends:
        mine = rows.filter(_belongs(target, rows, facts))
        models = [name for name, _ in mine["model"].value_counts(sort=True).iter_rows()]
        price = facts.plan.prices.get(target.model or (models[0] if models else ""))
        yield BackendTrace(
            target,
            tuple(by_page.get((target.id, target.kind), ())),
            _client(mine.filter(~pl.col("lag_flagged"))),
            price.theoretical_tps if price else None,
        )


def _belongs(target: BackendTarget, rows: pl.DataFrame, facts: RunFacts) -> pl.Expr:
    """Which requests a backend answered: as the platform's headers say; without these, as its model says."""
    everything, nothing = pl.lit(True), pl.lit(False)  # noqa: FBT003 - polars' constants
    of_model = pl.col("model") == target.model if target.model else everything
    if VOCABULARIES[target.kind].role == "gateway":
        return of_model
    if rows.filter(pl.col("backend") != "").height:
        return pl.col("backend") == target.id
    engines = [b for b in facts.backends if VOCABULARIES[b.kind].role == "engine"]
    alone = len(engines) == 1 or (target.model and sum(b.model == target.model for b in engines) == 1)
    return of_model if alone else nothing


def _client(rows: pl.DataFrame) -> ClientRequests:
    return ClientRequests(*(rows[name].fill_null(float("nan")).to_numpy() for name in _COLUMNS))


def _finding(finding: Finding, facts: RunFacts) -> dict[str, Any]:
    started = facts.started_at
    from_s, until_s = finding.from_unix_s, finding.until_unix_s
    return {
        "kind": str(finding.cause),
        "severity": finding.severity,
        "backends": list(finding.backends),
        "slowdown": finding.slowdown,
        "from_s": None if from_s is None else max(0.0, from_s - started),
        "until_s": None if until_s is None else until_s - started,
        "request_share": finding.request_share,
        "evidence": [asdict(evidence) for evidence in finding.evidence],
        "sentence": finding_sentence(finding, started),
    }


def _statement(diagnosis: Diagnosis, engines: Sequence[BackendTrace], facts: RunFacts) -> str:
    if diagnosis.findings:
        return f"{len(diagnosis.findings)} found"
    read = [trace.target.id for trace in engines if any(reading.up for reading in trace.readings)]
    return nothing_found(len(read), len(engines), configured=bool(facts.backends))


def _backends(rows: pl.DataFrame, traces: Sequence[BackendTrace], facts: RunFacts) -> Iterator[dict[str, Any]]:
    """One entry a backend: those whose pages were read, in their order, then those that only the headers name."""
    headline = rows.filter(~pl.col("excluded"))
    named = [name for name in headline["backend"].unique().sort() if name]
    for name in dict.fromkeys((*(target.id for target in facts.backends), *named)):
        pages = [trace for trace in traces if trace.target.id == name]
        serving = [trace for trace in pages if VOCABULARIES[trace.target.kind].role != "gpu"]
        mine = headline.filter(_belongs(serving[0].target, rows, facts) if serving else pl.col("backend") == name)
        yield {
            "backend": name,
            "kinds": [trace.target.kind for trace in pages],
            "model": _one([t.target.model for t in serving]) or _one(mine["model"].unique().to_list()),
            "gpu_type": _one([trace.target.gpu_type for trace in pages]),
            **_felt(mine, headline_s(facts)),
            **_said(pages, facts),
            **_efficiency(mine, serving, facts),
        }


def _one(values: Sequence[str]) -> str | None:
    found = {value for value in values if value}
    return found.pop() if len(found) == 1 else None


def _felt(rows: pl.DataFrame, over_s: float) -> dict[str, Any]:
    """What users saw of it, of successes in the headline."""
    tokens = float(rows["completion_tokens"].sum())
    speeds = rows.filter((pl.col("completion_tokens") > 0) & (pl.col("latency_s") > 0))
    return {
        "requests": rows.height,
        "ttft_mean_s": _mean(rows["ttft_s"]),
        "latency_mean_s": _mean(rows["latency_s"]),
        "tps_mean": _mean(speeds["completion_tokens"] / speeds["latency_s"]),
        "output_tokens_per_s": tokens / over_s if over_s > 0 else None,
    }


def _mean(values: pl.Series) -> float | None:
    known = values.drop_nulls().to_numpy()
    return float(np.mean(known)) if known.size else None


def _in_headline(readings: Sequence[BackendReading], facts: RunFacts) -> list[BackendReading]:
    phases = [phase for phase in facts.plan.schedule.phases if not phase.excluded]

    def counts(reading: BackendReading) -> bool:
        run_s = reading.time_unix_s - facts.started_at
        return any(phase.start_s < run_s <= min(phase.end_s, facts.load_s) for phase in phases)

    return [reading for reading in readings if counts(reading)]


def _said(pages: Sequence[BackendTrace], facts: RunFacts) -> dict[str, Any]:
    """What its pages said in the headline phases: means over looks, or over requests where it counts those."""
    looks = _in_headline([reading for trace in pages for reading in trace.readings], facts)
    up = [reading for reading in looks if reading.up]

    def spread(name: str) -> dict[str, float | None]:
        values = [value for reading in up if (value := getattr(reading, name)) is not None]
        return {"mean": float(np.mean(values)) if values else None, "max": max(values, default=None)}

    def over(total: str, count: str) -> float | None:
        pairs = [(getattr(r, total), getattr(r, count)) for r in up]
        known = [(t, c) for t, c in pairs if t is not None and c is not None]
        observed = sum(c for _, c in known)
        return sum(t for t, _ in known) / observed if observed else None

    def total(name: str) -> float | None:
        values = [value for reading in up if (value := getattr(reading, name)) is not None]
        return sum(values) if values else None

    gauges = ("in_flight", "running", "waiting", "saturation_ratio", "kv_cache_ratio")
    return {
        "up_share": len(up) / len(looks) if looks else None,
        "why_down": next((reading.why for reading in looks if not reading.up), ""),
        **{name: spread(name) for name in (*gauges, "gpu_utilization_ratio", "gpu_memory_ratio")},
        "queue_mean_s": over("queue_sum_s", "queue_count"),
        "prefill_mean_s": over("prefill_sum_s", "prefill_count"),
        "backend_ttft_mean_s": over("ttft_sum_s", "ttft_count"),
        "itl_mean_s": over("itl_sum_s", "itl_count"),
        "generation_tokens_per_s": over("generation_tokens", "interval_s"),
        "prefix_hit_ratio": over("prefix_hits", "prefix_queries"),
        "preemptions": total("preemptions"),
    }


def _efficiency(rows: pl.DataFrame, serving: Sequence[BackendTrace], facts: RunFacts) -> dict[str, Any]:
    """Against theory: the whole backend's tokens a second, and a stream's mean speed."""
    best = next((trace.target.theoretical_tps for trace in serving if trace.target.theoretical_tps), None)
    stream = next((trace.best_stream_tps for trace in serving if trace.best_stream_tps), None)
    said = _said(serving, facts)["generation_tokens_per_s"]
    felt = _felt(rows, headline_s(facts))
    rate = said if said is not None else felt["output_tokens_per_s"]
    return {
        "theoretical_tps": best,
        "tps_efficiency": rate / best if best and rate is not None else None,
        "stream_efficiency": felt["tps_mean"] / stream if stream and felt["tps_mean"] is not None else None,
    }
