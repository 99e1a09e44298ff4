"""What a row costs on its way from a request to the disk: packed, unpacked and added up, written.

    python -m benchmarks.rows [--rows N]        prints one line of JSON (`RowCosts`)

The metrics actor itself takes the batches, in this process and without Ray.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import msgspec

from benchmarks.packed import make_plan
from benchmarks.reference import LOAD_CORE, TRUTH
from raysim.actors.metrics import MetricsActor
from raysim.core.metrics.readings import RunReadings
from raysim.core.records.batch import BatchBuilder
from raysim.core.records.request import RequestRecord

_BATCH_BYTES = 90_000
_MS = 1_000_000


class RowCosts(msgspec.Struct, frozen=True):
    """CPU microseconds a row, and what a row takes in a batch and in Parquet, in bytes."""

    encode_us: float
    ingest_us: float
    store_us: float
    batch_bytes: float
    parquet_bytes: float


def records(rows: int, seed: int = 7) -> Iterator[RequestRecord]:
    """Rows as a run with `TRUTH.tokens` tokens an answer makes them; every id is another, as in a run."""
    stream = random.Random(seed)
    for row in range(rows):
        gaps = array("I", (int(stream.gauss(5000, 300)) for _ in range(TRUTH.tokens - 1)))
        first_ns = int(stream.lognormvariate(4, 0.4) * _MS)
        last_ns = first_ns + sum(gaps) * 1000
        yield RequestRecord(
            request_id=f"bench-{row % 400}-0-{row}",
            trace_id=f"{stream.getrandbits(128):032x}",
            conversation_id=f"user-{row % 400}-0.{row // 3}",
            org_id=f"org-{row % 7}",
            user_id=f"user-{row % 400}",
            worker="pack/1-of-1",
            phase="sustained",
            endpoint="chat",
            model="gpt-4o",
            strategy="technical",
            backend=f"backend-{row % 8}",
            finish_reason="stop",
            token_source="usage",  # noqa: S106 - where the counts come from
            http_status=200,
            due_unix_ns=1_700_000_000_000_000_000 + row * _MS,
            sent_ns=20_000,
            first_byte_ns=first_ns,
            first_token_ns=first_ns,
            first_output_ns=first_ns,
            last_token_ns=last_ns,
            end_ns=last_ns + 5 * _MS,
            prompt_tokens=stream.randrange(20, 900),
            completion_tokens=TRUTH.tokens,
            cached_tokens=0,
            max_tokens=TRUTH.tokens,
            chunks=TRUTH.tokens,
            token_reads=TRUTH.tokens,
            bytes_received=7200,
            question_hash=stream.getrandbits(64),
            cost_usd=stream.random() / 1000,
            reserved_usd=0.001,
            think_s=stream.expovariate(0.2),
            think_planned_s=5.0,
            chunk_gaps_us=gaps,
        )


def encode(rows: list[RequestRecord]) -> list[bytes]:
    """The rows in batches of the size that packs send."""
    builder, batches = BatchBuilder(), []
    for record in rows:
        builder.append(record)
        if builder.size_bytes >= _BATCH_BYTES:
            batches.append(builder.encode())
    batches.append(builder.encode())
    return batches


async def costs(rows: int) -> RowCosts:
    """Send so many rows all the way."""
    made = list(records(rows))
    started_s = process_time()
    batches = encode(made)
    encoded_s = process_time()
    with tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder:
        metrics = MetricsActor(make_plan("http://127.0.0.1:9", 400), 0, folder)
        ingest_s = 0.0
        for sequence, batch in enumerate(batches, start=1):
            before_s = process_time()
            await metrics.ingest("0.0", sequence, sequence, batch, b"")
            ingest_s += process_time() - before_s
        before_s = process_time()
        stored = (await metrics.finish(RunReadings())).rows
        store_s = process_time() - before_s
        if stored != rows:
            raise RuntimeError(f"{stored} of {rows} rows were stored")
        size = parquet_bytes(Path(folder))
    return RowCosts(
        encode_us=(encoded_s - started_s) / rows * 1e6,
        ingest_us=ingest_s / rows * 1e6,
        store_us=store_s / rows * 1e6,
        batch_bytes=sum(map(len, batches)) / rows,
        parquet_bytes=size / rows,
    )


def parquet_bytes(folder: Path) -> int:
    """What the parts in a run's directory take on the disk."""
    return sum(part.stat().st_size for part in folder.rglob("*.parquet"))


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    # fewer than make the metrics actor write while rows still come in, so that the two can be told apart
    parser.add_argument("--rows", type=int, default=40_000)
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    print(msgspec.json.encode(asyncio.run(costs(options.rows))).decode())


if __name__ == "__main__":
    main()
