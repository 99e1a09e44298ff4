"""Open loop: which user gets which arrival. In turns over the users that are active when it is due."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from raysim.core.control.coming import Coming
from raysim.core.control.messages import Arrival, Switch
from raysim.core.plan.arrivals import ArrivalTimes


@dataclass(frozen=True, slots=True)
class DealerState:
    """A dealer as a checkpoint holds it. `drawn` is how many arrivals were drawn, the next one included."""

    drawn: int
    coming: tuple[Switch, ...]
    active: tuple[int, ...]
    gone: tuple[int, ...]
    dealt: tuple[float, ...]
    past: int
    undealt: int


class Dealer:
    """Deals a run's arrivals out ahead of time, as far as it is known who will be active.

    Args:
        times: when they are due.
        active: who is active before the first switch.
    """

    def __init__(self, times: ArrivalTimes, active: Iterable[int] = ()) -> None:
        self._times = times
        self._drawn = 0
        self._next_s = self._draw()
        self._coming = Coming()
        #: whose turn it is first; an arrival sends its user to the end
        self._active: OrderedDict[int, None] = OrderedDict.fromkeys(active)
        self._gone: set[int] = set()
        #: due times of those that were dealt last
        self._dealt: deque[float] = deque()
        self._past = 0
        #: how many were due while nobody was active
        self.undealt = 0

    def follow(self, times: ArrivalTimes) -> None:
        """From now on requests are due at these times, which up to the last one dealt are the same as before."""
        drawn, self._drawn, self._times = self._drawn, 0, times
        while self._drawn < drawn:
            self._next_s = self._draw()

    def leave(self, users: Collection[int]) -> None:
        """These users are gone for good."""
        self._gone.update(users)
        for user in users:
            self._active.pop(user, None)
        # what was planned for them does not happen, even if they come back before its time
        self._coming.forget(users)

    def come_back(self, users: Collection[int]) -> None:
        """These users had left and can be switched on again."""
        self._gone.difference_update(users)

    def deal(self, until_s: float, switches: Iterable[Switch]) -> list[Arrival]:
        """The arrivals up to `until_s` that were not dealt yet; `switches` are those planned since the last call."""
        self._coming.extend(switches)
        found = []
        while self._next_s is not None and self._next_s <= until_s:
            self._switch(self._next_s)
            if self._active:
                user = next(iter(self._active))
                self._active.move_to_end(user)
                found.append(Arrival(user, self._next_s, self._drawn))
                self._dealt.append(self._next_s)
            else:
                self.undealt += 1
            self._next_s = self._draw()
        self._switch(until_s)
        return found

    def due(self, run_s: float) -> int:
        """How many were due up to this second, which must not go back."""
        while self._dealt and self._dealt[0] <= run_s:
            self._dealt.popleft()
            self._past += 1
        return self._past + self.undealt

    def checkpoint(self, run_s: float) -> DealerState:
        """What `resume` needs. `run_s` is as for `due`."""
        self.due(run_s)
        return DealerState(
            self._drawn,
            tuple(self._coming),
            tuple(self._active),
            tuple(self._gone),
            tuple(self._dealt),
            self._past,
            self.undealt,
        )

    @classmethod
    def resume(cls, times: ArrivalTimes, state: DealerState) -> Dealer:
        """The dealer of a restarted coordinator: deals what the last one would have. `times` are at their start."""
        dealer = cls(times)
        while dealer._drawn < state.drawn:
            dealer._next_s = dealer._draw()
        dealer._coming, dealer._active = Coming(state.coming), OrderedDict.fromkeys(state.active)
        dealer._gone, dealer._dealt = set(state.gone), deque(state.dealt)
        dealer._past, dealer.undealt = state.past, state.undealt
        return dealer

    def _draw(self) -> float | None:
        self._drawn += 1
        return self._times.next()

    def _switch(self, until_s: float) -> None:
        for switch in self._coming.take(until_s):
            if switch.on and switch.user not in self._gone:
                self._active[switch.user] = None
            elif not switch.on:
                self._active.pop(switch.user, None)
