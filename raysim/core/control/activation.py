"""Which user is active when: follows the schedule's target, one switch at a time.

The lowest-numbered idle user starts first; the one that has been active longest stops first. Who leaves for good is
replaced, unless it is its tenant that cannot go on: then its place stays empty, because an idle user of another tenant
would bring that one more load than was planned.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from raysim.core.control.messages import Switch
from raysim.core.plan.load import LoadSchedule

#: switches fall on multiples of this, in seconds
GRID_S = 0.1


@dataclass(frozen=True, slots=True)
class ActivationState:
    """An activation as a checkpoint holds it: users by what they are, `active` in the order of their activation."""

    idle: tuple[int, ...]
    active: tuple[int, ...]
    gone: tuple[int, ...]
    empty: tuple[int, ...]
    next_step: int


class Activation:
    """Plans switches ahead of time for the users that are ready.

    Args:
        schedule: how many users are to be active when.
        users: indices of the users that can be activated.
    """

    def __init__(self, schedule: LoadSchedule, users: Collection[int]) -> None:
        self._schedule = schedule
        self._idle = list(users)
        heapify(self._idle)
        #: active users in the order of their activation; the first of a plain dict is the harder to find the more left
        self._active: OrderedDict[int, None] = OrderedDict()
        self._gone: set[int] = set()
        #: who has left a place that nobody takes
        self._empty: set[int] = set()
        self._next_step = 0

    @property
    def active(self) -> int:
        """Users that are active once all planned switches have happened."""
        return len(self._active.keys() - self._empty)

    @property
    def active_users(self) -> tuple[int, ...]:
        """Who is active then, those that came first at the front."""
        return tuple(user for user in self._active if user not in self._empty)

    @property
    def planned_until_s(self) -> float:
        """The first moment for which nothing is planned yet."""
        return self._next_step * GRID_S

    def follow(self, schedule: LoadSchedule) -> None:
        """From now on this one holds; up to `planned_until_s` it is the same as before."""
        self._schedule = schedule

    def present(self) -> dict[int, bool]:
        """Users that can be switched, each with whether it is active once all planned switches have happened."""
        users = dict.fromkeys(self._idle, False) | dict.fromkeys(self._active, True)
        return {user: on for user, on in users.items() if user not in self._gone and user not in self._empty}

    def checkpoint(self) -> ActivationState:
        """What `resume` needs."""
        return ActivationState(
            tuple(self._idle), tuple(self._active), tuple(self._gone), tuple(self._empty), self._next_step
        )

    @classmethod
    def resume(cls, schedule: LoadSchedule, state: ActivationState) -> Activation:
        """The activation of a restarted coordinator: plans what the last one would have planned."""
        activation = cls(schedule, state.idle)
        activation._active = OrderedDict.fromkeys(state.active)
        activation._gone, activation._empty = set(state.gone), set(state.empty)
        activation._next_step = state.next_step
        return activation

    def leave(self, users: Collection[int], *, replaced: bool = True) -> None:
        """These users are gone for good; others take their places while there are any, if they are to be `replaced`.

        A place that stays empty is switched on and off as planned, for nobody: all others come and go as if its user
        were there.
        """
        for user in users:
            if not replaced:
                self._empty.add(user)
            elif user not in self._empty:
                self._gone.add(user)
                self._active.pop(user, None)

    def come_back(self, users: Collection[int]) -> None:
        """These users had left and can be activated again; whose place stays empty does not come back."""
        idle = set(self._idle)
        for user in self._gone.intersection(users) - idle:
            heappush(self._idle, user)
        self._gone.difference_update(users)

    def plan_until(self, horizon_s: float, *, not_before_s: float = 0.0) -> list[Switch]:
        """The switches due up to `horizon_s` that were not planned yet, in their order.

        `not_before_s` is the earliest time a switch can still be carried out: replacements for users that left are due
        then, not in the past.
        """
        switches: list[Switch] = []
        while self._next_step * GRID_S <= horizon_s:
            at_s = self._next_step * GRID_S
            self._next_step += 1
            if at_s < not_before_s and self._next_step * GRID_S <= horizon_s:
                continue
            self._follow(self._schedule.target_at(at_s), at_s, switches)
        return switches

    def _follow(self, target: int, at_s: float, switches: list[Switch]) -> None:
        while len(self._active) < target:
            user = self._next_idle()
            if user is None:
                return
            self._active[user] = None
            self._order(Switch(user, at_s, on=True), switches)
        while len(self._active) > target:
            user, _ = self._active.popitem(last=False)
            heappush(self._idle, user)
            self._order(Switch(user, at_s, on=False), switches)

    def _order(self, switch: Switch, switches: list[Switch]) -> None:
        if switch.user not in self._empty:
            switches.append(switch)

    def _next_idle(self) -> int | None:
        while self._idle:
            user = heappop(self._idle)
            if user not in self._gone:
                return user
        return None
