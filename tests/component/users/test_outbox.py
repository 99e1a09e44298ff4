from __future__ import annotations

import asyncio

import orjson
import pytest

from raysim.core.records.request import RequestRecord
from raysim.users import outbox as outbox_module
from raysim.users.log_lines import LogLines
from raysim.users.outbox import Outbox
from tests.component.users.stage import FakeRecords


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "SHIP_INTERVAL_S", 0.005)
    monkeypatch.setattr(outbox_module, "LAST_PAUSES_S", (0.0, 0.0, 0.0))


@pytest.fixture
def records() -> FakeRecords:
    return FakeRecords()


@pytest.fixture
def log() -> LogLines:
    return LogLines("run-test", "user/1")


@pytest.fixture
def outbox(records: FakeRecords, log: LogLines) -> Outbox:
    return Outbox("0.0", records, log)


def record(number: int) -> RequestRecord:
    fixed = "trace", "conversation", "org", "user", "worker", "phase", "chat", "model", "strategy"
    return RequestRecord(f"r-{number}", *fixed)


def ids(records: FakeRecords) -> list[str]:
    return [row["request_id"] for row in records.rows]


async def test_what_was_added_arrives_once(outbox: Outbox, records: FakeRecords, log: LogLines) -> None:
    for number in range(5):
        outbox.add(record(number))
    log.write("info", "hello", number=1)
    assert await outbox.ship_rest() == 0
    assert await outbox.ship_rest() == 0
    assert ids(records) == [f"r-{number}" for number in range(5)]
    assert records.calls == [1]
    (line,) = map(orjson.loads, records.log.splitlines())
    assert (line["event"], line["number"], line["run_id"], line["worker"]) == ("hello", 1, "run-test", "user/1")


async def test_batches_leave_regularly(outbox: Outbox, records: FakeRecords) -> None:
    shipping = asyncio.create_task(outbox.ship_regularly())
    async with asyncio.timeout(5):
        for number in range(3):
            outbox.add(record(number))
            while len(records.batches) <= number:  # noqa: ASYNC110 - the fake has no event for it
                await asyncio.sleep(0.002)
    shipping.cancel()
    await asyncio.wait([shipping])
    assert records.calls == [1, 2, 3]
    assert ids(records) == ["r-0", "r-1", "r-2"]


async def test_a_batch_that_was_not_taken_is_sent_again_under_the_same_number(
    outbox: Outbox, records: FakeRecords
) -> None:
    records.refuse = 2
    outbox.add(record(0))
    assert await outbox.ship_rest() == 0
    assert records.calls[:3] == [1, 1, 1]
    assert ids(records) == ["r-0"]
    assert b"records_not_taken" in records.log
    assert b"metrics actor is gone" not in records.log


async def test_batches_stay_in_order_behind_one_that_fails(outbox: Outbox, records: FakeRecords) -> None:
    records.refuse = 1
    for number in range(3):
        outbox.add(record(number))
        await outbox._ship()
    assert await outbox.ship_rest() == 0
    assert ids(records) == ["r-0", "r-1", "r-2"]
    assert records.calls == [1, *range(1, max(records.calls) + 1)]


async def test_what_was_taken_but_not_stored_goes_out_again_after_a_loss(outbox: Outbox, records: FakeRecords) -> None:
    records.stored = 0
    for number in range(3):
        outbox.add(record(number))
        await outbox._ship()
    assert records.calls == [1, 2, 3]
    successor = FakeRecords()
    records.refuse = 1
    outbox.add(record(3))
    await outbox._ship()
    outbox._port = successor
    assert await outbox.ship_rest() == 0
    assert ids(successor) == ["r-0", "r-1", "r-2", "r-3"]
    assert {sequence: successor.batches[sequence] for sequence in (1, 2, 3)} == records.batches


async def test_what_was_handed_over_at_the_end_is_seen_stored(outbox: Outbox, records: FakeRecords) -> None:
    records.stored = 0
    outbox.add(record(0))
    await outbox._ship()
    records.refuse = 1
    # who took the batch dies before it stored it: its successor gets it again
    assert await outbox.ship_rest() == 0
    assert records.calls[:2] == [1, 1]
    assert not outbox._unstored


async def test_what_is_stored_is_forgotten(outbox: Outbox, records: FakeRecords) -> None:
    for number in range(3):
        outbox.add(record(number))
        await outbox._ship()
    records.refuse = 1
    outbox.add(record(3))
    await outbox._ship()
    await outbox.ship_rest()
    assert records.calls[:5] == [1, 2, 3, 4, 4]
    assert not outbox._unstored


async def test_batches_that_nobody_takes_are_counted(outbox: Outbox, records: FakeRecords) -> None:
    records.refuse = 1000
    for number in range(2):
        outbox.add(record(number))
        await outbox._ship()
    assert await outbox.ship_rest() >= 2
    assert records.batches == {}
    assert set(records.calls) == {1}


async def test_a_taker_that_hangs_is_not_waited_for_for_ever(
    outbox: Outbox, records: FakeRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "INGEST_PATIENCE_S", 0.02)
    hung: list[int] = []
    original = records.ingest

    async def ingest(source: str, sequence: int, oldest: int, batch: bytes, log_lines: bytes) -> int:
        if not hung:
            hung.append(sequence)
            await asyncio.Event().wait()
        return await original(source, sequence, oldest, batch, log_lines)

    monkeypatch.setattr(records, "ingest", ingest)
    outbox.add(record(0))
    assert await outbox.ship_rest() == 0
    assert hung == [1]
    assert ids(records) == ["r-0"]


async def test_a_large_batch_is_sealed_early(
    outbox: Outbox, records: FakeRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_BATCH_BYTES", 2000)
    for number in range(50):
        outbox.add(record(number))
    assert await outbox.ship_rest() == 0
    assert len(records.batches) > 3
    assert ids(records) == [f"r-{number}" for number in range(50)]


def test_log_lines_are_bounded_and_say_what_is_missing(log: LogLines) -> None:
    log.write("debug", "not kept")
    for number in range(2010):
        log.write("info", "line", number=number)
    lines = [orjson.loads(line) for line in log.take().splitlines()]
    assert len(lines) == 2001
    assert (lines[-1]["event"], lines[-1]["count"]) == ("log_lines_dropped", 10)
    assert log.take() == b""
    assert b"kept" in _debugging()


def _debugging() -> bytes:
    log = LogLines("run-test", "user/1", debug=True)
    log.write("debug", "kept")
    return log.take()
