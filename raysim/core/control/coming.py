"""Switches that were planned and are not due yet, in their order. To forget a user's is as quick, however many wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator

from raysim.core.control.messages import Switch


class Coming:
    """A queue of switches from which those of a user can be taken out.

    Args:
        switches: the first of them, the earliest first.
    """

    def __init__(self, switches: Iterable[Switch] = ()) -> None:
        self._switches: deque[Switch] = deque()
        #: how many wait of each user
        self._waiting: dict[int, int] = {}
        #: how many of each user's switches, counted from the earliest, are still in the queue and count no more
        self._void: dict[int, int] = {}
        self.extend(switches)

    def __iter__(self) -> Iterator[Switch]:
        """All that wait, the earliest first."""
        void = dict(self._void)
        for switch in self._switches:
            if not _strike(void, switch.user):
                yield switch

    def extend(self, switches: Iterable[Switch]) -> None:
        """Add switches, none of them earlier than those that wait."""
        for switch in switches:
            self._switches.append(switch)
            self._waiting[switch.user] = self._waiting.get(switch.user, 0) + 1

    def forget(self, users: Collection[int]) -> None:
        """Take out what waits for these users."""
        for user in users:
            count = self._waiting.pop(user, 0)
            if count:
                self._void[user] = self._void.get(user, 0) + count

    def take(self, until_s: float) -> list[Switch]:
        """Take out what is due up to this second of the run."""
        taken = []
        while self._switches and self._switches[0].at_run_s <= until_s:
            switch = self._switches.popleft()
            if not _strike(self._void, switch.user):
                _strike(self._waiting, switch.user)
                taken.append(switch)
        return taken


def _strike(counts: dict[int, int], user: int) -> bool:
    """Take one off a user's count; False when there is none."""
    count = counts.get(user, 0)
    if count > 1:
        counts[user] = count - 1
    elif count:
        del counts[user]
    return count > 0
