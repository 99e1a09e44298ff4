"""A Prometheus histogram that costs one search an observation."""

from __future__ import annotations

from bisect import bisect_left


class Histogram:
    """Counts per bucket, and the sum of what was observed."""

    __slots__ = ("_counts", "bounds", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.total = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def observe(self, value: float, times: int = 1) -> None:
        """Count `value`, `times` times."""
        self._counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound, observations up to it) for every bucket, `+Inf` last."""
        running = 0
        rows: list[tuple[str, float]] = []
        for bound, amount in zip((*map(str, self.bounds), "+Inf"), self._counts, strict=True):
            running += amount
            rows.append((bound, float(running)))
        return rows
