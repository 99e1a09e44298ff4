"""What packs are told ahead of time: which users come and go when, and which of them gets which arrival."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from raysim.core.control.activation import Activation, ActivationState
from raysim.core.control.coming import Coming
from raysim.core.control.dealer import Dealer, DealerState
from raysim.core.control.messages import Arrival, Switch
from raysim.core.plan.arrivals import ArrivalTimes
from raysim.core.plan.load import LoadSchedule


@dataclass(frozen=True, slots=True)
class PlannerState:
    """A planner as a checkpoint holds it: `coming` are switches that were planned and not yet due."""

    activation: ActivationState
    dealer: DealerState | None
    coming: tuple[Switch, ...]


class Planner:
    """Plans a schedule for the users that are ready.

    Args:
        schedule: how many users are to be active when, and how requests arrive.
        seed: the run's seed.
        users: indices of the users that can be activated.
    """

    def __init__(self, schedule: LoadSchedule, seed: int, users: Collection[int]) -> None:
        self._seed = seed
        self._activation = Activation(schedule, users)
        self._dealer = Dealer(ArrivalTimes(schedule, seed)) if _opens(schedule) else None
        self._coming = Coming()

    @property
    def planned_until_s(self) -> float:
        """The first moment for which nothing is planned yet."""
        return self._activation.planned_until_s

    def follow(self, schedule: LoadSchedule) -> None:
        """From now on this one holds; up to `planned_until_s` it is the same as before."""
        self._activation.follow(schedule)
        if self._dealer is not None:
            self._dealer.follow(ArrivalTimes(schedule, self._seed))
        elif _opens(schedule):
            self._dealer = Dealer(ArrivalTimes(schedule, self._seed), self._activation.active_users)

    def leave(self, users: Collection[int], *, replaced: bool = True) -> None:
        """These users are gone for good; see `Activation.leave`. They get no arrivals, whether or not replaced."""
        self._activation.leave(users, replaced=replaced)
        if self._dealer is not None:
            self._dealer.leave(users)
        # whoever comes back is told anew when to come
        self._coming.forget(users)

    def come_back(self, users: Collection[int]) -> None:
        """These users had left and are there again; see `Activation.come_back`."""
        self._activation.come_back(users)
        if self._dealer is not None:
            self._dealer.come_back(users)

    def plan_until(self, horizon_s: float, *, run_s: float, not_before_s: float) -> tuple[list[Switch], list[Arrival]]:
        """What is due up to `horizon_s` and was not planned yet; see `Activation.plan_until`. It is `run_s` now."""
        switches = self._activation.plan_until(horizon_s, not_before_s=not_before_s)
        self._coming.extend(switches)
        self._coming.take(run_s)
        return switches, self._dealer.deal(horizon_s, switches) if self._dealer is not None else []

    def catch_up(self, horizon_s: float, *, run_s: float) -> tuple[list[Switch], list[Arrival]]:
        """What to tell the packs after a restart: of everybody whether to be active now, and all that is to come.

        What the last coordinator planned after its checkpoint is planned once more, step by step, so that this one
        believes what packs were told. Switches say again what packs may have heard: to them it makes no difference.
        """
        _, arrivals = self.plan_until(horizon_s, run_s=run_s, not_before_s=-math.inf)
        coming = list(self._coming)
        first = {switch.user: switch for switch in reversed(coming)}
        now = [
            Switch(user, run_s, on=not first[user].on if user in first else on)
            for user, on in sorted(self._activation.present().items())
        ]
        return [*now, *coming], arrivals

    @property
    def undealt(self) -> int:
        """Arrivals that were due while nobody was active."""
        return self._dealer.undealt if self._dealer is not None else 0

    def arrivals_due(self, run_s: float) -> int | None:
        """How many arrivals were due up to this second, which must not go back; None without an open loop."""
        return self._dealer.due(run_s) if self._dealer is not None else None

    def checkpoint(self, run_s: float) -> PlannerState:
        """What `resume` needs. `run_s` is as for `arrivals_due`."""
        dealer = self._dealer.checkpoint(run_s) if self._dealer is not None else None
        return PlannerState(self._activation.checkpoint(), dealer, tuple(self._coming))

    @classmethod
    def resume(cls, schedule: LoadSchedule, seed: int, state: PlannerState) -> Planner:
        """The planner of a restarted coordinator."""
        planner = cls(schedule, seed, ())
        planner._activation = Activation.resume(schedule, state.activation)
        planner._coming = Coming(state.coming)
        if state.dealer is not None:
            planner._dealer = Dealer.resume(ArrivalTimes(schedule, seed), state.dealer)
        return planner


def _opens(schedule: LoadSchedule) -> bool:
    """Whether requests arrive by the clock in any phase."""
    return any(phase.arrivals is not None for phase in schedule.phases)
