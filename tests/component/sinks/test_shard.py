from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from raysim.core.records.batch import BatchBuilder
from raysim.sinks.journal import Journal
from raysim.sinks.parquet import ParquetParts, read_requests
from raysim.sinks.shard import RecordShard
from tests.unit.core.records.rows import record


def batch(*numbers: int) -> bytes:
    builder = BatchBuilder()
    for number in numbers:
        builder.append(record(request_id=f"r-{number}"))
    return builder.encode()


@pytest.fixture
def shard(tmp_path: Path) -> Iterator[RecordShard]:
    log = Journal(tmp_path / "logs" / "users-0.jsonl")
    yield RecordShard(tmp_path, 0, run_id="run-1", log=log)
    log.close()


def stored(folder: Path) -> list[str]:
    return sorted(read_requests(folder).collect()["request_id"].to_list())


async def test_a_batch_that_is_sent_again_counts_once(shard: RecordShard, tmp_path: Path) -> None:
    for sequence, data in ((1, batch(1, 2)), (1, batch(1, 2)), (2, batch(3))):
        assert await shard.ingest(7, sequence, data, b"") == 0
    await shard.flush()
    assert await shard.ingest(7, 2, batch(3), b"") == 2
    assert stored(tmp_path) == ["r-1", "r-2", "r-3"]
    assert (shard.stored_rows, shard.live().requests) == (3, 3)


async def test_packs_are_counted_apart(shard: RecordShard) -> None:
    await shard.ingest(1, 1, batch(1), b"")
    await shard.flush()
    assert await shard.ingest(2, 1, batch(2), b"") == 0
    assert await shard.ingest(1, 2, b"", b'{"event":"x"}\n') == 1


async def test_a_full_disk_loses_nothing(shard: RecordShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = ParquetParts.write

    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    await shard.ingest(1, 1, batch(1), b"")
    monkeypatch.setattr(ParquetParts, "write", full)
    with pytest.raises(OSError, match="No space"):
        await shard.flush()
    assert await shard.ingest(1, 2, batch(2), b"") == 0
    monkeypatch.setattr(ParquetParts, "write", write)
    await shard.flush()
    assert await shard.ingest(1, 2, batch(2), b"") == 2
    assert stored(tmp_path) == ["r-1", "r-2"]


async def test_log_lines_are_kept_as_they_come(shard: RecordShard, tmp_path: Path) -> None:
    await shard.ingest(1, 1, b"", b'{"event":"one"}\n')
    await shard.ingest(1, 1, b"", b'{"event":"one"}\n')
    assert (tmp_path / "logs" / "users-0.jsonl").read_bytes() == b'{"event":"one"}\n'


def test_a_journal_never_glues_a_line_to_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"whole":1}\n{"to')
    for sync in (True, False):
        journal = Journal(path)
        journal.append([{"next": sync}], sync=sync)
        journal.close()
    assert path.read_bytes() == b'{"whole":1}\n{"to\n{"next":true}\n{"next":false}\n'
