"""Open loop: when requests are due that come by the clock, whatever became of the ones before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from raysim.core.plan.load import LoadSchedule
from raysim.core.rng import Stream

ArrivalMode = Literal["constant", "poisson"]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A phase in which requests arrive: from `before` expected arrivals on, `rate` a second."""

    start_s: float
    end_s: float
    rate: float
    mode: ArrivalMode
    before: float

    @property
    def until(self) -> float:
        return self.before + self.rate * (self.end_s - self.start_s)


class ArrivalTimes:
    """The arrivals of a run, one after the other. The same seed gives the same ones.

    With Λ(t) the integral of the phases' rates up to second t: arrival n of a constant phase is due when Λ = n, so that
    arrivals are evenly spaced over all users; in a poisson phase the steps of Λ between arrivals are Exp(1) instead of
    1 (time rescaling: Brown et al., Neural Computation 14, 2002, section 2), which makes them a Poisson process.

    Args:
        schedule: the phases; those without arrivals add nothing to Λ.
        seed: the run's seed.
    """

    def __init__(self, schedule: LoadSchedule, seed: int) -> None:
        phases = [phase for phase in schedule.phases if phase.arrivals is not None]
        areas = [phase.arrivals.rate * phase.duration_s for phase in phases if phase.arrivals is not None]
        self._stretches = [
            _Stretch(phase.start_s, phase.end_s, phase.arrivals.rate, phase.arrivals.mode, before)
            for phase, before in zip(phases, [0.0, *accumulate(areas)][: len(phases)], strict=True)
            if phase.arrivals is not None
        ]
        self._stream = Stream.of(seed, "arrivals")
        self._reached = 0.0
        self._first = True

    def next(self) -> float | None:
        """When the next request is due, in seconds after the run's start; None when none is any more."""
        while self._stretches:
            stretch = self._stretches[0]
            reached = self._reached + self._step(stretch.mode)
            if reached < stretch.until:
                self._first = False
                self._reached = reached
                return stretch.start_s + (reached - stretch.before) / stretch.rate
            # evenly spaced arrivals go on in a next phase of the same rate; exponential steps have no memory
            del self._stretches[0]
            if not self._goes_on(stretch) or stretch.mode == "poisson":
                self._reached, self._first = stretch.until, True
        return None

    def _goes_on(self, ended: _Stretch) -> bool:
        if not self._stretches:
            return False
        following = self._stretches[0]
        return (following.mode, following.rate, following.start_s) == (ended.mode, ended.rate, ended.end_s)

    def _step(self, mode: ArrivalMode) -> float:
        if mode == "poisson":
            return -math.log1p(-self._stream.random())
        # the first of a stretch is due at once
        return 0.0 if self._first else 1.0
