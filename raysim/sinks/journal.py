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
        self._file = path.open("ab")

    def append(self, entries: Iterable[Any]) -> None:
        """Write each entry (JSON values or dataclasses) as a line; synchronous, down to the disk."""
        data = b"".join(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE) for entry in entries)
        if data:
            self.append_raw(data)
            os.fsync(self._file.fileno())

    def append_raw(self, lines: bytes) -> None:
        """Write finished lines without waiting for the disk."""
        self._file.write(lines)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
