"""Every metric at every interval: lines in a journal while a run goes on, one Parquet file at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from raysim.core.metrics.family import Family, Kind
from raysim.core.metrics.registry import family
from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.core.metrics.windows import LABEL_COLUMNS
from raysim.json_lines import whole_objects
from raysim.sinks.exposition import steps
from raysim.sinks.journal import Journal
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.parquet import write_frame

_JOURNAL = ".windows.jsonl"
#: so many rows are in memory at once: with all labels as text, half a kilobyte each
_ROWS_AT_ONCE = 100_000
#: a series: its name, and the value of each label column
_Series = tuple[str, ...]


class WindowStore:
    """A sink that makes `windows.parquet`; goes on after the snapshots that an earlier process kept.

    Args:
        directory: the run's directory.
        run_id: the run, for the file's metadata.
        users: whether the series of single users are kept.
    """

    name = "windows.parquet"

    def __init__(self, directory: Path, *, run_id: str, users: bool) -> None:
        self._path = directory / self.name
        self._lines = directory / _JOURNAL
        self._run_id = run_id
        self._users = users
        #: an earlier process had come to the end
        self._done = self._path.exists()

    @property
    def first_unix_s(self) -> float | None:
        """When the first snapshot was taken, by an earlier process, too; None before there is one."""
        found = next(_snapshots(self._lines), None) if self._lines.exists() else None
        return None if found is None else float(found["t"])

    def send(self, snapshot: MetricsSnapshot) -> None:
        """Keep `snapshot`; a killed process loses none of them.

        Raises:
            SinkError: it could not be written.
        """
        if self._done:
            return
        wanted = snapshot.families if self._users else snapshot.run
        line = msgspec.json.encode(
            {"t": snapshot.unix_s, "families": {each.family.name: each.series for each in wanted}}
        )
        try:
            with closing(Journal(self._lines)) as journal:
                journal.append_raw(line + b"\n")
        except OSError as error:
            raise SinkError(f"{self._lines} cannot be written: {error.strerror}") from error

    def finish(self) -> None:
        """Write all of them as one Parquet file, and remove the journal.

        Raises:
            SinkError: it could not be written; the journal stays.
        """
        if self._done or not self._lines.exists():
            return
        parts: list[Path] = []
        try:
            for frame in self._frames():
                parts.append(self._path.with_name(f".windows-{len(parts):04d}.parquet"))
                frame.write_parquet(parts[-1])
            if parts:
                write_frame(self._path, pl.scan_parquet(parts, glob=False), run_id=self._run_id)
            self._lines.unlink()
            self._done = True
        except OSError as error:
            raise SinkError(f"{self._path} cannot be written: {error.strerror or error}") from error
        finally:
            for part in parts:
                part.unlink(missing_ok=True)

    def remove(self) -> None:
        """It stays: it is a result."""

    def _frames(self) -> Iterator[pl.DataFrame]:
        table = _Table()
        for snapshot in _snapshots(self._lines):
            table.add(snapshot)
            if table.rows >= _ROWS_AT_ONCE:
                yield table.take()
        if table.rows:
            yield table.take()


class _Table:
    """Rows as numbers: the text of a series is kept once, however often it comes."""

    def __init__(self) -> None:
        self._series: list[_Series] = []
        #: by family and labels: the places of its series, which follow each other
        self._places: dict[tuple[str, ...], range] = {}
        self._begin()

    def _begin(self) -> None:
        self._times: list[tuple[float, int]] = []
        self._ids: list[int] = []
        self._values: list[float | None] = []

    @property
    def rows(self) -> int:
        return len(self._ids)

    def add(self, snapshot: dict[str, Any]) -> None:
        before = self.rows
        for name, series in snapshot["families"].items():
            found = family(name)
            for each in series:
                labels = tuple(each["labels"])
                key = (name, *labels)
                places = self._places.get(key)
                if places is None:
                    places = self._places[key] = self._enter(found, labels)
                self._ids.extend(places)
                self._values.extend(_values(found, each))
        self._times.append((snapshot["t"], self.rows - before))

    def _enter(self, found: Family, labels: tuple[str, ...]) -> range:
        first = len(self._series)
        carried = dict(zip(found.labels, labels, strict=True))
        for name, step in _names(found):
            given = {**carried, **step}
            self._series.append((name, *(given.get(column.name, "") for column in LABEL_COLUMNS)))
        return range(first, len(self._series))

    def take(self) -> pl.DataFrame:
        """The rows so far, which are forgotten."""
        ids = pl.Series(self._ids, dtype=pl.UInt32)
        times = np.repeat([at for at, _ in self._times], [rows for _, rows in self._times])
        names = ("name", *(column.name for column in LABEL_COLUMNS))
        texts = [pl.Series(n, v, dtype=pl.String) for n, v in zip(names, zip(*self._series, strict=True), strict=True)]
        name, *labels = [column.gather(ids) for column in texts]
        values = pl.Series("value", self._values, dtype=pl.Float64)
        self._begin()
        return pl.DataFrame([pl.Series("time_unix_s", times, dtype=pl.Float64), name, values, *labels])


def _names(found: Family) -> list[tuple[str, dict[str, str]]]:
    """What the series of one combination of labels are called, in the order of `_values`."""
    name = found.name
    match found.kind:
        case Kind.HISTOGRAM:
            parts = [(f"{name}_bucket", {"le": step}) for step in steps(found)]
        case Kind.SUMMARY:
            parts = [(name, {"quantile": step}) for step in steps(found)]
        case _:
            return [(name, {})]
    return [*parts, (f"{name}_sum", {}), (f"{name}_count", {})]


def _values(found: Family, series: dict[str, Any]) -> Sequence[float | None]:
    match found.kind:
        case Kind.HISTOGRAM:
            return (*series["parts"], series["count"], series["sum"], series["count"])
        case Kind.SUMMARY:
            return (*series["parts"], series["sum"], series["count"])
        case _:
            return (series["value"],)


def _snapshots(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal; half a line that a kill left is passed over."""
    with path.open("rb") as file:
        yield from whole_objects(file)
