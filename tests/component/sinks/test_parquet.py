from __future__ import annotations

import math
import os
from array import array
from pathlib import Path

import msgspec
import polars as pl
import pytest

from raysim.core.errors import RaysimError
from raysim.core.records.batch import BatchBuilder, WireBatch, decode_batch
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import COLUMNS, RequestRecord
from raysim.sinks.parquet import REQUESTS_SCHEMA, ParquetParts, read_requests, requests_frame, write_table


def record(number: int = 0, **fields: object) -> RequestRecord:
    names = ("trace_id", "conversation_id", "org_id", "user_id", "worker", "phase", "endpoint", "model", "strategy")
    texts: dict[str, object] = {name: f"{name} {number}" for name in names}
    return RequestRecord(**(texts | {"request_id": f"r{number}"} | fields))  # type: ignore[arg-type]  # made of parts


def batch(*records: RequestRecord) -> WireBatch:
    builder = BatchBuilder()
    for each in records:
        builder.append(each)
    return decode_batch(builder.encode())


def parts(directory: Path, shard: int = 0) -> ParquetParts:
    return ParquetParts(directory, shard, run_id="run-1")


def test_every_column_comes_back_as_it_was(tmp_path: Path) -> None:
    given = record(
        3,
        error_type=ErrorKind.HTTP_5XX,
        http_status=503,
        due_unix_ns=1_783_000_000_123_456_789,
        question_hash=2**64 - 1,
        cost_usd=0.1,
        think_s=1.5,
        lag_flagged=True,
        chunk_gaps_us=array("I", [7, 2**32 - 1]),
        error_detail="größer ☃",
    )
    parts(tmp_path).write([batch(given)])
    frame = read_requests(tmp_path).collect()
    assert frame.schema == REQUESTS_SCHEMA
    (row,) = frame.iter_rows(named=True)
    for column in COLUMNS:
        want = getattr(given, column.name)
        if column.kind == "u32list":
            want = list(want)
        elif (column.kind == "i64" and want == -1) or (column.kind == "f64" and math.isnan(want)):
            want = None
        assert row[column.name] == want, column.name
    assert row["outcome"] == "error"


def test_what_is_absent_is_null(tmp_path: Path) -> None:
    parts(tmp_path).write([batch(record())])
    row = read_requests(tmp_path).collect().row(0, named=True)
    absent = ("sent_ns", "first_token_ns", "http_status", "prompt_tokens", "think_s")
    assert [row[name] for name in absent] == [None] * len(absent)
    assert row["chunk_gaps_us"] == []


def test_batches_with_values_of_their_own_are_joined_in_order(tmp_path: Path) -> None:
    batches = [batch(record(0, model="a"), record(1, model="b")), batch(), batch(record(2, model="b"))]
    parts(tmp_path).write(batches)
    frame = read_requests(tmp_path).collect()
    assert frame.select("request_id", "model").rows() == [("r0", "a"), ("r1", "b"), ("r2", "b")]


@pytest.mark.parametrize("lengths", [[0, 0], [2, 2], [3, 0, 1], [0, 1], [1]])
def test_lists_keep_their_lengths(lengths: list[int]) -> None:
    records = [record(i, chunk_gaps_us=array("I", range(length))) for i, length in enumerate(lengths)]
    frame = requests_frame([batch(*records[:1]), batch(*records[1:])])
    assert frame.schema == REQUESTS_SCHEMA
    assert frame["chunk_gaps_us"].to_list() == [list(range(length)) for length in lengths]


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_the_outcome_follows_the_kind(kind: ErrorKind) -> None:
    assert requests_frame([batch(record(error_type=kind))])["outcome"].to_list() == [str(kind.outcome)]


def test_parts_are_numbered_on_by_shard(tmp_path: Path) -> None:
    first, other = parts(tmp_path, 1), parts(tmp_path, 11)
    written = [first.write([batch(record(0))]), other.write([batch(record(1))]), first.write([batch(record(2))])]
    written.append(parts(tmp_path, 1).write([batch(record(3))]))
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "requests/part-1-000000.parquet",
        "requests/part-11-000000.parquet",
        "requests/part-1-000001.parquet",
        "requests/part-1-000002.parquet",
    ]
    assert sorted(read_requests(tmp_path).collect()["request_id"]) == ["r0", "r1", "r2", "r3"]


def test_files_say_whose_they_are(tmp_path: Path) -> None:
    path = parts(tmp_path).write([batch(record())])
    metadata = pl.read_parquet_metadata(path)
    assert (metadata["raysim_schema_version"], metadata["run_id"]) == ("1", "run-1")


def test_a_part_that_fails_leaves_nothing_and_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = parts(tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            writer.write([batch(record())])
    assert list((tmp_path / "requests").iterdir()) == []
    assert writer.write([batch(record())]).name == "part-0-000000.parquet"


def test_no_parts_are_no_rows(tmp_path: Path) -> None:
    assert read_requests(tmp_path).collect().schema == REQUESTS_SCHEMA
    parts(tmp_path).write([])
    assert read_requests(tmp_path).collect().height == 0


def test_half_written_files_are_not_read(tmp_path: Path) -> None:
    path = parts(tmp_path).write([batch(record())])
    path.with_name(".part-0-000001.parquet.tmp").write_bytes(b"PAR1")
    assert read_requests(tmp_path).collect().height == 1


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="schema version 2"):
        parts(tmp_path).write([msgspec.structs.replace(batch(record()), version=2)])
    frame = requests_frame([batch(record())])
    frame.write_parquet(tmp_path / "requests" / "part-9-000000.parquet", metadata={"raysim_schema_version": "2"})
    with pytest.raises(RaysimError, match=r"part-9-000000\.parquet: schema version 2"):
        read_requests(tmp_path)


def test_folders_may_hold_pattern_characters(tmp_path: Path) -> None:
    folder = tmp_path / "run[1]*"
    parts(folder).write([batch(record())])
    assert read_requests(folder).collect().height == 1


def test_tables_take_their_columns_from_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    write_table(path, [{"user_id": "a", "lost": None}, {"user_id": "b", "lost": "died", "asked": 3}], run_id="run-1")
    frame = pl.read_parquet(path)
    assert frame.rows() == [("a", None, None), ("b", "died", 3)]
    assert pl.read_parquet_metadata(path)["run_id"] == "run-1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["users.parquet"]


def test_a_table_may_be_empty(tmp_path: Path) -> None:
    write_table(tmp_path / "users.parquet", [])
    assert pl.read_parquet(tmp_path / "users.parquet").shape == (0, 0)
