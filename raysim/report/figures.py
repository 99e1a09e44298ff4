"""The figures of a group of requests, as `summary.json` holds them: of the whole run, a tenant, a model, a phase."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from raysim.core.aggregation.statistics import (
    SHARES,
    Statistics,
    confidence_interval,
    describe,
    weighted_quantiles,
)
from raysim.core.records.outcome import Outcome
from raysim.report.goodput import goodput
from raysim.report.measured import Measured

#: block of the summary → column that it describes, unit
_QUANTITIES = {
    "latency": ("latency_s", "s"),
    "response_time": ("response_time_s", "s"),
    "ttft": ("ttft_s", "s"),
    "tpot": ("tpot_s", "s"),
    "tps": ("tps", "1/s"),
    "queue": ("queue_s", "s"),
    "held": ("held_s", "s"),
}


def figures(everything: Measured, headline: Measured, over_s: float) -> dict[str, Any]:
    """Counts, tokens and dollars of `everything`; times and rates of `headline`, whose phases lasted `over_s`."""
    counts = outcome_counts(everything.rows)
    blocks = {name: _quantity(headline.rows, column, unit) for name, (column, unit) in _QUANTITIES.items()}
    return {
        "requests": {
            "total": everything.rows.height,
            **counts,
            "headline": headline.rows.height,
            "by_error": errors_by_kind(everything.rows),
        },
        "error_rate": error_rate(counts),
        "tokens": _tokens(everything.rows),
        "cost": _cost(everything.rows),
        "throughput": _throughput(headline.rows, over_s),
        "goodput": goodput(headline, over_s),
        **blocks,
        "itl": _inter_token_latency(headline),
    }


def outcome_counts(rows: pl.DataFrame) -> dict[str, int]:
    """How many requests ended in each outcome; all four are there."""
    found = dict(rows["outcome"].value_counts().iter_rows())
    return {str(outcome): int(found.get(str(outcome), 0)) for outcome in Outcome}


def errors_by_kind(rows: pl.DataFrame) -> dict[str, int]:
    """How many requests ended in each kind of error, refusals and cancellations too; most frequent first."""
    kinds = rows.filter(pl.col("error_type") != "")["error_type"].value_counts()
    return dict(kinds.sort(["count", "error_type"], descending=[True, False]).iter_rows())


def error_rate(counts: dict[str, int]) -> float | None:
    """Errors over successes and errors; None when there is neither."""
    decided = counts["success"] + counts["error"]
    return counts["error"] / decided if decided else None


def block(statistics: Statistics | None, unit: str) -> dict[str, Any]:
    """Statistics as the summary holds them; all null without values."""
    names = [f"p{share * 100:g}" for share in SHARES]
    if statistics is None:
        empty = dict.fromkeys(("mean", "mean_ci95", *names, "max", "min"))
        return {**empty, "count": 0, "unit": unit}
    interval = statistics.mean_ci95
    return {
        "mean": statistics.mean,
        "mean_ci95": None if interval is None else list(interval),
        **dict(zip(names, statistics.quantiles, strict=True)),
        "max": statistics.max,
        "min": statistics.min,
        "count": statistics.count,
        "unit": unit,
    }


def _quantity(rows: pl.DataFrame, column: str, unit: str) -> dict[str, Any]:
    return block(describe(rows[column].drop_nulls().to_numpy()), unit)


def _inter_token_latency(measured: Measured) -> dict[str, Any]:
    if measured.gaps.is_empty():
        return block(None, "s")
    values, weights = measured.gaps["itl_s"].to_numpy(), measured.gaps["weight"].to_numpy()
    requests = measured.rows.select("gaps_s", "gaps_weight").drop_nulls()
    total = float(weights.sum())
    statistics = Statistics(
        count=round(total),
        mean=float(np.dot(values, weights)) / total,
        mean_ci95=confidence_interval(requests["gaps_s"].to_numpy(), requests["gaps_weight"].to_numpy()),
        quantiles=weighted_quantiles(values, weights),
        min=float(values.min()),
        max=float(values.max()),
    )
    return block(statistics, "s")


def _tokens(rows: pl.DataFrame) -> dict[str, Any]:
    sources = sorted(source for source in rows["token_source"].unique() if source)
    return {
        "prompt": int(rows["prompt_tokens"].sum()),
        "completion": int(rows["completion_tokens"].sum()),
        "source": sources[0] if len(sources) == 1 else "mixed" if sources else None,
    }


def _cost(rows: pl.DataFrame) -> dict[str, Any]:
    """Summed without rounding errors, so that it equals a ledger of the same requests in any order."""
    usd = math.fsum(rows["cost_usd"].drop_nulls())
    tokens = int(rows["prompt_tokens"].sum()) + int(rows["completion_tokens"].sum())
    return {
        "usd": usd,
        "unverified_usd": math.fsum(rows["unverified_usd"].drop_nulls()),
        "billed_beyond_reservation_usd": math.fsum(_beyond(rows)),
        "usd_per_million_tokens": usd * 1e6 / tokens if tokens else None,
    }


def _beyond(rows: pl.DataFrame) -> pl.Series:
    """What each request cost over the most that it could, by the platform's own counts."""
    return (rows["cost_usd"] - rows["reserved_usd"]).fill_null(0.0).clip(lower_bound=0.0)


def _throughput(rows: pl.DataFrame, over_s: float) -> dict[str, Any]:
    done = rows.filter(pl.col("outcome") == "success")
    lasted = over_s > 0
    tokens = int(done["completion_tokens"].sum())
    return {
        "requests_per_s": done.height / over_s if lasted else None,
        "output_tokens_per_s": tokens / over_s if lasted else None,
        "over_s": over_s,
        "success": done.height,
        "error": rows.filter(pl.col("outcome") == "error").height,
        "prompt_tokens": int(done["prompt_tokens"].sum()),
        "completion_tokens": tokens,
    }
