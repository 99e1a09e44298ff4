"""The load pattern: how many users are to be active at every moment of a run."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Ramp = Literal["linear", "exponential", "step", "at_once", "wave"]


@dataclass(frozen=True, slots=True)
class ArrivalPlan:
    """Requests come by the clock: `rate` a second over all active users.

    One user has at most `most_in_flight` under way; what arrives beyond that is sent late.
    """

    mode: Literal["constant", "poisson"]
    rate: float
    most_in_flight: int


@dataclass(frozen=True, slots=True)
class PhasePlan:
    """One phase. Times in seconds after the run's start; `excluded` keeps its requests out of the headline.

    With `arrivals` None users ask when they have thought.
    """

    index: int
    name: str
    kind: str
    start_s: float
    duration_s: float
    from_users: int
    to_users: int
    ramp: Ramp
    steps: int
    period_s: float
    excluded: bool
    arrivals: ArrivalPlan | None = None

    @property
    def end_s(self) -> float:
        """When the phase is over, in seconds after the run's start."""
        return self.start_s + self.duration_s

    def target_at(self, elapsed_s: float) -> int:
        """Users to be active `elapsed_s` after the phase began, rounded half up.

        Formulas as in `docs/configuration.md`: with a = from_users, b = to_users, d = duration_s, t = elapsed_s.
        """
        a, b = self.from_users, self.to_users
        share = 1.0 if self.duration_s <= 0 else min(1.0, max(0.0, elapsed_s / self.duration_s))
        users: float
        match self.ramp:
            case "at_once":
                users = b
            case "linear":
                users = a + (b - a) * share
            case "exponential":
                users = a + (b - a) * math.expm1(3.0 * share) / math.expm1(3.0)
            case "step":
                users = a + (b - a) * min(self.steps, math.floor(share * self.steps) + 1) / self.steps
            case "wave":
                users = a + (b - a) * (1.0 - math.cos(2.0 * math.pi * elapsed_s / self.period_s)) / 2.0
        return math.floor(users + 0.5)


@dataclass(frozen=True, slots=True)
class LoadSchedule:
    """The phases in their order, back to back from second 0."""

    phases: tuple[PhasePlan, ...]
    users: int

    @property
    def duration_s(self) -> float:
        """Length of the whole pattern, in seconds."""
        return self.phases[-1].end_s if self.phases else 0.0

    @property
    def peak_users(self) -> int:
        """The most users that are to be active at once."""
        return min(self.users, max((max(p.from_users, p.to_users) for p in self.phases), default=0))

    def phase_at(self, run_s: float) -> PhasePlan | None:
        """The phase at `run_s` seconds after the start; None before the first and after the last."""
        if run_s < 0 or run_s >= self.duration_s:
            return None
        return self.phases[bisect_right([p.start_s for p in self.phases], run_s) - 1]

    def target_at(self, run_s: float) -> int:
        """Users to be active `run_s` seconds after the start; never more than there are; 0 after the end."""
        phase = self.phase_at(run_s)
        return 0 if phase is None else min(self.users, phase.target_at(run_s - phase.start_s))

    def active_user_seconds(self, step_s: float = 0.25) -> float:
        """Area under the target curve, by sums over `step_s` of the higher end of each step."""
        targets = self._targets(step_s)
        return sum(max(pair) for pair in pairwise(targets)) * step_s

    def activations(self, step_s: float = 0.1) -> int:
        """How often a user starts or comes back: the sum of all rises of the target curve."""
        return sum(max(0, after - before) for before, after in pairwise([0, *self._targets(step_s)]))

    def _targets(self, step_s: float) -> list[int]:
        return [self.target_at(i * step_s) for i in range(math.ceil(self.duration_s / step_s) + 1)]
