"""A file of JSON lines that survives its writer: every append is on disk when it returns."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson


class Journal:
    """Appends lines to one file, which is created with its folder.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._end_torn_line()

    def append(self, entries: Iterable[Any], *, sync: bool = True) -> None:
        """Write each entry (JSON values or dataclasses) as a line; synchronous.

        Args:
            entries: what to write.
            sync: return only when it is on the disk; without, a killed process loses nothing, a crashed machine may.
        """
        data = b"".join(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE) for entry in entries)
        if data:
            self.append_raw(data)
            if sync:
                os.fsync(self._file.fileno())

    def append_raw(self, lines: bytes) -> None:
        """Write finished lines without waiting for the disk."""
        self._file.write(lines)
        self._file.flush()

    def _end_torn_line(self) -> None:
        """A writer that was killed may have left half a line; the next one must not be glued to it."""
        if self._file.seek(0, os.SEEK_END):
            self._file.seek(-1, os.SEEK_END)
            if self._file.read(1) != b"\n":
                self.append_raw(b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
