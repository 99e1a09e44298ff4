"""A cap on the rate of requests over all packs: each one is sent in a slot, and slots lie evenly in time.

The coordinator numbers them all, so that no two packs ever hold the same one; an answer that gets lost loses its slots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: slots are given out at most this far ahead, so that no pack sits on what another one could use, in seconds
_AHEAD_S = 1.0
_ROUNDING = 1e-9
#: a slot that is older than this when its pack hears of it is not used any more, in seconds: it bounds bursts
SLOT_LIFE_S = 0.2


@dataclass(frozen=True, slots=True)
class SlotBlock:
    """`count` slots from `first_s` (the coordinator's clock) on, `gap_s` apart."""

    first_s: float
    count: int
    gap_s: float

    def usable(self, now_s: float) -> list[float]:
        """Times of the slots that are not too old, the earliest first."""
        times = (self.first_s + i * self.gap_s for i in range(self.count))
        return [at_s for at_s in times if at_s >= now_s - SLOT_LIFE_S]


class SlotBook:
    """Gives out slots, `rate` a second.

    In any span of T seconds, packs send at most `rate` x (T + SLOT_LIFE_S) + 1 requests.

    Args:
        rate: requests a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._next_s = -math.inf
        self._wanted: dict[int, int] = {}
        self._all_wanted = 0

    @classmethod
    def resume(cls, rate: float, now_s: float) -> SlotBook:
        """The book of a restarted coordinator: nobody knows which slots the last one gave out, up to a second ahead."""
        book = cls(rate)
        book._next_s = now_s + _AHEAD_S
        return book

    def take(self, pack: int, wanted: int, now_s: float) -> SlotBlock | None:
        """Slots for a pack in which `wanted` requests wait: its share of those of the next second by that number."""
        self._all_wanted += wanted - self._wanted.get(pack, 0)
        self._wanted[pack] = wanted
        if wanted <= 0:
            return None
        first_s = max(self._next_s, now_s)
        there = math.floor((now_s + _AHEAD_S - first_s) * self._rate + _ROUNDING) + 1
        # the very next one is given in any case, lest a slow rate gives none
        there = max(there, 1 if first_s <= now_s else 0)
        count = min(wanted, there, max(1, math.ceil(there * wanted / self._all_wanted)))
        if count <= 0:
            return None
        self._next_s = first_s + count / self._rate
        return SlotBlock(first_s, count, 1.0 / self._rate)

    def change_rate(self, rate: float) -> None:
        """From now on, give out `rate` slots a second; those that are out stay as they are."""
        self._rate = rate

    def forget(self, pack: int) -> None:
        """A pack is gone."""
        self._all_wanted -= self._wanted.pop(pack, 0)
