"""How many of the questions are different: counted from their hashes, in memory that has a bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: different hashes that are remembered, 8 bytes each
MOST = 2_000_000
#: hashes that wait to be sorted in among the others
_WAITING = 50_000


class Uniqueness:
    """Counts 64-bit hashes and the different ones among them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._sorted: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._waiting: set[int] = set()
        self._unique = 0
        self.asked = 0

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Count these."""
        self.asked += hashes.size
        if self._unique > self._most:
            return
        found = np.unique(hashes)
        new = found[~self._holds(found)].tolist()
        before = len(self._waiting)
        self._waiting.update(new)
        self._unique += len(self._waiting) - before
        if len(self._waiting) > _WAITING:
            fresh = np.fromiter(self._waiting, dtype=np.uint64, count=len(self._waiting))
            self._sorted = np.sort(np.concatenate((self._sorted, fresh)))
            self._waiting.clear()
        if self._unique > self._most:
            self._sorted, self._waiting = np.zeros(0, dtype=np.uint64), set()

    @property
    def ratio(self) -> float | None:
        """Different ones / all; None before the first, and when there are too many to remember."""
        return None if self.asked == 0 or self._unique > self._most else self._unique / self.asked

    def _holds(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        if self._sorted.size == 0:
            return np.zeros(hashes.size, dtype=np.bool_)
        places = np.minimum(np.searchsorted(self._sorted, hashes), self._sorted.size - 1)
        return np.asarray(self._sorted[places] == hashes)
