"""Readings of backends: lines in a journal while a run goes on, one Parquet file at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from raysim.core.backends.reading import COLUMNS, BackendReading, from_row, to_row
from raysim.json_lines import whole_objects
from raysim.sinks.journal import Journal
from raysim.sinks.parquet import write_table

_JOURNAL = ".backends.jsonl"


class ReadingStore:
    """Keeps readings in `directory`; goes on after those that an earlier process kept.

    Args:
        directory: the run's directory.
        run_id: the run, for the file's metadata.
    """

    def __init__(self, directory: Path, *, run_id: str) -> None:
        self._path = directory / "backends.parquet"
        self._lines = directory / _JOURNAL
        self._run_id = run_id
        self._journal = Journal(self._lines)

    def keep(self, readings: Sequence[BackendReading]) -> None:
        """Keep `readings`; a killed process loses none of them."""
        rows = [{name: value for name, value in to_row(r).items() if value is not None} for r in readings]
        self._journal.append(rows, sync=False)

    def finish(self) -> None:
        """Write all of them as one Parquet file, and remove the journal.

        Raises:
            OSError: it could not be written; the journal stays.
        """
        self._journal.close()
        rows = list(whole_objects(self._lines.read_bytes().splitlines()))
        if rows:
            rows.sort(key=lambda row: (row["time_unix_s"], row["backend"], row["kind"]))
            write_table(self._path, rows, run_id=self._run_id, columns=COLUMNS)
        self._lines.unlink()


def read_readings(path: Path) -> tuple[BackendReading, ...]:
    """The readings in a `backends.parquet`, in the order of their times; none when there is no such file."""
    if not path.is_file():
        return ()
    return tuple(from_row(row) for row in pl.read_parquet(path).iter_rows(named=True))
