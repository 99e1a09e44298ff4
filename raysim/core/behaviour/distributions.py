"""The distributions a scenario may name, exactly as `docs/configuration.md` defines them: drawn, and described.

All are drawn through their inverse: one uniform number gives one value, and none lies outside the bounds. What comes is
what drawing again until a value lies within would give (Devroye, "Non-Uniform Random Variate Generation", 1986, II.2).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal

from raysim.core.behaviour import normal
from raysim.core.rng import Stream

DistributionKind = Literal["uniform", "gaussian", "exponential", "poisson", "lognormal"]

#: a Poisson number further than this many sigmas from its rate does not occur
_POISSON_SIGMAS = 12.0
_POISSON_LEAST = 40
#: bounds and rates are sums of decimal fractions
_ROUNDING = 1e-9
#: a narrower interval is one value: its parts could not be told apart
_NO_WIDTH = 1e-300
#: tables of probabilities that are kept
_TABLES = 64


@dataclass(frozen=True, slots=True)
class Distribution:
    """A bounded distribution of a quantity in the unit its user gives it.

    The interval that shapes it, of width w, is `base` ± `variance` when `variance` is given, else [low, high]; the
    bounds [low, high] truncate it. A lognormal is shaped by `base` and `variance` alone.

    * uniform on [low, high]
    * gaussian with its mean at the centre and sigma w / 4
    * exponential: the interval's start + Exp(mean = w / 3)
    * poisson: the interval's start + Poisson(w / 3)
    * lognormal: median `base`, sigma of the logarithm `variance / base`

    Args:
        kind: which of the five.
        low: smallest value that can be drawn.
        high: largest value that can be drawn.
        base: the centre of the interval; the median of a lognormal.
        variance: half the interval's width; sigma of the logarithm times `base` for a lognormal.
    """

    kind: DistributionKind
    low: float
    high: float
    base: float = 0.0
    variance: float = 0.0

    def sample(self, stream: Stream) -> float:
        """One draw, within [low, high]."""
        return self.quantile(stream.random())

    def sample_int(self, stream: Stream) -> int:
        """One draw as a whole number within [low, high]; uniform gives every whole number the same chance.

        The others are rounded half up; what would round to a number outside is not drawn.
        """
        first, last = self._whole_bounds()
        if self.kind == "uniform":
            return stream.between(first, last)
        value = self._between(stream.random(), *self._rounding_bounds(first, last))
        return min(last, max(first, math.floor(value + 0.5)))

    def quantile(self, share: float) -> float:
        """The value that `share` (0 to 1) of all draws lie below."""
        return self._between(share, self.low, self.high)

    def mean(self) -> float:
        """The mean of `sample`, in closed form."""
        # what cannot be reached is drawn as its nearer bound
        return min(self.high, max(self.low, self._moments()[0]))

    def std(self) -> float:
        """The standard deviation of `sample`, in closed form.

        Sources: Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions" 1 (1994): 13.10.1 (truncated
        normal), 14.6 (truncated lognormal), 19.10 (truncated exponential); a finite sum for Poisson.
        """
        return min((self.high - self.low) / 2, self._moments()[1])

    def mean_int(self) -> float:
        """The mean of `sample_int`: the sum over all whole numbers."""
        return _moments_of(*self._whole_weights())[0]

    def std_int(self) -> float:
        """The standard deviation of `sample_int`: the sum over all whole numbers."""
        return _moments_of(*self._whole_weights())[1]

    # ── the shape ──

    def _shape(self) -> tuple[float, float]:
        """Start and width of the interval that shapes all but the lognormal."""
        if self.variance > 0:
            return self.base - self.variance, 2 * self.variance
        return self.low, self.high - self.low

    def _normal_scale(self) -> tuple[float, float]:
        """Centre and sigma of the normal distribution behind a gaussian, or behind a lognormal's logarithm."""
        if self.kind == "lognormal":
            return math.log(self.base), self.variance / self.base
        start, width = self._shape()
        return start + width / 2, width / 4

    def _standardised(self, value: float) -> float:
        """`value` in sigmas from the centre."""
        centre, sigma = self._normal_scale()
        if self.kind == "lognormal":
            value = math.log(value) if value > 0 else -math.inf
        return (value - centre) / sigma

    @property
    def _fixed(self) -> float | None:
        """The one value that can be drawn, where there is but one."""
        if self.high - self.low < _NO_WIDTH:
            return self.low
        if self.kind == "lognormal" and self.variance / self.base < _NO_WIDTH:
            return min(self.high, max(self.low, self.base))
        return None

    def _between(self, share: float, low: float, high: float) -> float:
        if (fixed := self._fixed) is not None:
            return fixed
        value = low + (high - low) * share
        match self.kind:
            case "gaussian":
                centre, sigma = self._normal_scale()
                value = centre + sigma * normal.quantile(share, self._standardised(low), self._standardised(high))
            case "lognormal":
                z = normal.quantile(share, self._standardised(low), self._standardised(high))
                value = self.base * math.exp(self.variance / self.base * z)
            case "exponential":
                start, width = self._shape()
                low, scale = min(high, max(low, start)), width / 3
                value = low - scale * math.log1p(share * math.expm1(-(high - low) / scale))
            case "poisson":
                first, cumulative = self._poisson(low, high)
                value = self._shape()[0] + first + bisect_right(cumulative, share, hi=len(cumulative) - 1)
        return min(high, max(low, value))

    def _poisson(self, low: float, high: float) -> tuple[int, tuple[float, ...]]:
        start, width = self._shape()
        first = max(0, math.ceil(low - start - _ROUNDING))
        return _poisson_table(width / 3, first, max(first, math.floor(high - start + _ROUNDING)))

    # ── what is known of it ──

    def _moments(self) -> tuple[float, float]:
        if (fixed := self._fixed) is not None:
            return fixed, 0.0
        match self.kind:
            case "uniform":
                return (self.low + self.high) / 2, (self.high - self.low) / math.sqrt(12.0)
            case "gaussian":
                return self._gaussian_moments()
            case "lognormal":
                return self._lognormal_moments()
            case "exponential":
                return self._exponential_moments()
            case "poisson":
                first, cumulative = self._poisson(self.low, self.high)
                weights = [after - before for before, after in zip((0.0, *cumulative), cumulative, strict=False)]
                mean, std = _moments_of(first, weights)
                return self._shape()[0] + mean, std

    def _gaussian_moments(self) -> tuple[float, float]:
        centre, sigma = self._normal_scale()
        a, b = self._standardised(self.low), self._standardised(self.high)
        inside = normal.mass(a, b)
        if inside <= 0:
            return self.quantile(0.5), 0.0
        shift = (normal.density(a) - normal.density(b)) / inside
        narrowing = (a * normal.density(a) - b * normal.density(b)) / inside
        return centre + sigma * shift, sigma * math.sqrt(max(0.0, 1 + narrowing - shift * shift))

    def _lognormal_moments(self) -> tuple[float, float]:
        sigma = self.variance / self.base
        a, b = self._standardised(self.low), self._standardised(self.high)
        inside = normal.mass(a, b)
        if inside <= 0:
            return self.quantile(0.5), 0.0
        first, second = (
            math.exp(power * power * sigma * sigma / 2) * normal.mass(a - power * sigma, b - power * sigma) / inside
            for power in (1, 2)
        )
        return self.base * first, self.base * math.sqrt(max(0.0, second - first * first))

    def _exponential_moments(self) -> tuple[float, float]:
        start, width = self._shape()
        low, scale = max(self.low, start), width / 3
        length = self.high - low
        if length <= 0:
            return self.high, 0.0
        tail, inside = math.exp(-length / scale), -math.expm1(-length / scale)
        # the ratio first: for an interval of next to no length, the square of `inside` would be 0
        reach = length / inside
        spread = max(0.0, scale * scale - tail * reach * reach)
        return low + scale - tail * reach, math.sqrt(spread)

    # ── whole numbers ──

    def _whole_bounds(self) -> tuple[int, int]:
        return math.ceil(self.low), math.floor(self.high)

    def _rounding_bounds(self, first: int, last: int) -> tuple[float, float]:
        """The part of [low, high] that rounds to a whole number in it."""
        return max(self.low, first - 0.5), min(self.high, last + 0.5)

    def _whole_weights(self) -> tuple[int, list[float]]:
        """The first whole number, and the probability of each from there on, up to a factor."""
        first, last = self._whole_bounds()
        if last <= first:
            return last, [1.0]
        if (fixed := self._fixed) is not None:
            return min(last, max(first, math.floor(fixed + 0.5))), [1.0]
        if self.kind == "uniform":
            return first, [1.0] * (last - first + 1)
        low, high = self._rounding_bounds(first, last)
        if self.kind == "poisson":
            weights = [0.0] * (last - first + 1)
            start, (lowest, cumulative) = self._shape()[0], self._poisson(low, high)
            for place, (before, after) in enumerate(zip((0.0, *cumulative), cumulative, strict=False), lowest):
                weights[min(last, max(first, math.floor(start + place + 0.5))) - first] += after - before
            return first, weights
        edges = [low, *(number + 0.5 for number in range(first, last)), high]
        return first, [self._mass(a, b) for a, b in pairwise(edges)]

    def _mass(self, low: float, high: float) -> float:
        """The probability of [low, high] up to a factor, of a distribution with a density."""
        if self.kind == "exponential":
            start, width = self._shape()
            scale = width / 3
            return math.exp(-(low - start) / scale) * -math.expm1(-(high - low) / scale)
        return normal.mass(self._standardised(low), self._standardised(high))


def _moments_of(first: int, weights: list[float]) -> tuple[float, float]:
    """Mean and standard deviation of the numbers from `first` on, with these weights."""
    total = math.fsum(weights)
    centre = math.fsum(place * weight for place, weight in enumerate(weights)) / total
    spread = math.fsum((place - centre) ** 2 * weight for place, weight in enumerate(weights)) / total
    return first + centre, math.sqrt(spread)


@lru_cache(maxsize=_TABLES)
def _poisson_table(rate: float, first: int, last: int) -> tuple[int, tuple[float, ...]]:
    """The first number that occurs within [first, last], and the cumulated probabilities from there on."""
    reach = _POISSON_SIGMAS * math.sqrt(rate) + _POISSON_LEAST
    low = min(last, max(first, math.floor(rate - reach)))
    high = max(first, min(last, math.ceil(rate + reach)))
    logs = [number * math.log(rate) - math.lgamma(number + 1) for number in range(low, high + 1)]
    peak = max(logs)
    sums = tuple(accumulate(math.exp(value - peak) for value in logs))
    return low, tuple(value / sums[-1] for value in sums)
