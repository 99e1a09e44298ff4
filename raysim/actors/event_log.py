"""The run's events: a line each, with the time and the run's second."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, time

from raysim.core.control.messages import Event
from raysim.core.control.situation import Situation
from raysim.sinks.journal import Journal


class EventLog:
    """Writes `events.jsonl`.

    Args:
        path: the file.
        situation: knows when the run's second 0 was.
    """

    def __init__(self, path: Path, situation: Situation) -> None:
        self._file = Journal(path)
        self._situation = situation

    def write(self, event: Event) -> None:
        """Add an event that has happened now."""
        start_s = self._situation.run_start_s
        run_s = None if start_s is None else round(monotonic() - start_s, 3)
        line = {"time": time(), "run_s": run_s, "kind": event.kind, "detail": event.detail}
        # as a checkpoint, an event is to survive this process, not this machine: nobody waits for the disk
        self._file.append([line], sync=False)
