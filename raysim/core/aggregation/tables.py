"""Sums and distributions for many keys at once: one row a key, whole batches added in a few numpy calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from raysim.core.aggregation.histogram import BUCKETS, bucket_middles, buckets_of
from raysim.core.records.columns import TextColumn

Rows = NDArray[np.intp]
Numbers = NDArray[np.float64]
_Scalar = TypeVar("_Scalar", bound=np.generic)

#: rows whose quantiles are worked out together: their running counts take some MiB
_TOGETHER = 128


class Keys:
    """Numbers for keys of several texts, in the order in which they were first seen."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[str, ...], int] = {}

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, key: tuple[str, ...]) -> int:
        """The row of `key`, a new one if need be."""
        return self._rows.setdefault(key, len(self._rows))

    def rows_of(self, *columns: TextColumn) -> Rows:
        """The row of each line's key, made of these columns in this order."""
        combined = np.zeros(columns[0].codes.size, dtype=np.int64)
        for column in columns:
            combined = combined * len(column.values) + column.codes
        found, inverse = np.unique(combined, return_inverse=True)
        rows = np.empty(found.size, dtype=np.intp)
        for place, code in enumerate(found.tolist()):
            rows[place] = self.row(_spelt(code, columns))
        return rows[inverse]


def _spelt(code: int, columns: Sequence[TextColumn]) -> tuple[str, ...]:
    texts: list[str] = []
    for column in reversed(columns):
        code, place = divmod(code, len(column.values))
        texts.append(column.values[place])
    return tuple(reversed(texts))


class RowSums:
    """One sum a row; 0 for a row that nothing was added to."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums: Numbers = np.zeros(0)

    def add(self, rows: Rows, values: NDArray[np.generic] | None = None) -> None:
        """Add each value to its row, or 1 for each line."""
        found = np.bincount(rows, None if values is None else values.astype(np.float64))
        self._sums = _grown(self._sums, found.size)
        self._sums[: found.size] += found

    def __getitem__(self, row: int) -> float:
        return float(self._sums[row]) if row < self._sums.size else 0.0


class BucketTable:
    """For each row how many values are at most each of some bounds, exactly; with their sum.

    Args:
        bounds: upper bounds in rising order; a value that equals one is within.
    """

    __slots__ = ("_bounds", "_counts", "_sums")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = np.array(bounds)
        self._counts = np.zeros((0, self._bounds.size + 1), dtype=np.int64)
        self._sums = RowSums()

    def add(self, rows: Rows, values: Numbers) -> None:
        """Count each value in its row."""
        if values.size == 0:
            return
        width = self._bounds.size + 1
        self._counts = _grown(self._counts, int(rows.max()) + 1)
        places = rows * width + np.searchsorted(self._bounds, values, side="left")
        self._counts += np.bincount(places, minlength=self._counts.size).reshape(self._counts.shape)
        self._sums.add(rows, values)

    def cumulative(self, row: int) -> tuple[int, ...]:
        """How many values are at most each bound; the last number is of all."""
        if row >= len(self._counts):
            return (0,) * (self._bounds.size + 1)
        return tuple(np.cumsum(self._counts[row]).tolist())

    def sum(self, row: int) -> float:
        """The sum of the row's values."""
        return self._sums[row]


class QuantileTable:
    """For each row a histogram like `Histogram`: quantiles to 1/128, and exact count, sum, minimum and maximum.

    A row takes 13 KB, however much is added.
    """

    __slots__ = ("_counts", "_max", "_min", "_numbers", "_sums")

    def __init__(self) -> None:
        self._counts = np.zeros((0, BUCKETS), dtype=np.uint32)
        self._numbers = RowSums()
        self._sums = RowSums()
        self._min: Numbers = np.zeros(0)
        self._max: Numbers = np.zeros(0)

    def add(self, rows: Rows, values: Numbers) -> None:
        """Count each value in its row; NaN is left out, negative numbers go to the lowest bucket."""
        known = ~np.isnan(values)
        if not known.all():
            rows, values = rows[known], values[known]
        if values.size == 0:
            return
        size = int(rows.max()) + 1
        if size > len(self._counts):
            before = len(self._min)
            self._counts = _grown(self._counts, size)
            self._min, self._max = _grown(self._min, size), _grown(self._max, size)
            self._min[before:], self._max[before:] = np.inf, -np.inf
        np.add.at(self._counts.reshape(-1), rows * BUCKETS + buckets_of(values), 1)
        np.minimum.at(self._min, rows, values)
        np.maximum.at(self._max, rows, values)
        self._numbers.add(rows)
        self._sums.add(rows, values)

    def count(self, row: int) -> int:
        """How many values the row has."""
        return int(self._numbers[row])

    def sum(self, row: int) -> float:
        """Their sum."""
        return self._sums[row]

    def quantiles(self, rows: int, shares: Sequence[float]) -> Numbers:
        """The first `rows` rows' values below which each of `shares` (0 to 1) lies; NaN in a row without values.

        Interpolates linearly between order statistics, as the exact figures of the final report do.
        """
        found = np.full((rows, len(shares)), np.nan)
        for first in range(0, min(rows, len(self._counts)), _TOGETHER):
            last = min(first + _TOGETHER, rows, len(self._counts))
            found[first:last] = self._some(slice(first, last), shares)
        return found

    def _some(self, rows: slice, shares: Sequence[float]) -> Numbers:
        running = np.cumsum(self._counts[rows], axis=1, dtype=np.int64)
        most = running[:, -1] - 1
        columns = []
        for share in shares:
            position = share * np.maximum(0, most)
            below = np.floor(position).astype(np.int64)
            low = self._at_rank(below, running, most, rows)
            high = self._at_rank(np.minimum(below + 1, most), running, most, rows)
            columns.append(low + (high - low) * (position - below))
        found: Numbers = np.stack(columns, axis=1)
        found[most < 0] = np.nan
        return found

    def _at_rank(
        self, ranks: NDArray[np.int64], running: NDArray[np.int64], most: NDArray[np.int64], rows: slice
    ) -> Numbers:
        """About the value of which `ranks` others are smaller, in each row; exact at both ends."""
        least, largest = self._min[rows], self._max[rows]
        buckets = np.minimum((running <= ranks[:, None]).sum(axis=1), BUCKETS - 1)
        # rows without values hold infinities here; the caller overwrites them
        middles = np.clip(bucket_middles()[buckets], least, np.maximum(least, largest))
        found: Numbers = np.where(ranks <= 0, least, np.where(ranks >= most, largest, middles))
        return np.where(np.isfinite(found), found, 0.0)


def _grown(table: NDArray[_Scalar], size: int) -> NDArray[_Scalar]:
    """The table with room for `size` rows, in steps that double it."""
    if size <= len(table):
        return table
    larger = np.zeros((max(size, 2 * len(table)), *table.shape[1:]), dtype=table.dtype)
    larger[: len(table)] = table
    return larger
