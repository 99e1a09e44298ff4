"""The distributions a scenario may name, drawn exactly as `docs/configuration.md` defines them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from raysim.core.rng import Stream

DistributionKind = Literal["uniform", "gaussian", "exponential", "poisson", "lognormal"]

#: a truncated draw that keeps missing its interval is a configuration nobody meant; the centre is returned
_MAX_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Distribution:
    """A bounded distribution of a quantity in the unit its user gives it.

    * uniform on [low, high]
    * gaussian with its mean at the centre and sigma a quarter of the width, resampled outside [low, high]
    * exponential: low + Exp(mean = width / 3), resampled above high
    * poisson: low + Poisson(width / 3), resampled above high
    * lognormal: median `base`, sigma of the logarithm `variance / base`, resampled outside [low, high]

    Args:
        kind: which of the five.
        low: smallest value that can be drawn.
        high: largest value that can be drawn.
        base: the median, for lognormal only.
        variance: sigma of the logarithm times `base`, for lognormal only.
    """

    kind: DistributionKind
    low: float
    high: float
    base: float = 0.0
    variance: float = 0.0

    def sample(self, stream: Stream) -> float:
        """One draw, within [low, high]."""
        width = self.high - self.low
        if width <= 0:
            return self.low
        if self.kind == "uniform":
            return self.low + width * stream.random()
        for _ in range(_MAX_DRAWS):
            value = self._draw(stream, width)
            if self.low <= value <= self.high:
                return value
        return self.low + width / 2

    def sample_int(self, stream: Stream) -> int:
        """One draw as a whole number within [low, high]; uniform gives every whole number the same chance."""
        low, high = math.ceil(self.low), math.floor(self.high)
        if self.kind == "uniform":
            return stream.between(low, high)
        return min(high, max(low, math.floor(self.sample(stream) + 0.5)))

    def _draw(self, stream: Stream, width: float) -> float:
        match self.kind:
            case "gaussian":
                return self.low + width / 2 + width / 4 * _standard_normal(stream)
            case "exponential":
                return self.low - width / 3 * math.log1p(-stream.random())
            case "poisson":
                return self.low + _poisson(stream, width / 3)
            case "lognormal":
                return self.base * math.exp(self.variance / self.base * _standard_normal(stream))
            case "uniform":
                return self.low + width * stream.random()

    def mean(self) -> float:
        """The configured mean, in closed form; to compare with what was drawn."""
        width = self.high - self.low
        if width <= 0:
            return self.low
        if self.kind in ("uniform", "gaussian"):
            return self.low + width / 2
        if self.kind == "exponential":
            scale = width / 3
            return self.low + scale - width * math.exp(-3.0) / (1 - math.exp(-3.0))
        if self.kind == "poisson":
            return self.low + _truncated_poisson_mean(width / 3, math.floor(width))
        return self._lognormal_mean()

    def _lognormal_mean(self) -> float:
        sigma = self.variance / self.base
        if sigma <= 0:
            return self.base if self.low <= self.base <= self.high else self.low + (self.high - self.low) / 2
        mu = math.log(self.base)
        low = (math.log(self.low) - mu) / sigma if self.low > 0 else -math.inf
        high = (math.log(self.high) - mu) / sigma
        mass = _normal_cdf(high) - _normal_cdf(low)
        if mass <= 0:
            return self.low + (self.high - self.low) / 2
        shifted = _normal_cdf(high - sigma) - _normal_cdf(low - sigma)
        return self.base * math.exp(sigma * sigma / 2) * shifted / mass


def _standard_normal(stream: Stream) -> float:
    """Box-Muller transform, one of its two values."""
    radius = math.sqrt(-2.0 * math.log1p(-stream.random()))
    return radius * math.cos(2.0 * math.pi * stream.random())


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def _poisson(stream: Stream, rate: float) -> int:
    """Knuth's product of uniforms, in slices so that exp(-rate) cannot underflow."""
    count = 0
    while rate > 0:
        part = min(rate, 30.0)
        rate -= part
        limit = math.exp(-part)
        product = stream.random()
        while product > limit:
            count += 1
            product *= stream.random()
    return count


def _truncated_poisson_mean(rate: float, top: int) -> float:
    logs = [k * math.log(rate) - math.lgamma(k + 1) for k in range(top + 1)] if rate > 0 else [0.0]
    peak = max(logs)
    weights = [math.exp(value - peak) for value in logs]
    return sum(k * weight for k, weight in enumerate(weights)) / sum(weights)
