"""A metrics actor as the driver sees it: it may be away for a moment, while Ray starts it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from raysim.actors.placement import ActorLostError, fetch, ready_refs
from raysim.core.aggregation.live import LiveSnapshot
from raysim.core.control.messages import Event
from raysim.core.metrics.export_state import ExportState, ShardEnd
from raysim.core.metrics.readings import RunReadings
from raysim.report.facts import Outage

#: starting an actor again takes a second or two, on a busy machine ten
PATIENCE_S = 60.0
_LOOK_S = 0.05
_PAUSE_S = 0.5


class MetricsLink:
    """Asks a metrics actor, and waits for it while it is away.

    Args:
        handle: the actor.
        shard: its number.
        told: is told when it is lost and when it is back: the event, and a sentence.
        run_s: seconds since the run's start, for the outages.
    """

    def __init__(self, handle: Any, shard: int, told: Callable[[Event, str], None], run_s: Callable[[], float]) -> None:
        self.handle = handle
        self._shard = shard
        self._told = told
        self._run_s = run_s
        self._asking: Any = None
        self._finishing: Any = None
        self._last = LiveSnapshot()
        self._away_from: tuple[float, float] | None = None
        #: how the export of metrics went; known when it has finished
        self.exports = ExportState()
        #: when it was away
        self.outages: list[Outage] = []

    def live(self) -> LiveSnapshot:
        """The totals as it last told them; never waits for long.

        Raises:
            ActorLostError: it did not come back.
        """
        if self._asking is None:
            self._asking = self.handle.live.remote()
        if ready_refs([self._asking], _LOOK_S):
            asked, self._asking = self._asking, None
            found = self._heard(asked)
            self._last = self._last if found is None else found
        return self._last

    def finished(self, readings: RunReadings) -> bool:
        """Whether it has stored everything, after waiting for half a second at most; to be called until it has.

        Args:
            readings: how the run stands at its end, for the last values of metrics.

        Raises:
            ActorLostError: it did not come back.
        """
        if self._finishing is None:
            self._finishing = self.handle.finish.remote(readings)
        if not ready_refs([self._finishing], _PAUSE_S):
            return False
        finishing, self._finishing = self._finishing, None
        end: ShardEnd | None = self._heard(finishing)
        if end is None:
            time.sleep(_PAUSE_S)
            return False
        self.exports = end.exports
        return True

    def _heard(self, answer: Any) -> Any:
        """What a call came to; None when nobody was there."""
        try:
            value = fetch(answer)
        except ActorLostError as error:
            self._miss(error)
            return None
        if self._away_from is not None:
            (since_s, from_s), self._away_from = self._away_from, None
            self.outages.append(Outage(from_s, self._run_s()))
            away_s = round(time.monotonic() - since_s, 3)
            self._told(
                Event("metrics_back", {"shard": self._shard, "away_s": away_s}),
                f"metrics actor {self._shard} is back after {away_s:.1f} s; what it had not stored is sent again",
            )
        return value

    def _miss(self, error: ActorLostError) -> None:
        if self._away_from is None:
            self._away_from = (time.monotonic(), self._run_s())
            self._told(
                Event("metrics_lost", {"shard": self._shard, "why": error.message}),
                f"metrics actor {self._shard} was lost, and is started again: {error.message}",
            )
        elif time.monotonic() - self._away_from[0] > PATIENCE_S:
            raise error
