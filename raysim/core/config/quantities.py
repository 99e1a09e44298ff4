"""A random quantity as the scenario writes it: an interval and a distribution on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from raysim.core.behaviour.distributions import Distribution, DistributionKind
from raysim.core.config.base import Duration, Number, Part
from raysim.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

#: where an unbounded lognormal is cut: this many sigmas of its logarithm above the median
_LOGNORMAL_SIGMAS = 4.0
#: a lognormal whose logarithm has a larger sigma spans more than anybody means
_LOGNORMAL_MAX_SIGMA = 10.0
#: bounds that lie further from a lognormal's median, in sigmas, are reached less than once in a million draws
_LOGNORMAL_REACH = 5.0


class DistributionSpec(Part):
    """A random quantity: either `min` and `max`, or `base` (and `variance`), which outer `min`/`max` then bound."""

    #: smallest and largest value that makes sense for the quantity
    floor: ClassVar[float] = -math.inf
    ceiling: ClassVar[float] = math.inf
    #: drawn as whole numbers
    whole: ClassVar[bool] = False

    base: Number | None = Field(None, description="centre of the interval; the median of a lognormal")
    variance: Number | None = Field(
        None, ge=0, description="half the interval's width around `base`; without it the value is always `base`"
    )
    distribution: DistributionKind = Field(
        "uniform", description="how values are spread over the interval; uniform because it assumes least"
    )
    min: Number | None = Field(None, description="smallest value ever drawn")
    max: Number | None = Field(None, description="largest value ever drawn")

    @property
    def given(self) -> bool:
        """Whether the file says anything about the interval."""
        return any(value is not None for value in (self.base, self.variance, self.min, self.max))

    def interval(self) -> tuple[float, float]:
        """The smallest and the largest value that can be drawn.

        Raises:
            ValueError: the interval is not given in full.
        """
        if self.base is None:
            if self.min is None or self.max is None:
                raise ValueError("a distribution needs min and max, or base")
            return self.min, self.max
        variance = self.variance or 0.0
        if self.distribution == "lognormal":
            low, high = 0.0, self.base * math.exp(_LOGNORMAL_SIGMAS * variance / self.base)
            return (low if self.min is None else self.min), (high if self.max is None else self.max)
        low, high = self.base - variance, self.base + variance
        return (
            low if self.min is None else max(low, self.min),
            high if self.max is None else min(high, self.max),
        )

    def to_distribution(self) -> Distribution:
        """The distribution that these values describe, in the unit they are given in."""
        low, high = self.interval()
        return Distribution(self.distribution, low, high, self.base or 0.0, self.variance or 0.0)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Missing halves, an interval that is empty or reaches where the quantity has no meaning."""
        if self.min is not None and self.max is not None and self.min > self.max:
            yield "min", f"found {self.min:g}, which is more than max ({self.max:g}); swap them or widen the interval"
            return
        if self.base is None:
            yield from self._without_base()
            if self.min is None or self.max is None:
                return
        elif self.distribution == "lognormal" and self.base <= 0:
            yield "base", f"found {self.base:g}; a lognormal's median must be above 0"
            return
        elif self.distribution == "lognormal" and (self.variance or 0.0) > _LOGNORMAL_MAX_SIGMA * self.base:
            most = _LOGNORMAL_MAX_SIGMA * self.base
            yield "variance", f"found {self.variance:g}; of a lognormal it is at most ten times base ({most:g})"
            return
        yield from self._impossible()

    def _without_base(self) -> Iterator[tuple[str, str]]:
        if self.distribution == "lognormal":
            yield "base", "is required by a lognormal distribution: it is the median"
        if self.variance is not None:
            yield "variance", "is a width around base, but base is not given"
        if self.min is None and self.max is None:
            if self.variance is None:
                yield "", "give min and max, or base (and variance)"
        elif self.min is None or self.max is None:
            absent, present = ("min", "max") if self.min is None else ("max", "min")
            yield absent, f"is required beside {present} when base is not given"

    def _impossible(self) -> Iterator[tuple[str, str]]:
        low, high = self.interval()
        key = "min" if self.base is None or self.min is not None else "base"
        if low > high:
            outer = f"[{_bound(self.min)}, {_bound(self.max)}]"
            yield key, f"base {self.base:g} ± {self.variance or 0:g} lies outside {outer}; nothing could be drawn"
        elif low < self.floor:
            advice = "" if self.base is None else f"; set min: {self.floor:g} to cut it there"
            yield key, f"values would reach down to {low:g}, but {self.floor:g} is the least that makes sense{advice}"
        elif high > self.ceiling:
            where = "max" if self.base is None or self.max is not None else "base"
            yield where, f"values would reach up to {high:g}, but {self.ceiling:g} is the most that makes sense"
        elif self.whole and math.ceil(low) > math.floor(high):
            yield key, f"no whole number lies in [{low:g}, {high:g}]"
        elif self.distribution == "lognormal" and self.base and not self._within_reach(self.base, low, high):
            yield "base", f"a lognormal with median {self.base:g} never comes to [{low:g}, {high:g}]; move one of them"

    def _within_reach(self, median: float, low: float, high: float) -> bool:
        stretch = math.exp(_LOGNORMAL_REACH * (self.variance or 0.0) / median)
        return low <= median * stretch and high >= median / stretch


def _bound(value: float | None) -> str:
    return "…" if value is None else f"{value:g}"


class ThinkTimeSpec(DistributionSpec):
    """Pause between an answer and the next question, in seconds."""

    floor: ClassVar[float] = 0.0
    distribution: Literal["uniform", "gaussian", "exponential", "lognormal"] = Field(
        "uniform", description="how pauses are spread over the interval; uniform because it assumes least"
    )


class TokensSpec(DistributionSpec):
    """A number of tokens."""

    floor: ClassVar[float] = 1.0
    whole: ClassVar[bool] = True


class TemperatureSpec(DistributionSpec):
    """Sampling temperature, without a unit, 0 to 2."""

    floor: ClassVar[float] = 0.0
    ceiling: ClassVar[float] = 2.0


class RangeSpec(Part):
    """A whole number drawn from [min, max]."""

    floor: ClassVar[int] = 1

    min: int = Field(strict=True, description="smallest number ever drawn")
    max: int = Field(strict=True, description="largest number ever drawn")
    distribution: Literal["uniform", "gaussian", "poisson"] = Field(
        "uniform", description="how numbers are spread over the interval; uniform because it assumes least"
    )

    def to_distribution(self) -> Distribution:
        """The distribution that these values describe."""
        return Distribution(self.distribution, float(self.min), float(self.max))

    def problems(self) -> Iterator[tuple[str, str]]:
        """An interval that is empty or reaches below what makes sense."""
        if self.min > self.max:
            yield "min", f"found {self.min}, which is more than max ({self.max}); swap them or widen the interval"
        elif self.min < self.floor:
            yield "min", f"found {self.min}; expected at least {self.floor}"


class DurationRangeSpec(Part):
    """A duration drawn from [min, max]."""

    min: Duration = Field(description="shortest duration ever drawn, in seconds once read")
    max: Duration = Field(description="longest duration ever drawn, in seconds once read")
    distribution: Literal["uniform", "gaussian", "exponential"] = Field(
        "uniform", description="how durations are spread over the interval; uniform because it assumes least"
    )

    def to_distribution(self) -> Distribution:
        """The distribution that these values describe, in seconds."""
        return Distribution(self.distribution, self.min, self.max)

    def problems(self) -> Iterator[tuple[str, str]]:
        """An interval that is empty."""
        if self.min > self.max:
            low, high = format_duration(self.min), format_duration(self.max)
            yield "min", f"found {low}, which is more than max ({high}); swap them or widen the interval"
