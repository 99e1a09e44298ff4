"""Cold starts: answers that were slow to begin because a model or a process had to be woken first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raysim.core.aggregation.tables import QuantileTable, Rows, RowSums

#: with so long a time without any answer a backend may have gone to sleep
_IDLE_NS = 60_000_000_000
#: a first token that took so many times the median
_TIMES = 3.0
#: answers before the median is known well enough to judge by
_ENOUGH = 20


class ColdStarts:
    """Counts cold starts by row. A row's first answers are judged when enough others are known."""

    def __init__(self) -> None:
        self._ttft = QuantileTable()
        self._last_ns: dict[int, int] = {}
        self._candidates: dict[int, list[float]] = {}
        self._found = RowSums()

    def add(self, rows: Rows, sent_unix_ns: NDArray[np.int64], ttft_s: NDArray[np.float64]) -> None:
        """Take streamed successes: the row of each, when it was sent, and how long its first token took."""
        self._ttft.add(rows, ttft_s)
        for row in np.unique(rows).tolist():
            mine = np.flatnonzero(rows == row)
            order = mine[np.argsort(sent_unix_ns[mine], kind="stable")]
            sent, taken = sent_unix_ns[order], ttft_s[order]
            first_token = np.maximum.accumulate(sent + (taken * 1e9).astype(np.int64))
            before = np.concatenate(([self._last_ns.get(row, 0)], first_token[:-1]))
            before = np.maximum(before, self._last_ns.get(row, 0))
            self._candidates.setdefault(row, []).extend(taken[sent - before > _IDLE_NS].tolist())
            self._last_ns[row] = max(self._last_ns.get(row, 0), int(first_token[-1]))
        self._judge()

    def __getitem__(self, row: int) -> float:
        return self._found[row]

    def _judge(self) -> None:
        waiting = [row for row, taken in self._candidates.items() if taken and self._ttft.count(row) >= _ENOUGH]
        if not waiting:
            return
        medians = self._ttft.quantiles(max(waiting) + 1, (0.5,))[:, 0]
        for row in waiting:
            cold = sum(taken_s > _TIMES * medians[row] for taken_s in self._candidates.pop(row))
            self._found.add(np.array([row]), np.array([cold]))
