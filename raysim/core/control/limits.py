"""When a run must stop: money, errors, time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from raysim.core.control.messages import Totals
from raysim.core.plan.run_plan import LimitPlan
from raysim.core.units import format_duration


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that was reached: which (`cost`, `errors`, `duration`), and a sentence with the figures."""

    limit: str
    message: str


#: the largest part of `maxDuration` that is kept for requests in flight at its end
_DRAIN_SHARE = 0.1
#: how finely a checkpoint remembers the error window, in seconds
_HISTORY_STEP_S = 1.0


class TimeLimit:
    """`maxDuration`: from the run's second 0 to its last request, requests in flight at the end included.

    Args:
        limits: the run's limits.
        schedule_s: length of all phases. A run whose phases fit ends with them.
    """

    def __init__(self, limits: LimitPlan, schedule_s: float) -> None:
        most_s = limits.max_duration_s
        self._most_s = math.inf if most_s is None else most_s
        self._drain_s = min(limits.drain_s, self._most_s * _DRAIN_SHARE)
        self._stop_s = self._most_s - self._drain_s if schedule_s > self._most_s else math.inf

    def judge(self, run_s: float) -> Breach | None:
        """Whether users have to stop now, so that what they have in flight can end in time."""
        if run_s < self._stop_s:
            return None
        most, drain = format_duration(self._most_s), format_duration(self._drain_s)
        return Breach("duration", f"the run may last {most}, the last {drain} of it for requests in flight")

    def left_s(self, run_s: float) -> float:
        """How long requests may still be in flight."""
        return max(0.0, self._most_s - run_s)


class LimitWatch:
    """Judges the totals of the whole run as they come in. Memory is bounded by the error window.

    Args:
        limits: the run's limits.
        history: of a watch before this one, see `checkpoint`.
    """

    def __init__(self, limits: LimitPlan, history: Iterable[tuple[float, int, int]] = ()) -> None:
        self._limits = limits
        #: (time, requests that count, failures) as of that time, oldest first
        self._history: deque[tuple[float, int, int]] = deque(history or [(0.0, 0, 0)])

    def follow(self, limits: LimitPlan) -> None:
        """From now on these hold. A window that is longer than before fills as time goes by."""
        self._limits = limits

    def judge(self, run_s: float, totals: Totals) -> Breach | None:
        """The limit that `totals` at `run_s` seconds after the start have reached, if any."""
        limits = self._limits
        if limits.max_cost_usd is not None and totals.cost_usd >= limits.max_cost_usd:
            return Breach("cost", f"spent ${totals.cost_usd:.4f} of ${limits.max_cost_usd:g}")
        return self._judge_errors(run_s, totals)

    def error_rate(self) -> float | None:
        """Share of failed requests in the window; None before there are any."""
        (_, first_count, first_failed), (_, count, failed) = self._history[0], self._history[-1]
        return (failed - first_failed) / (count - first_count) if count > first_count else None

    def checkpoint(self) -> tuple[tuple[float, int, int], ...]:
        """What the next watch goes on with: of the error window as much as a second at a time."""
        first, *rest = self._history
        kept = [first]
        for entry in rest:
            if entry is rest[-1] or entry[0] - kept[-1][0] >= _HISTORY_STEP_S:
                kept.append(entry)
        return tuple(kept)

    def _judge_errors(self, run_s: float, totals: Totals) -> Breach | None:
        limits = self._limits
        refused = totals.refused if limits.count_refusals else 0
        count = totals.success + totals.error + refused
        failed = totals.error + refused
        self._history.append((run_s, count, failed))
        while len(self._history) > 1 and self._history[1][0] <= run_s - limits.error_window_s:
            self._history.popleft()
        in_window = count - self._history[0][1]
        rate = self.error_rate()
        if limits.max_error_rate is None or rate is None or in_window < limits.min_requests:
            return None
        if rate <= limits.max_error_rate:
            return None
        window = format_duration(limits.error_window_s)
        return Breach(
            "errors", f"{rate:.1%} of {in_window} requests failed within {window}; at most {limits.max_error_rate:.1%}"
        )
