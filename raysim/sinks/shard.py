"""One shard of a run's records: taken once, added up for the live view, stored in parts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import time

from raysim.core.aggregation.live import LiveSnapshot, LiveTotals
from raysim.core.records.batch import WireBatch, decode_batch
from raysim.sinks.journal import Journal
from raysim.sinks.parquet import ParquetParts

#: rows are stored this often, or sooner when so many wait
FLUSH_INTERVAL_S = 10.0
_FLUSH_ROWS = 50_000


class RecordShard:
    """Takes packs' batches and keeps them until they are in a Parquet part.

    Args:
        directory: the run's directory.
        shard: this shard's number.
        run_id: the run, for the files' metadata.
        log: where the packs' log lines go.
    """

    def __init__(self, directory: Path, shard: int, *, run_id: str, log: Journal) -> None:
        self._parts = ParquetParts(directory, shard, run_id=run_id)
        self._log = log
        self._live = LiveTotals()
        self._waiting: list[WireBatch] = []
        self._waiting_rows = 0
        #: by pack: highest sequence number taken, and highest that is stored
        self._taken: dict[int, int] = {}
        self._stored: dict[int, int] = {}
        self._storing = asyncio.Lock()
        self._rows = 0

    async def ingest(self, pack: int, sequence: int, batch: bytes, log_lines: bytes) -> int:
        """Take a batch, once; returns the highest sequence number of this pack that is stored.

        Raises:
            OSError: rows could not be stored; they are kept and tried again.
        """
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
                await self.flush()
        return self._stored.get(pack, 0)

    def live(self) -> LiveSnapshot:
        """The totals so far."""
        return self._live.snapshot()

    @property
    def stored_rows(self) -> int:
        """Rows that are in Parquet parts."""
        return self._rows

    async def flush_regularly(self) -> None:
        """Store what waits every FLUSH_INTERVAL_S, for ever; a failure is logged and tried again."""
        while True:
            await asyncio.sleep(FLUSH_INTERVAL_S)
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
                    await asyncio.to_thread(self._parts.write, batches)
                except OSError:
                    # a part is whole or not there: these rows are still only here
                    self._waiting[:0] = batches
                    self._waiting_rows += rows
                    raise
                self._rows += rows
            self._stored.update(taken)
