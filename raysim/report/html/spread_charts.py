"""Charts of how figures are spread: distributions, TTFT against the prompt's size, models side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from raysim.report.html.chart import Chart, Mark, Series
from raysim.report.html.course_charts import MOST_LINES
from raysim.report.html.pieces import RunPieces
from raysim.report.html.windows import Windows, gap_bin_edges_s

_MOST_BARS = 60
_FEWEST_BARS = 12
#: times this much shorter than the median are in the first bin: a few of them would take most of the axis
_SHORTER = 20.0
_POINTS = 1_200
_SIZES = 12
#: fewer requests make no median worth a point
_FEWEST = 5
_QUANTITIES = (
    ("ttft", "TTFT", "ttft_s"),
    ("latency", "Latency", "latency_s"),
    ("tpot", "TPOT", "tpot_s"),
)


def distribution_charts(pieces: RunPieces, windows: Windows) -> Iterator[Chart]:
    """How requests of the headline are spread over the time they took, for each model."""
    models = models_shown(pieces)
    for name, title, column in _QUANTITIES:
        of = {model: _known(windows.headline, model, column) for model in models}
        edges = _edges(np.concatenate([*of.values(), np.array([])]))
        counts = {model: _counted(values, np.ones(values.size), edges) for model, values in of.items()}
        yield _distribution(pieces, name, title, edges, counts)
    gaps = windows.gaps.filter(~pl.col("excluded")).group_by("model", "bin").agg(pl.col("weight").sum())
    lengths = gap_bin_edges_s(gaps["bin"].to_numpy() + 0.5)
    weights = gaps["weight"].to_numpy()
    edges = _edges(lengths, weights)
    counts = {}
    for model in models:
        mine = (gaps["model"] == model).to_numpy()
        counts[model] = _counted(lengths[mine], weights[mine], edges)
    yield _distribution(pieces, "itl", "ITL", edges, counts)


def models_shown(pieces: RunPieces) -> list[str]:
    """The models with the most requests, in the order of the summary."""
    ordered = sorted(pieces.summary["models"], key=lambda model: -model["requests"]["total"])
    kept = {model["model"] for model in ordered[:MOST_LINES]}
    return [model["model"] for model in pieces.summary["models"] if model["model"] in kept]


def _known(rows: pl.DataFrame, model: str, column: str) -> np.ndarray:
    return rows.filter((pl.col("model") == model) & pl.col(column).is_not_null())[column].to_numpy()


def _edges(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Ends of bins that are alike on a logarithmic axis."""
    above = values > 0
    if not above.any():
        return np.array([])
    known = values[above]
    amounts = np.ones(known.size) if weights is None else weights[above]
    order = np.argsort(known)
    middle = known[order][np.searchsorted(np.cumsum(amounts[order]), amounts.sum() / 2)]
    low, high = max(float(known.min()), float(middle) / _SHORTER), float(known.max())
    if high / low < 1.01:  # noqa: PLR2004 - all alike: one bar
        return np.array([low * 0.99, high * 1.01])
    bars = int(min(_MOST_BARS, max(_FEWEST_BARS, 2 * math.sqrt(amounts.sum()))))
    return np.geomspace(low * 0.999, high * 1.001, bars + 1)


def _counted(values: np.ndarray, weights: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How much of `weights` each bin holds; what is shorter than all of them is in the first."""
    if not edges.size:
        return np.array([])
    return np.histogram(np.maximum(values, edges[0]), edges, weights=weights)[0]


def _distribution(pieces: RunPieces, name: str, title: str, edges: np.ndarray, counts: dict[str, np.ndarray]) -> Chart:
    series = []
    for number, (model, found) in enumerate(counts.items()):
        total = found.sum()
        if total and edges.size:
            # each bin's share begins at its lower end, and the last one comes down again
            shares = [*(found / total), 0.0]
            series.append(Series(model, edges.tolist(), [float(share) for share in shares], number, "steps"))
    block = pieces.summary[name]
    marks = tuple(Mark(block[p], p, p) for p in ("p50", "p95", "p99") if block[p] is not None)
    note = "share in each bin; lines: quantiles of the run"
    return Chart(f"{name}-spread", f"{title}, distribution", "share", tuple(series), "seconds", note, marks)


def prompt_chart(pieces: RunPieces, windows: Windows) -> Chart:
    """TTFT against the prompt's tokens: some of the requests, and the median of requests of about one size."""
    rows = windows.headline.filter(pl.col("ttft_s").is_not_null() & (pl.col("prompt_tokens") > 0))
    # evenly over the run, the same ones each time
    drawn = rows.gather_every(max(1, -(-rows.height // _POINTS)))
    series: list[Series] = []
    for number, model in enumerate(models_shown(pieces)):
        dots = drawn.filter(pl.col("model") == model)
        series.append(Series(model, dots["prompt_tokens"].to_list(), dots["ttft_s"].to_list(), number, "points"))
        series.append(_medians(rows.filter(pl.col("model") == model), model, number))
    note = "by prompt tokens"
    if drawn.height < rows.height:
        note = f"{drawn.height:,} of {rows.height:,} requests as dots, by prompt tokens"
    shown = tuple(series for series in series if series.marks)
    return Chart("prompt-ttft", "TTFT against the prompt's size", "s", shown, "tokens", f"{note}; lines: medians")


def _medians(rows: pl.DataFrame, model: str, number: int) -> Series:
    if rows.height < _FEWEST:
        return Series(f"{model}, median", (), (), number)
    bins = max(1, min(_SIZES, rows.height // (4 * _FEWEST), rows["prompt_tokens"].n_unique()))
    # requests of one size are not torn apart
    rank = pl.col("prompt_tokens").rank("max")
    sized = rows.select("prompt_tokens", "ttft_s", bin=(rank * bins / pl.len()).ceil())
    found = (
        sized.group_by("bin")
        .agg(pl.col("prompt_tokens").median(), pl.col("ttft_s").median(), pl.len())
        .filter(pl.col("len") >= _FEWEST)
        .sort("bin")
    )
    return Series(
        f"{model}, median",
        found["prompt_tokens"].to_list(),
        found["ttft_s"].to_list(),
        number,
        sizes=found["len"].to_list(),
    )


def model_charts(pieces: RunPieces) -> Iterator[Chart]:
    """Models side by side: how soon, how fast, for how much."""
    shown = models_shown(pieces)
    if len(shown) < 2:  # noqa: PLR2004 - the table says it all
        return
    models = [model for model in pieces.summary["models"] if model["model"] in shown]
    yield _compared(
        "models-ttft", "TTFT, median and p95", "s", models, (("p50", "ttft", "p50"), ("p95", "ttft", "p95"))
    )
    yield _compared("models-tps", "TPS of one answer, mean", "tokens/s", models, (("TPS", "tps", "mean"),))
    million = (("$ per 1M tokens", "cost", "usd_per_million_tokens"),)
    yield _compared("models-usd", "Dollars for 1M tokens", "usd", models, million)
    yield _compared(
        "models-tps-usd", "TPS per dollar of 1M tokens", "tokens/s/$", models, (("TPS per $", "tps_per_usd", ""),)
    )


def _compared(name: str, title: str, unit: str, models: Sequence[Any], bars: Sequence[tuple[str, str, str]]) -> Chart:
    names = tuple(model["model"] for model in models)
    series = tuple(
        Series(
            label,
            list(range(len(names))),
            [model[block][key] if key else model[block] for model in models],
            label if label in ("p50", "p95") else 0,
            "bars",
        )
        for label, block, key in bars
    )
    return Chart(name, title, unit, series, "names", names=names)
