from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from raysim.core.records.batch import BatchBuilder
from raysim.core.records.outcome import ErrorKind
from raysim.sinks.journal import Journal
from raysim.sinks.parquet import ParquetParts, read_requests
from raysim.sinks.shard import MissingBatchError, RecordShard
from tests.unit.core.records.rows import record

LOGS: list[Journal] = []


def batch(*numbers: int) -> bytes:
    builder = BatchBuilder()
    for number in numbers:
        builder.append(record(request_id=f"r-{number}"))
    return builder.encode()


@pytest.fixture
def shard(tmp_path: Path) -> Iterator[RecordShard]:
    yield open_shard(tmp_path)
    for log in LOGS:
        log.close()
    LOGS.clear()


def open_shard(folder: Path) -> RecordShard:
    LOGS.append(Journal(folder / "logs" / "users-0.jsonl"))
    return RecordShard(folder, 0, run_id="run-1", log=LOGS[-1])


def stored(folder: Path) -> list[str]:
    return sorted(read_requests(folder).collect()["request_id"].to_list())


async def test_a_batch_that_is_sent_again_counts_once(shard: RecordShard, tmp_path: Path) -> None:
    for sequence, data in ((1, batch(1, 2)), (1, batch(1, 2)), (2, batch(3))):
        assert await shard.ingest("7.0", sequence, 1, data, b"") == 0
    await shard.flush()
    assert await shard.ingest("7.0", 2, 1, batch(3), b"") == 2
    assert stored(tmp_path) == ["r-1", "r-2", "r-3"]
    assert (shard.stored_rows, shard.live().requests) == (3, 3)


async def test_packs_are_counted_apart(shard: RecordShard) -> None:
    await shard.ingest("1.0", 1, 1, batch(1), b"")
    await shard.flush()
    assert await shard.ingest("2.0", 1, 1, batch(2), b"") == 0
    assert await shard.ingest("1.0", 2, 1, b"", b'{"event":"x"}\n') == 1


async def test_a_full_disk_loses_nothing(shard: RecordShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = ParquetParts.write

    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    await shard.ingest("1.0", 1, 1, batch(1), b"")
    monkeypatch.setattr(ParquetParts, "write", full)
    with pytest.raises(OSError, match="No space"):
        await shard.flush()
    assert await shard.ingest("1.0", 2, 1, batch(2), b"") == 0
    monkeypatch.setattr(ParquetParts, "write", write)
    await shard.flush()
    assert await shard.ingest("1.0", 2, 1, batch(2), b"") == 2
    assert stored(tmp_path) == ["r-1", "r-2"]


async def test_a_successor_goes_on_after_what_is_stored(shard: RecordShard, tmp_path: Path) -> None:
    await shard.ingest("1.0", 1, 1, batch(1, 2), b"")
    await shard.ingest("2.0", 1, 1, batch(3), b"")
    await shard.flush()
    before = shard.live()
    await shard.ingest("1.0", 2, 2, batch(4), b"")
    # the process is killed here, with batch 2 in its memory alone, and in the middle of a part
    (tmp_path / "requests" / ".part-0-000001.parquet.tmp").write_bytes(b"half")
    successor = open_shard(tmp_path)
    assert (successor.live(), successor.stored_rows) == (before, 3)
    with pytest.raises(MissingBatchError, match=r"batch 3 of 1\.0 came without batch 2"):
        await successor.ingest("1.0", 3, 2, batch(5), b"")
    assert await successor.ingest("2.0", 1, 1, batch(3), b"") == 1
    for sequence, rows in ((2, batch(4)), (3, batch(5))):
        assert await successor.ingest("1.0", sequence, 2, rows, b"") == 1
    assert await successor.store("1.0") == 3
    assert stored(tmp_path) == ["r-1", "r-2", "r-3", "r-4", "r-5"]
    assert (successor.live().requests, successor.live().latency_p50_s) == (5, before.latency_p50_s)
    assert sorted(path.name for path in (tmp_path / "requests").iterdir()) == [
        "part-0-000000.parquet",
        "part-0-000001.parquet",
    ]


async def test_a_successor_takes_what_follows_lines_that_no_part_speaks_of(shard: RecordShard, tmp_path: Path) -> None:
    await shard.ingest("1.0", 1, 1, batch(1), b"")
    await shard.flush()
    await shard.ingest("1.0", 2, 1, b"", b"{}\n")
    await shard.flush()
    assert await shard.ingest("1.0", 2, 2, b"", b"{}\n") == 2
    # the pack has forgotten batch 2, since it was told that it is stored
    assert await open_shard(tmp_path).ingest("1.0", 3, 3, batch(2), b"") == 1


async def test_a_pack_that_was_started_anew_counts_from_one(shard: RecordShard, tmp_path: Path) -> None:
    await shard.ingest("1.0", 1, 1, batch(1), b"")
    await shard.ingest("1.0", 2, 1, batch(2), b"")
    await shard.ingest("1.1", 1, 1, batch(3), b"")
    assert await shard.store("1.1") == 1
    assert stored(tmp_path) == ["r-1", "r-2", "r-3"]


async def test_totals_of_what_is_stored_are_those_of_what_was_taken(shard: RecordShard, tmp_path: Path) -> None:
    builder = BatchBuilder()
    for number, kind in enumerate((ErrorKind.NONE, ErrorKind.NONE, ErrorKind.TIMEOUT_TOTAL, ErrorKind.RATE_LIMITED)):
        times = {
            "sent_ns": 10,
            "end_ns": 10 + (number + 1) * 10**9,
            "first_token_ns": 10 + 10**8,
            "streamed": number == 0,
        }
        builder.append(record(request_id=f"r-{number}", error_type=kind, cost_usd=0.5, **times))
    await shard.ingest("1.0", 1, 1, builder.encode(), b"")
    await shard.flush()
    live = open_shard(tmp_path).live()
    assert live == shard.live()
    assert (live.requests, live.success, live.cost_usd) == (4, 2, 2.0)
    assert live.ttft_p50_s == pytest.approx(0.1, rel=0.01)


async def test_log_lines_are_kept_as_they_come(shard: RecordShard, tmp_path: Path) -> None:
    await shard.ingest("1.0", 1, 1, b"", b'{"event":"one"}\n')
    await shard.ingest("1.0", 1, 1, b"", b'{"event":"one"}\n')
    assert (tmp_path / "logs" / "users-0.jsonl").read_bytes() == b'{"event":"one"}\n'


def test_a_journal_never_glues_a_line_to_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"whole":1}\n{"to')
    for sync in (True, False):
        journal = Journal(path)
        journal.append([{"next": sync}], sync=sync)
        journal.close()
    assert path.read_bytes() == b'{"whole":1}\n{"to\n{"next":true}\n{"next":false}\n'
