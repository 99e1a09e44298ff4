"""What packs are told ahead of time: which users come and go when, and which of them gets which arrival."""

from __future__ import annotations

from collections.abc import Collection

from raysim.core.control.activation import Activation
from raysim.core.control.dealer import Dealer
from raysim.core.control.messages import Arrival, Switch
from raysim.core.plan.arrivals import ArrivalTimes
from raysim.core.plan.load import LoadSchedule


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

    def come_back(self, users: Collection[int]) -> None:
        """These users had left and are there again; see `Activation.come_back`."""
        self._activation.come_back(users)
        if self._dealer is not None:
            self._dealer.come_back(users)

    def plan_until(self, horizon_s: float, *, not_before_s: float) -> tuple[list[Switch], list[Arrival]]:
        """What is due up to `horizon_s` and was not planned yet; see `Activation.plan_until`."""
        switches = self._activation.plan_until(horizon_s, not_before_s=not_before_s)
        return switches, self._dealer.deal(horizon_s, switches) if self._dealer is not None else []

    @property
    def undealt(self) -> int:
        """Arrivals that were due while nobody was active."""
        return self._dealer.undealt if self._dealer is not None else 0

    def arrivals_due(self, run_s: float) -> int | None:
        """How many arrivals were due up to this second, which must not go back; None without an open loop."""
        return self._dealer.due(run_s) if self._dealer is not None else None


def _opens(schedule: LoadSchedule) -> bool:
    """Whether requests arrive by the clock in any phase."""
    return any(phase.arrivals is not None for phase in schedule.phases)
