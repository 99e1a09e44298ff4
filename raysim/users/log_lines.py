"""Structured log lines: one JSON object a line, every one with the run's id. Bounded; what is dropped is counted."""

from __future__ import annotations

from time import time
from typing import Any

import orjson

_MAX_LINES = 2000


class LogLines:
    """Collects lines until they are taken, to travel with the records.

    Args:
        run_id: goes into every line.
        worker: the actor's name, likewise.
        debug: whether `debug` lines are kept.
    """

    def __init__(self, run_id: str, worker: str, *, debug: bool = False) -> None:
        self._fixed = {"run_id": run_id, "worker": worker}
        self._lines: list[bytes] = []
        self._debug = debug
        self.dropped = 0

    def write(self, level: str, event: str, **fields: Any) -> None:
        """Add a line. Fields must be JSON values and never a secret."""
        if level == "debug" and not self._debug:
            return
        if len(self._lines) >= _MAX_LINES:
            self.dropped += 1
            return
        line = {"time": time(), "level": level, "event": event, **self._fixed, **fields}
        self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def take(self) -> bytes:
        """All lines since the last call, as bytes; when some were dropped, the last line says how many."""
        lines, self._lines = self._lines, []
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            self.write("warning", "log_lines_dropped", count=dropped)
            lines += self._lines
            self._lines = []
        return b"".join(lines)
