"""Records as Parquet: parts that are whole or not there, and the small tables beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
import orjson
import polars as pl

from raysim.core.errors import RaysimError
from raysim.core.records.batch import WireBatch
from raysim.core.records.columns import BatchColumns
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import ABSENT, COLUMNS, SCHEMA_VERSION, Column
from raysim.whole_file import whole_file

_FOLDER = "requests"
_VERSION_KEY = "raysim_schema_version"
_RUN_KEY = "run_id"
_MARKS_KEY = "raysim_batches"

_DTYPES: dict[str, pl.DataType] = {
    "str": pl.String(),
    "i64": pl.Int64(),
    "u64": pl.UInt64(),
    "f64": pl.Float64(),
    "bool": pl.Boolean(),
    "u32list": pl.List(pl.UInt32()),
}
#: columns of a requests file in their order; `outcome` is derived from `error_type`
REQUESTS_SCHEMA = pl.Schema({**{column.name: _DTYPES[column.kind] for column in COLUMNS}, "outcome": pl.String()})
_OUTCOMES = {str(kind): str(kind.outcome) for kind in ErrorKind}


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part on the disk. `marks`: by source, the last batch that is in it or in one before."""

    path: Path
    marks: dict[str, int]


class ParquetParts:
    """Writes one shard's batches to `<directory>/requests/part-<shard>-<n>.parquet`.

    A part appears under its name only when it is whole and on the disk. Numbers go on after the parts that exist.

    Args:
        directory: the run's directory; made when it does not exist.
        shard: number of the metrics actor that writes.
        run_id: goes to every file's metadata.
    """

    def __init__(self, directory: Path, shard: int, *, run_id: str) -> None:
        self._folder = directory / _FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._shard = shard
        self._run_id = run_id
        name = re.compile(rf"part-{shard}-(\d+)\.parquet")
        matches = (name.fullmatch(path.name) for path in self._folder.iterdir())
        self._next = max((int(match[1]) + 1 for match in matches if match), default=0)
        # what an earlier process was writing when it was killed
        for left in self._folder.glob(f".part-{shard}-*.tmp"):
            left.unlink()

    def write(self, batches: Sequence[WireBatch], marks: Mapping[str, int] | None = None) -> Path:
        """Write the rows of `batches` as one part; returns its path once it is on the disk.

        Args:
            batches: the rows.
            marks: by source, the last batch that is in this part or in one before; kept in the part itself, so that
                rows and marks are there together or not at all.

        Raises:
            ValueError: a batch has another schema version.
            OSError: the part could not be written; nothing of it is left, and the same batches can be written again.
        """
        path = self._folder / f"part-{self._shard}-{self._next:06d}.parquet"
        _write(path, requests_frame(batches), self._run_id, {_MARKS_KEY: orjson.dumps(marks or {}).decode()})
        self._next += 1
        return path

    def read(self) -> Iterator[StoredPart]:
        """The parts that this shard has written, also by an earlier process, in their order."""
        for path in sorted(self._folder.glob(f"part-{self._shard}-*.parquet")):
            marks = pl.read_parquet_metadata(path).get(_MARKS_KEY, "{}")
            yield StoredPart(path, orjson.loads(marks))


def requests_frame(batches: Sequence[WireBatch]) -> pl.DataFrame:
    """The rows of `batches` with the columns of `REQUESTS_SCHEMA`; what is absent or NaN becomes null."""
    parts = [columns for columns in map(BatchColumns, batches) if columns.rows]
    if not parts:
        return REQUESTS_SCHEMA.to_frame()
    read = {"str": _texts, "i64": _integers, "u64": _unsigned, "f64": _floats, "bool": _flags, "u32list": _lists}
    frame = pl.DataFrame([read[column.kind](parts, column.name) for column in COLUMNS])
    outcome = pl.col("error_type").replace_strict(_OUTCOMES, return_dtype=pl.String).alias("outcome")
    return frame.with_columns(outcome)


def read_requests(directory: Path) -> pl.LazyFrame:
    """Every row of the run in `directory`, lazily; no rows when there are no parts.

    Raises:
        RaysimError: a part was written with another schema version.
    """
    parts = sorted((directory / _FOLDER).glob("part-*.parquet"))
    if not parts:
        return REQUESTS_SCHEMA.to_frame().lazy()
    for part in parts:
        found = pl.read_parquet_metadata(part).get(_VERSION_KEY)
        if found != str(SCHEMA_VERSION):
            raise RaysimError(
                f"{part}: schema version {found or 'missing'}; this raysim reads version {SCHEMA_VERSION}",
                hint="read it with the raysim that wrote it",
            )
    # columns that came later are null in what was written before them
    return pl.scan_parquet(parts, glob=False, schema=REQUESTS_SCHEMA, missing_columns="insert")


def write_table(
    path: Path, rows: Sequence[Mapping[str, object]], *, run_id: str = "", columns: Sequence[Column] = ()
) -> None:
    """Write a small table (users, tenants, phases) whole or not at all.

    Args:
        path: where to.
        rows: what it holds; what a row has not is null.
        run_id: goes to the file's metadata.
        columns: names and types; found in the rows when there are none.

    Raises:
        OSError: the file could not be written.
    """
    if columns:
        schema = {column.name: _DTYPES[column.kind] for column in columns}
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema), run_id)
        return
    names = list(dict.fromkeys(chain.from_iterable(rows)))
    filled = [{name: row.get(name) for name in names} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame(filled, infer_schema_length=None)
    # a column without any value has a type nevertheless, the same in every run
    unknown = [name for name, dtype in frame.schema.items() if dtype == pl.Null]
    numbers = ("_usd", "_s", "_mean", "_users")
    casts = [pl.col(name).cast(pl.Float64 if name.endswith(numbers) else pl.String) for name in unknown]
    _write(path, frame.with_columns(casts), run_id)


def write_frame(path: Path, frame: pl.LazyFrame, *, run_id: str) -> None:
    """Write a table that need not fit into memory, whole or not at all.

    Raises:
        OSError: the file could not be written.
    """
    _write(path, frame, run_id)


def _write(path: Path, frame: pl.DataFrame | pl.LazyFrame, run_id: str, more: Mapping[str, str] | None = None) -> None:
    metadata = {_VERSION_KEY: str(SCHEMA_VERSION), _RUN_KEY: run_id, **(more or {})}
    with whole_file(path, synced=True) as file:
        if isinstance(frame, pl.LazyFrame):
            frame.sink_parquet(file, compression="zstd", metadata=metadata)
        else:
            frame.write_parquet(file, compression="zstd", metadata=metadata)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _texts(parts: list[BatchColumns], name: str) -> pl.Series:
    columns = [part.text(name) for part in parts]
    starts = [0, *accumulate(len(column.values) for column in columns)]
    codes = np.concatenate([column.codes + np.uint32(start) for column, start in zip(columns, starts, strict=False)])
    values = pl.Series(name, list(chain.from_iterable(column.values for column in columns)), dtype=pl.String)
    return values.gather(pl.Series(codes))


def _integers(parts: list[BatchColumns], name: str) -> pl.Series:
    column = pl.Series(name, np.concatenate([part.integers(name) for part in parts]))
    return column.set(column == ABSENT, None)


def _unsigned(parts: list[BatchColumns], name: str) -> pl.Series:
    return pl.Series(name, np.concatenate([part.number(name) for part in parts]), dtype=pl.UInt64)


def _floats(parts: list[BatchColumns], name: str) -> pl.Series:
    return pl.Series(name, np.concatenate([part.floats(name) for part in parts])).fill_nan(None)


def _flags(parts: list[BatchColumns], name: str) -> pl.Series:
    return pl.Series(name, np.concatenate([part.flags(name) for part in parts]))


def _lists(parts: list[BatchColumns], name: str) -> pl.Series:
    columns = [part.lists(name) for part in parts]
    lengths = np.concatenate([column.lengths for column in columns])
    rows = pl.Series("row", np.arange(lengths.size, dtype=np.uint32))
    values = pl.DataFrame(
        {
            "row": np.repeat(rows.to_numpy(), lengths),
            name: pl.Series(np.concatenate([column.values for column in columns]), dtype=pl.UInt32),
        }
    )
    lists = values.group_by("row", maintain_order=True).agg(name)
    empty = pl.Series([[]], dtype=pl.List(pl.UInt32))
    return rows.to_frame().join(lists, on="row", how="left", maintain_order="left")[name].fill_null(empty)
