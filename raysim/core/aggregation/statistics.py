"""Exact statistics of what was measured: quantiles, and confidence intervals that know requests are not independent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: quantiles that every report gives
SHARES = (0.50, 0.75, 0.90, 0.95, 0.99)

_FEWEST_BATCHES = 10
_MOST_BATCHES = 30
_FEWEST_IN_A_BATCH = 10
#: 97.5 % quantiles of Student's t for 9 to 29 degrees of freedom
_STUDENT_T = (
    2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930,
    2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of one quantity, in its own unit. `quantiles` goes with `SHARES`.

    `mean_ci95` is None when there are too few values to tell (fewer than ten batches of ten).
    """

    count: int
    mean: float
    mean_ci95: tuple[float, float] | None
    quantiles: tuple[float, ...]
    min: float
    max: float


def describe(values: Floats) -> Statistics | None:
    """Statistics of `values` in the order in which they were measured; None when there are none.

    Quantiles interpolate linearly between order statistics (numpy's `linear`, type 7 of Hyndman and Fan 1996).
    """
    if values.size == 0:
        return None
    return Statistics(
        count=int(values.size),
        mean=float(values.mean()),
        mean_ci95=confidence_interval(values, np.ones_like(values)),
        quantiles=tuple(float(q) for q in np.quantile(values, SHARES)),
        min=float(values.min()),
        max=float(values.max()),
    )


def weighted_quantiles(values: Floats, weights: Floats, shares: tuple[float, ...] = SHARES) -> tuple[float, ...]:
    """Quantiles of values of which each counts `weights` times (positive, not necessarily whole).

    The same as numpy's `linear` on every value repeated weight times, when the weights are whole: a value holds the
    ranks from the weight before it to that plus its own less one, and between two values is interpolated.
    """
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(weights[order])
    starts = ends - weights[order]
    ranks = np.column_stack((starts, np.maximum(starts, ends - 1.0))).ravel()
    wanted = np.asarray(shares) * max(0.0, float(ends[-1]) - 1.0)
    return tuple(float(q) for q in np.interp(wanted, ranks, np.repeat(values[order], 2)))


def confidence_interval(sums: Floats, counts: Floats) -> tuple[float, float] | None:
    """The 95 % confidence interval of sum(sums) / sum(counts) by batch means; None with too few items.

    Items that follow each other are alike (a slow minute is slow for all), so their spread says too little about the
    mean's. Means of 10 to 30 batches of at least 10 consecutive items are nearly independent. Source: Schmeiser,
    "Batch size effects in the analysis of simulation output", Operations Research 30 (1982).

    Args:
        sums: the sum of each item's values, in the order in which the items were measured.
        counts: how many values each item has.
    """
    batches = min(_MOST_BATCHES, sums.size // _FEWEST_IN_A_BATCH)
    if batches < _FEWEST_BATCHES:
        return None
    edges = np.linspace(0, sums.size, batches + 1).astype(np.int64)[:-1]
    batch_counts = np.add.reduceat(counts, edges)
    if not batch_counts.all():
        return None
    means = np.add.reduceat(sums, edges) / batch_counts
    centre = float(sums.sum() / counts.sum())
    reach = _STUDENT_T[batches - _FEWEST_BATCHES] * float(means.std(ddof=1)) / math.sqrt(batches)
    return centre - reach, centre + reach
