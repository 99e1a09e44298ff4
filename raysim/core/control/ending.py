"""How a run ends: why, how long requests in flight may take from then on, and when the last of them had ended."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.control.limits import Breach, TimeLimit
from raysim.core.control.messages import StopOrder


@dataclass(frozen=True, slots=True)
class EndingState:
    """An ending as a checkpoint holds it; what is what is said at `Ending`."""

    order: StopOrder | None
    message: str
    stopped_at_s: float | None
    drain_until_s: float
    drained_at_s: float | None


class Ending:
    """Holds the order to stop, from the moment at which it is given.

    Args:
        time: how long the run may last.
    """

    def __init__(self, time: TimeLimit) -> None:
        self._time = time
        #: what packs are told; None while nobody has ended the run
        self.order: StopOrder | None = None
        #: why, as a word and in a sentence
        self.reason = ""
        self.message = ""
        #: run seconds at which users were told to stop, and at which the last of them had
        self.stopped_at_s: float | None = None
        self.drained_at_s: float | None = None
        #: until when requests may be in flight, on the caller's clock
        self._drain_until_s = 0.0

    def follow(self, time: TimeLimit) -> None:
        """From now on the run may last so long."""
        self._time = time

    def late(self, run_s: float) -> Breach | None:
        """The limit of the run's duration, once it is reached."""
        return self._time.judge(run_s)

    def stop(self, reason: str, message: str, drain_s: float, now_s: float, run_s: float) -> bool:
        """Give the order, or make it more urgent; whether it was the first.

        What is in flight may finish within `drain_s` seconds, but not after the run has lasted as long as it may.
        """
        drain_s = min(drain_s, self._time.left_s(run_s))
        if self.order is None:
            self.reason, self.message = reason, message
            self.stopped_at_s = run_s
            self.order = StopOrder(reason, drain_s)
            self._drain_until_s = now_s + drain_s
            return True
        if drain_s < self.order.drain_s:
            self.order = StopOrder(self.order.reason, drain_s)
            self._drain_until_s = min(self._drain_until_s, now_s + drain_s)
        return False

    def give_again(self, now_s: float, run_s: float) -> None:
        """A pack may hear of the order only now."""
        if self.order is not None:
            self.order = StopOrder(self.order.reason, min(self.order.drain_s, self._time.left_s(run_s)))
            self._drain_until_s = now_s + self.order.drain_s

    def overdue(self, now_s: float, patience_s: float) -> bool:
        """Whether everything should have ended this long ago, in seconds."""
        return now_s > self._drain_until_s + patience_s

    def checkpoint(self) -> EndingState:
        """What `resume` needs."""
        return EndingState(self.order, self.message, self.stopped_at_s, self._drain_until_s, self.drained_at_s)

    @classmethod
    def resume(cls, time: TimeLimit, state: EndingState) -> Ending:
        """The ending that a restarted coordinator goes on with."""
        ending = cls(time)
        ending.order, ending.message = state.order, state.message
        ending.reason = state.order.reason if state.order is not None else ""
        ending.stopped_at_s, ending.drained_at_s = state.stopped_at_s, state.drained_at_s
        ending._drain_until_s = state.drain_until_s
        return ending
