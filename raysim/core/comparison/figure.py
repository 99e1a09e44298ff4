"""A run's figures with what each stretch of time and each user adds to them: from that comes how sure a figure is.

Every figure here is a ratio of two sums over requests (a quantile is where the share of requests below it, such a
ratio, is as wanted), so that one formula serves all: with R = sum(y) / sum(x), cluster c adds (y_c - R x_c) / sum(x) to
the error of R. Source: Cochran, "Sampling Techniques" (1977), 6.3 and 9A; for quantiles Woodruff, "Confidence intervals
for medians and other position measures", JASA 47 (1952).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from raysim.core.comparison.metric import Metric, Unit
from raysim.core.comparison.sample import Flags, Floats, Indices, RunSample

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the values of a quantity lie: sorted, `ends` the weight of each and all before it; None for once each."""

    values: Floats
    ends: Floats | None = None

    @classmethod
    def of(cls, values: Floats, weights: Floats | None) -> Spread:
        """The spread of values in any order."""
        if weights is None:
            return cls(np.sort(values))
        order = np.argsort(values, kind="stable")
        return cls(values[order], np.cumsum(weights[order]))

    def quantile(self, share: float) -> float:
        """The value that `share` of all are below; infinite, or 0, beyond the ends: nothing is known there.

        Interpolated as `raysim.core.aggregation.statistics` does it.
        """
        if not 0.0 < share < 1.0:
            return 0.0 if share <= 0.0 else math.inf
        last = self.values.size - 1
        if self.ends is None:
            rank = share * last
            place, beyond = math.floor(rank), rank - math.floor(rank)
        else:
            rank = share * max(0.0, float(self.ends[-1]) - 1.0)
            place = min(last, int(np.searchsorted(self.ends, rank, side="right")))
            start = float(self.ends[place - 1]) if place else 0.0
            end = float(self.ends[place])
            beyond = max(0.0, rank - max(start, end - 1.0)) / (end - max(start, end - 1.0))
        low, high = self.values[place], self.values[min(last, place + 1)]
        return float(low + (high - low) * beyond)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one run.

    `influence[i]` holds what each cluster of the run's i-th clustering adds to the figure's error, on the figure's own
    scale: of the logarithm for means and rates, of the share below for quantiles, plain for shares.
    """

    metric: Metric
    value: float
    count: int
    influence: tuple[Floats, ...]
    spread: Spread | None = None

    def bounds(self, reach: float, critical: float) -> Interval:
        """Where the truth may lie when the figure's error is at most `reach`, on its own scale.

        `critical` is how many standard errors that is.
        """
        if self.spread is not None and self.metric.share is not None:
            share = self.metric.share
            return self.spread.quantile(share - reach), self.spread.quantile(share + reach)
        if self.metric.unit is Unit.SHARE:
            return _share_bounds(self.value, self.count, reach, critical)
        return self.value * math.exp(-reach), self.value * math.exp(reach)


class Reading:
    """The figures of one run, for one way of cutting its time into blocks."""

    def __init__(self, sample: RunSample, blocks: tuple[int, ...]) -> None:
        """`blocks` are how many stretches of the same length the run is cut into, once for each clustering by time."""
        share = np.clip(sample.at_s / sample.over_s, 0.0, np.nextafter(1.0, 0.0))
        self._sample = sample
        self._clusterings = [((share * count).astype(np.int64), count) for count in blocks]
        self._clusterings.append((sample.user, len(sample.users)))
        self._spreads: dict[str, tuple[Spread, Floats, Floats | None, Indices | None]] = {}

    def figure(self, metric: Metric) -> Figure | None:
        """The figure of `metric`; None where the run has nothing to take it of."""
        if metric.share is not None:
            return self._quantile(metric, metric.share)
        terms = _terms(metric, self._sample)
        if terms is None:
            return None
        above, below, request = terms
        if below is None:
            return self._rate(metric, above)
        total, count = float(below.sum()), int((below > 0).sum())
        value = float(above.sum()) / total if total else 0.0
        if not total or (metric.unit is not Unit.SHARE and value <= 0):
            return None
        scale = 1.0 if metric.unit is Unit.SHARE else value
        residual = (above - value * below) / (total * scale)
        return Figure(metric, value, count, self._influence(residual, request))

    def _rate(self, metric: Metric, above: Floats) -> Figure | None:
        total = float(above.sum())
        if not total or not self._sample.over_s:
            return None
        # time belongs to all blocks, and to all users, alike
        influence = tuple(
            np.bincount(cluster, weights=above, minlength=count) / total - 1.0 / count
            for cluster, count in self._clusterings
        )
        return Figure(metric, total / self._sample.over_s, int((above > 0).sum()), influence)

    def _quantile(self, metric: Metric, share: float) -> Figure | None:
        if metric.quantity not in self._spreads:
            found = _values(metric.quantity, self._sample)
            if found is None:
                return None
            values, weights, request = found
            self._spreads[metric.quantity] = (Spread.of(values, weights), values, weights, request)
        spread, values, given, whose = self._spreads[metric.quantity]
        value = spread.quantile(share)
        # a value that is there many times is half below itself
        below = 0.5 * ((values < value).astype(np.float64) + (values <= value))
        weights = np.ones_like(values) if given is None else given
        total = float(weights.sum())
        residual = weights * (below - float(np.dot(weights, below)) / total) / total
        return Figure(metric, value, values.size, self._influence(residual, whose), spread)

    def _influence(self, residual: Floats, request: Indices | None) -> tuple[Floats, ...]:
        return tuple(
            np.bincount(cluster if request is None else cluster[request], weights=residual, minlength=count).astype(
                np.float64
            )
            for cluster, count in self._clusterings
        )


def _values(quantity: str, sample: RunSample) -> tuple[Floats, Floats | None, Indices] | None:
    """The values of a quantity that there are, what each counts for, and whose they are; None without any."""
    if quantity == "itl":
        gaps = sample.gaps
        return (gaps.values, gaps.weights, gaps.request) if gaps.values.size else None
    values = sample.values.get(quantity)
    if values is None:
        return None
    known = np.flatnonzero(~np.isnan(values))
    return (values[known], None, known) if known.size else None


def _terms(metric: Metric, sample: RunSample) -> tuple[Floats, Floats | None, Indices | None] | None:
    """Numerators, denominators (None: the run's time) and whose they are (None: one each) of a ratio."""
    plain = {
        "error_rate": (sample.failed, sample.success | sample.failed),
        "requests_per_s": (sample.success, None),
        "output_tokens_per_s": (np.where(sample.success, sample.completion_tokens, 0.0), None),
        "usd_per_million_tokens": (sample.cost_usd * 1e6, sample.tokens),
    }
    if metric.quantity == "goodput":
        return None if sample.good is None else (_number(sample.good), _number(_decided(sample)), None)
    if metric.quantity in plain:
        above, below = plain[metric.quantity]
        return _number(above), None if below is None else _number(below), None
    found = _values(metric.quantity, sample)
    if found is None:
        return None
    values, weights, request = found
    return (values, np.ones_like(values), request) if weights is None else (values * weights, weights, request)


def _decided(sample: RunSample) -> Flags:
    return sample.success | sample.failed


def _number(values: Flags | Floats) -> Floats:
    return values.astype(np.float64)


def _share_bounds(value: float, count: int, reach: float, critical: float) -> Interval:
    """Wilson's score interval of a share: true to its word also when nothing was hit.

    The requests count as so many independent ones as would give the same reach, never as more than there are (Kish's
    design effect, 1965). Source: Wilson, JASA 22 (1927).
    """
    plain = value * (1.0 - value) * critical**2
    n = min(float(count), plain / reach**2) if reach > 0 and plain > 0 else float(count)
    centre = (value + critical**2 / (2 * n)) / (1 + critical**2 / n)
    half = critical / (1 + critical**2 / n) * math.sqrt(value * (1 - value) / n + critical**2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
