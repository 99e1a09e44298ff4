"""Chaos: requests that are delayed or fail on purpose, on the client's side."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.rng import Stream


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to one request: how long it is kept back, in ns, and whether it fails instead of being sent."""

    delay_ns: int
    fails: bool


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """How often and by how much.

    Args:
        failure_rate: share of requests, 0 to 1, that fail.
        latency_ms: mean of the delay, in ms.
        latency_variance_ms: the delay is uniform on `latency_ms` ± this, in ms, and never negative.
    """

    failure_rate: float
    latency_ms: float = 0.0
    latency_variance_ms: float = 0.0

    def draw(self, chances: Stream) -> Fault:
        """What happens to the next request."""
        swing = 2.0 * chances.random() - 1.0
        delay_ms = max(0.0, self.latency_ms + self.latency_variance_ms * swing)
        return Fault(int(delay_ms * 1e6), chances.random() < self.failure_rate)
