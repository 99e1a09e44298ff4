"""Quantiles and shares with a standard error that knows requests are not independent, and their differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from raysim.core.aggregation.statistics import weighted_quantiles

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Interval = tuple[float, float]

_FEWEST_SECTIONS = 8
_MOST_SECTIONS = 12
#: a section needs so many values for its median; further out in the tail more
_FEWEST_IN_A_SECTION = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of one window.

    `error` is its standard error, with `freedom` degrees of freedom; None when there are too few values to tell.
    """

    value: float
    count: int
    error: float | None = None
    freedom: float = 0.0

    def interval(self, miss: float = 0.05) -> Interval | None:
        """The interval that misses the truth with probability `miss`, by Student's t."""
        if self.error is None:
            return None
        reach = student_t(miss, self.freedom) * self.error
        return self.value - reach, self.value + reach

    def minus(self, other: Estimate) -> Estimate:
        """The difference of two windows' figures, its error by Welch (Biometrika 34, 1947)."""
        count = min(self.count, other.count)
        if self.error is None or other.error is None:
            return Estimate(self.value - other.value, count)
        mine, others = self.error**2, other.error**2
        spread = mine**2 / self.freedom + others**2 / other.freedom
        freedom = (mine + others) ** 2 / spread if spread > 0 else self.freedom + other.freedom
        return Estimate(self.value - other.value, count, math.sqrt(mine + others), freedom)


def quantile_estimate(values: Floats, share: float, weights: Floats | None = None) -> Estimate | None:
    """The quantile `share` of `values`, which are in the order in which they were measured; None without values.

    With `weights` (positive) each value counts that much.

    The error is that of sectioning: the quantile of the whole, and the spread around it of the quantiles of 8 to 12
    sections of consecutive values. Requests that follow each other are alike; sections are nearly independent.
    Source: Asmussen and Glynn, "Stochastic Simulation" (2007), III.5; Nakayama, "Confidence intervals for quantiles
    using sectioning", ACM TOMACS 24 (2014).
    """
    if values.size == 0:
        return None
    weights = np.ones_like(values) if weights is None else weights
    whole = _quantile(values, weights, share)
    parts = _sections(np.arange(values.size), math.ceil(_FEWEST_IN_A_SECTION * 0.5 / min(share, 1.0 - share)))
    if not parts:
        return Estimate(whole, values.size)
    return _spread(whole, values.size, [_quantile(values[part], weights[part], share) for part in parts])


def share_estimate(hits: Flags) -> Estimate | None:
    """The share of `hits` that are true, with the error of sectioning; None without any."""
    if hits.size == 0:
        return None
    whole = float(hits.mean())
    parts = _sections(hits, _FEWEST_IN_A_SECTION)
    if not parts:
        return Estimate(whole, hits.size)
    return _spread(whole, hits.size, [float(part.mean()) for part in parts])


def share_interval(share: Estimate, miss: float = 0.05) -> Interval:
    """Wilson's score interval of a share: true to its word also when nothing was hit.

    The count is divided by the design effect (Kish 1965): how much larger the sections' spread is than that of
    independent requests, never less than 1. Source: Wilson, JASA 22 (1927).
    """
    value, count = share.value, share.count
    plain = value * (1.0 - value) / count
    effect = max(1.0, share.error**2 / plain) if share.error is not None and plain > 0 else 1.0
    n, z = count / effect, NormalDist().inv_cdf(1.0 - miss / 2)
    centre = (value + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def share_difference(after: Estimate, before: Estimate, miss: float = 0.05) -> Interval:
    """The interval of `after` less `before`, two shares, from the score intervals of both.

    Source: Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
    17 (1998), method 10.
    """
    low_after, high_after = share_interval(after, miss)
    low_before, high_before = share_interval(before, miss)
    difference = after.value - before.value
    down = math.hypot(after.value - low_after, high_before - before.value)
    up = math.hypot(high_after - after.value, before.value - low_before)
    return difference - down, difference + up


def student_t(miss: float, freedom: float) -> float:
    """The two-sided quantile of Student's t that is exceeded with probability `miss`; good to 0.1 % from 7 degrees on.

    Source: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.7.5.
    """
    z = NormalDist().inv_cdf(1.0 - miss / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def _quantile(values: Floats, weights: Floats, share: float) -> float:
    # weights that are all the same are whole numbers in disguise
    return weighted_quantiles(values, weights * (values.size / float(weights.sum())), (share,))[0]


def _sections(values: NDArray[np.generic], fewest_in_one: int) -> list[NDArray[np.generic]]:
    count = min(_MOST_SECTIONS, values.size // fewest_in_one)
    return np.array_split(values, count) if count >= _FEWEST_SECTIONS else []


def _spread(whole: float, count: int, parts: list[float]) -> Estimate:
    squares = math.fsum((part - whole) ** 2 for part in parts)
    return Estimate(whole, count, math.sqrt(squares / (len(parts) * (len(parts) - 1))), len(parts) - 1)
