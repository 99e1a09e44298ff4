"""The circuit breaker between a user and a target that keeps failing. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from raysim.core.records.outcome import Outcome


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """So many failures in a row open the circuit for so many seconds."""

    failures: int
    open_for_s: float


class CircuitState(Enum):
    """Closed: requests pass. Open: none does. Half open: one passes, and decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Circuit:
    """The circuit of one user to one target. Times in seconds on any monotonic clock.

    A failure is an attempt that ended in an error. A refusal (rate limit, budget, quota) is an answer of a platform
    that works, and closes the circuit like a success; a cancelled attempt says nothing.

    Args:
        policy: when it opens; None for never.
    """

    def __init__(self, policy: CircuitPolicy | None) -> None:
        self._policy = policy
        self._failures = 0
        self._open_until_s = 0.0
        self.state = CircuitState.CLOSED

    def allows(self, now_s: float) -> bool:
        """Whether a request may be sent now. Once the circuit was open long enough the one that asks is the probe."""
        if self.state is CircuitState.OPEN and now_s >= self._open_until_s:
            self.state = CircuitState.HALF_OPEN
        return self.state is not CircuitState.OPEN

    def note(self, outcome: Outcome, now_s: float) -> None:
        """How an attempt ended."""
        if self._policy is None or outcome is Outcome.CANCELLED:
            return
        if outcome is not Outcome.ERROR:
            self._failures = 0
            self.state = CircuitState.CLOSED
            return
        self._failures += 1
        if self.state is CircuitState.HALF_OPEN or self._failures >= self._policy.failures:
            self.state = CircuitState.OPEN
            self._open_until_s = now_s + self._policy.open_for_s
            self._failures = 0

    def left_s(self, now_s: float) -> float:
        """How long it stays open; 0 unless it is open."""
        return max(0.0, self._open_until_s - now_s) if self.state is CircuitState.OPEN else 0.0
