"""When Python collects garbage: while nobody waits for an answer.

A collection stops the event loop, and whatever arrives meanwhile is stamped late. What was there when the users began
is set aside for good (`gc.freeze`), so that collections look at what the users made since, and they are left to moments
in which every user of the pack thinks. In a pack that never rests the collector's own thresholds are the safety net:
high enough to be rare, low enough to keep memory flat.
"""

from __future__ import annotations

import gc

#: container objects made and not freed before a collection is due: of the youngest, and then of older ones
_THRESHOLDS = (20_000, 20, 100)
#: looks at the pack between two collections in think time
_RESTS = 5


class Collector:
    """Sees to garbage in a process that runs users."""

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        self._rested = 0

    def start(self) -> None:
        """The users are there: from now on collect when they think."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)

    def look(self, in_flight: int) -> None:
        """A moment in which a collection may be due, once a second or so, with that many requests in flight."""
        if in_flight:
            return
        self._rested += 1
        if self._rested >= _RESTS:
            self._rested = 0
            gc.collect()

    def stop(self) -> None:
        """As it was before `start`."""
        gc.set_threshold(*self._before)
        gc.unfreeze()
