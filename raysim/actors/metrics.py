"""The actor that takes records: adds them up for the live view, and stores them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import time

from raysim.core.aggregation.live import LiveSnapshot, LiveTotals
from raysim.core.records.batch import WireBatch, decode_batch
from raysim.report.run_dir import RunDir
from raysim.sinks.journal import Journal
from raysim.sinks.parquet import ParquetParts

#: rows are stored this often, or sooner when so many wait
_FLUSH_INTERVAL_S = 10.0
_FLUSH_ROWS = 50_000


class MetricsActor:
    """One shard of the records.

    Args:
        run_id: the run.
        shard: its number.
        directory: the run's directory, on this actor's node.
    """

    def __init__(self, run_id: str, shard: int, directory: str) -> None:
        paths = RunDir(Path(directory))
        self._parts = ParquetParts(Path(directory), shard, run_id=run_id)
        self._log = Journal(paths.logs / f"users-{shard}.jsonl")
        self._live = LiveTotals()
        self._waiting: list[WireBatch] = []
        self._waiting_rows = 0
        #: by pack: highest sequence number taken, and highest that is stored
        self._taken: dict[int, int] = {}
        self._stored: dict[int, int] = {}
        self._storing = asyncio.Lock()
        self._rows = 0
        self._flusher: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Answers once the actor is up."""
        self._flusher = asyncio.create_task(self._flush_regularly())

    async def ingest(self, pack: int, sequence: int, batch: bytes, log_lines: bytes) -> int:
        """Take a batch, once; returns the highest sequence number of this pack that is stored."""
        if sequence > self._taken.get(pack, 0):
            self._taken[pack] = sequence
            if log_lines:
                self._log.append_raw(log_lines)
            if batch:
                decoded = decode_batch(batch)
                self._live.add(decoded)
                self._waiting.append(decoded)
                self._waiting_rows += decoded.rows
            if self._waiting_rows >= _FLUSH_ROWS and not self._storing.locked():
                await self._flush()
        return self._stored.get(pack, 0)

    async def live(self) -> LiveSnapshot:
        """The totals so far."""
        return self._live.snapshot()

    async def finish(self) -> int:
        """Store what is left; returns how many rows this shard stored in all."""
        if self._flusher is not None:
            self._flusher.cancel()
        await self._flush()
        self._log.close()
        return self._rows

    async def _flush_regularly(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_INTERVAL_S)
            try:
                await self._flush()
            except OSError as error:
                line = {"time": time(), "level": "error", "event": "records_not_stored", "error": str(error)}
                self._log.append([line])

    async def _flush(self) -> None:
        async with self._storing:
            batches, self._waiting = self._waiting, []
            rows, self._waiting_rows = self._waiting_rows, 0
            taken = dict(self._taken)
            if batches:
                try:
                    await asyncio.to_thread(self._parts.write, batches)
                except OSError:
                    # a part is whole or not there: these rows are still only here
                    self._waiting[:0] = batches
                    self._waiting_rows += rows
                    raise
                self._rows += rows
            self._stored.update(taken)
