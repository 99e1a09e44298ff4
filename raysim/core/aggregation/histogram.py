"""A histogram that can be merged: 64 equal buckets in each power of two, like HdrHistogram's."""

from __future__ import annotations

import math
import struct
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: the top bits of a double's mantissa that tell buckets apart: 64 in each power of two
_SUB_BITS = 6
_SHIFT = np.int64(52 - _SUB_BITS)
_BIAS = 1023
_LOWEST_POWER = -30
_HIGHEST_POWER = 20
_OFFSET = (_BIAS + _LOWEST_POWER) << _SUB_BITS
#: bucket 0 holds what is below 2^-30; the last one also what is 2^20 or more
BUCKETS = ((_HIGHEST_POWER - _LOWEST_POWER) << _SUB_BITS) + 1
_HEADER = struct.Struct("<BQdddI")
_FORMAT = 1
_INDEX = np.dtype("<u2")
_COUNT = np.dtype("<u8")


class Histogram:
    """Counts of non-negative values by bucket, with exact count, sum, minimum and maximum.

    A bucket is at most 1/64 of its lower bound wide, and its middle stands for what is in it: quantiles have a
    relative error of at most 1/128 for values from 2^-30 to 2^20 (of seconds: a nanosecond to twelve days).
    Merging loses nothing. Takes 25 KB, however much is added.
    """

    __slots__ = ("_counts", "count", "max", "min", "sum")

    def __init__(self) -> None:
        self._counts = np.zeros(BUCKETS, dtype=np.int64)
        #: number of values
        self.count = 0
        #: sum of the values, in their unit
        self.sum = 0.0
        #: smallest and largest value; NaN while there are none
        self.min = math.nan
        self.max = math.nan

    def add(self, values: ArrayLike) -> None:
        """Count every number of `values`; NaN is left out, negative numbers go to the lowest bucket."""
        array = np.asarray(values, dtype=np.float64).ravel()
        array = array[~np.isnan(array)]
        if array.size == 0:
            return
        self._counts += np.bincount(buckets_of(array), minlength=BUCKETS)
        self.count += int(array.size)
        self.sum += float(array.sum())
        self.min = _least(self.min, float(array.min()))
        self.max = _most(self.max, float(array.max()))

    def merge(self, other: Histogram) -> None:
        """Count all that `other` has counted, as if it had been added here."""
        self._counts += other._counts
        self.count += other.count
        self.sum += other.sum
        self.min = _least(self.min, other.min)
        self.max = _most(self.max, other.max)

    @property
    def mean(self) -> float | None:
        """The exact mean; None while there are no values."""
        return self.sum / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """The value below which `share` (0 to 1) of the values lie; None while there are no values.

        Interpolates linearly between order statistics, as the exact figures of the final report do.
        """
        if self.count == 0:
            return None
        position = min(1.0, max(0.0, share)) * (self.count - 1)
        below = math.floor(position)
        running = np.cumsum(self._counts)
        low, high = (self._at_rank(rank, running) for rank in (below, min(below + 1, self.count - 1)))
        return low + (high - low) * (position - below)

    def to_bytes(self) -> bytes:
        """The histogram in a few bytes a bucket in use."""
        used = np.flatnonzero(self._counts)
        header = _HEADER.pack(_FORMAT, self.count, self.sum, self.min, self.max, used.size)
        return header + used.astype(_INDEX).tobytes() + self._counts[used].astype(_COUNT).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Histogram:
        """The histogram that `to_bytes` made.

        Raises:
            ValueError: `data` is not such a histogram.
        """
        if len(data) < _HEADER.size or data[0] != _FORMAT:
            raise ValueError(f"not a histogram of format {_FORMAT}: {len(data)} bytes that begin with {data[:4].hex()}")
        _, count, total, least, most, used = _HEADER.unpack_from(data)
        expected = _HEADER.size + used * (_INDEX.itemsize + _COUNT.itemsize)
        if len(data) != expected:
            raise ValueError(f"a histogram cut short: {len(data)} bytes of {expected}")
        buckets = np.frombuffer(data, _INDEX, used, _HEADER.size)
        counts = np.frombuffer(data, _COUNT, used, _HEADER.size + buckets.nbytes)
        if used and int(buckets.max()) >= BUCKETS:
            raise ValueError(f"a histogram with a bucket {int(buckets.max())}; the last one is {BUCKETS - 1}")
        histogram = cls()
        histogram._counts[buckets] = counts
        histogram.count, histogram.sum, histogram.min, histogram.max = count, total, least, most
        return histogram

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        return Histogram.from_bytes, (self.to_bytes(),)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same counts; sums may differ by rounding."""
        return isinstance(other, Histogram) and np.array_equal(self._counts, other._counts)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def _at_rank(self, rank: int, running: NDArray[np.int64]) -> float:
        """About the value of which `rank` others are smaller; exact at both ends."""
        if rank == 0:
            return self.min
        if rank == self.count - 1:
            return self.max
        bucket = int(np.searchsorted(running, rank, side="right"))
        return min(self.max, max(self.min, float(bucket_middles()[bucket])))


def buckets_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bucket of each number; negative ones belong to the lowest."""
    positive = np.maximum(values, 0.0)
    found: NDArray[np.int64] = np.clip((positive.view(np.int64) >> _SHIFT) - (_OFFSET - 1), 0, BUCKETS - 1)
    return found


@cache
def bucket_middles() -> NDArray[np.float64]:
    """What stands for the values of each bucket: its middle, and 0 for the lowest."""
    bounds = (np.arange(BUCKETS + 1, dtype=np.int64) + (_OFFSET - 1) << _SHIFT).view(np.float64)
    middles: NDArray[np.float64] = (bounds[:-1] + bounds[1:]) / 2
    middles[0] = 0.0
    middles.flags.writeable = False
    return middles


def _least(first: float, second: float) -> float:
    return second if math.isnan(first) or second < first else first


def _most(first: float, second: float) -> float:
    return second if math.isnan(first) or second > first else first
