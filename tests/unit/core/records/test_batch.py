from __future__ import annotations

import math
from array import array
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.records.batch import BatchBuilder, WireBatch, decode_batch
from raysim.core.records.columns import BatchColumns
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import COLUMNS, SCHEMA_VERSION, RequestRecord
from tests.unit.core.records.rows import RECORDS, record


def batch_of(records: list[RequestRecord]) -> bytes:
    builder = BatchBuilder()
    for row in records:
        builder.append(row)
    return builder.encode()


def rows_of(data: bytes) -> list[dict[str, Any]]:
    """The rows of a batch, read back through its columns."""
    columns = BatchColumns(decode_batch(data))
    read: dict[str, list[Any]] = {}
    for column in COLUMNS:
        if column.kind == "str":
            text = columns.text(column.name)
            read[column.name] = [text.values[code] for code in text.codes]
        elif column.kind == "u32list":
            lists = columns.lists(column.name)
            ends = lists.lengths.cumsum()
            read[column.name] = [
                lists.values[end - length : end].tolist() for end, length in zip(ends, lists.lengths, strict=True)
            ]
        else:
            read[column.name] = columns.number(column.name).tolist()
        assert len(read[column.name]) == columns.rows
    return [dict(zip(read, row, strict=True)) for row in zip(*read.values(), strict=True)]


def same(stored: Any, was: Any) -> bool:
    if isinstance(was, array):
        return bool(stored == was.tolist())
    if isinstance(was, float) and math.isnan(was):
        return math.isnan(stored)
    return bool(stored == was)


@given(st.lists(RECORDS, max_size=6))
def test_rows_come_back_as_they_were(records: list[RequestRecord]) -> None:
    rows = rows_of(batch_of(records))
    assert len(rows) == len(records)
    for row, was in zip(rows, records, strict=True):
        assert [name for name, stored in row.items() if not same(stored, getattr(was, name))] == []


def test_an_error_kind_is_stored_as_its_text() -> None:
    (row,) = rows_of(batch_of([record(error_type=ErrorKind.RATE_LIMITED)]))
    assert type(row["error_type"]) is str
    assert row["error_type"] == "rate_limited"


def test_a_text_that_repeats_is_stored_once() -> None:
    batch = decode_batch(batch_of([record(org_id="org-1"), record(org_id="org-2"), record(org_id="org-1")]))
    assert batch.texts["org_id"][0] == ["org-1", "org-2"]


def test_a_builder_starts_afresh_after_encoding() -> None:
    builder = BatchBuilder()
    builder.append(record(org_id="org-1", chunk_gaps_us=array("I", [1, 2])))
    assert builder.rows == 1
    assert builder.size_bytes > 0
    builder.encode()
    assert (builder.rows, builder.size_bytes) == (0, 0)
    builder.append(record(org_id="org-2"))
    (row,) = rows_of(builder.encode())
    assert (row["org_id"], row["chunk_gaps_us"]) == ("org-2", [])


def test_a_batch_keeps_values_not_records() -> None:
    builder = BatchBuilder()
    gaps = array("I", [1, 2])
    row = record(org_id="org-1", chunk_gaps_us=gaps)
    builder.append(row)
    row.org_id = "another"
    gaps.append(3)
    (read,) = rows_of(builder.encode())
    assert (read["org_id"], read["chunk_gaps_us"]) == ("org-1", [1, 2])


@pytest.mark.parametrize("count", [1, 30, 500])
def test_the_size_is_known_before_encoding(count: int) -> None:
    builder = BatchBuilder()
    for number in range(count):
        builder.append(record(request_id=f"request-{number}", chunk_gaps_us=array("I", range(40))))
    expected = builder.size_bytes
    # column names and the like are not counted
    assert expected * 0.95 - 20 <= len(builder.encode()) <= expected * 1.05 + 1_500


def test_an_empty_batch_is_a_batch() -> None:
    assert rows_of(BatchBuilder().encode()) == []


@pytest.mark.parametrize("data", [b"", b"\x00", b"not a batch", msgspec.msgpack.encode([1, 2])])
def test_what_is_no_batch_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_batch(data)


def test_a_batch_of_another_schema_is_refused() -> None:
    batch = WireBatch(version=SCHEMA_VERSION + 1, rows=0, numbers={}, texts={}, lists={})
    with pytest.raises(ValueError, match=f"schema version {SCHEMA_VERSION + 1}; this raysim reads"):
        BatchColumns(batch)


def test_the_columns_of_a_batch_cannot_be_written() -> None:
    columns = BatchColumns(decode_batch(batch_of([record(http_status=200, cost_usd=0.5, streamed=True)])))
    assert columns.integers("http_status").tolist() == [200]
    assert columns.floats("cost_usd").tolist() == [0.5]
    assert columns.flags("streamed").tolist() == [True]
    with pytest.raises(ValueError, match="read-only"):
        columns.integers("http_status")[0] = 500
