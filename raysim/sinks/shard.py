"""One shard of a run's records: taken once, added up for the live view, stored in parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import time

from raysim.core.aggregation.live import LiveSnapshot
from raysim.core.records.batch import WireBatch, decode_batch
from raysim.sinks.journal import Journal
from raysim.sinks.parquet import ParquetParts
from raysim.sinks.stored import read_stored

#: rows are stored this often, or when so many wait; sooner at first, so that what breaks early leaves something to see
FLUSH_INTERVAL_S = 10.0
_FIRST_FLUSH_S = 1.0
_FLUSH_ROWS = 50_000


class MissingBatchError(Exception):
    """A batch came out of turn; its sender has those before it, and is to send all of them again."""


class RecordShard:
    """Takes packs' batches and keeps them until they are in a Parquet part; goes on after the parts that exist.

    Args:
        directory: the run's directory.
        shard: this shard's number.
        run_id: the run, for the files' metadata.
        log: where the packs' log lines go.
        told: is given every batch, once; it must not take long.
    """

    def __init__(
        self,
        directory: Path,
        shard: int,
        *,
        run_id: str,
        log: Journal,
        told: Callable[[WireBatch], None] = lambda _: None,
    ) -> None:
        self._parts = ParquetParts(directory, shard, run_id=run_id)
        self._log = log
        self._told = told
        stored = read_stored(self._parts)
        self._live = stored.live
        #: parts that an earlier process of this shard has written
        self.earlier_parts = stored.paths
        self._waiting: list[WireBatch] = []
        self._waiting_rows = 0
        #: by source: highest sequence number taken, and highest that is stored
        self._taken = dict(stored.marks)
        self._stored = dict(stored.marks)
        self._storing = asyncio.Lock()
        self._rows = stored.live.requests

    async def ingest(self, source: str, sequence: int, oldest: int, batch: bytes, log_lines: bytes) -> int:
        """Take a batch, once; returns the highest sequence number of this source that is stored.

        Args:
            source: which pack, in which of its incarnations.
            sequence: the batch's number; a source counts from 1.
            oldest: lowest number that the source still keeps; it knows that what is below has been stored.
            batch: rows, or nothing.
            log_lines: lines for the log, or nothing.

        Raises:
            MissingBatchError: an earlier process took batches before this one and did not store them.
            OSError: rows could not be stored; they are kept and tried again.
        """
        taken = max(self._taken.get(source, 0), oldest - 1)
        if sequence > taken + 1:
            raise MissingBatchError(f"batch {sequence} of {source} came without batch {taken + 1}")
        if sequence > taken:
            self._taken[source] = sequence
            if log_lines:
                self._log.append_raw(log_lines)
            if batch:
                decoded = decode_batch(batch)
                self._live.add(decoded)
                self._told(decoded)
                self._waiting.append(decoded)
                self._waiting_rows += decoded.rows
            if self._waiting_rows >= _FLUSH_ROWS and not self._storing.locked():
                await self.flush()
        return self._stored.get(source, 0)

    async def store(self, source: str) -> int:
        """Store what was taken so far; returns as `ingest` does.

        Raises:
            OSError: rows could not be stored; they are kept and tried again.
        """
        await self.flush()
        return self._stored.get(source, 0)

    def live(self) -> LiveSnapshot:
        """The totals so far."""
        return self._live.snapshot()

    @property
    def stored_rows(self) -> int:
        """Rows that are in Parquet parts."""
        return self._rows

    async def flush_regularly(self) -> None:
        """Store what waits every FLUSH_INTERVAL_S, for ever; a failure is logged and tried again."""
        pause_s = _FIRST_FLUSH_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(FLUSH_INTERVAL_S, 2 * pause_s)
            try:
                await self.flush()
            except OSError as error:
                self._log.append(
                    [{"time": time(), "level": "error", "event": "records_not_stored", "error": str(error)}]
                )

    async def flush(self) -> None:
        """Store what waits as one part, off the event loop.

        Raises:
            OSError: it could not be stored; it still waits.
        """
        async with self._storing:
            batches, self._waiting = self._waiting, []
            rows, self._waiting_rows = self._waiting_rows, 0
            taken = dict(self._taken)
            if batches:
                try:
                    await asyncio.to_thread(self._parts.write, batches, taken)
                except OSError:
                    # a part is whole or not there: these rows are still only here
                    self._waiting[:0] = batches
                    self._waiting_rows += rows
                    raise
                self._rows += rows
            self._stored.update(taken)
