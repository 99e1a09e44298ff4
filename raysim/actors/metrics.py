"""The actor that takes records: adds them up for the live view, and stores them.

When its process dies, Ray starts it again: it goes on after what is stored, and packs send the rest once more.

Every process that holds a handle of this actor imports this module: numpy and polars stay out of it, since a user
actor's memory has no room for them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from raysim.report.run_dir import RunDir
from raysim.sinks.journal import Journal

if TYPE_CHECKING:
    from raysim.core.aggregation.live import LiveSnapshot


class MetricsActor:
    """One shard of the records.

    Args:
        run_id: the run.
        shard: its number.
        directory: the run's directory, on this actor's node.
    """

    def __init__(self, run_id: str, shard: int, directory: str) -> None:
        from raysim.sinks.shard import RecordShard  # noqa: PLC0415 - see the module's docstring

        root = Path(directory)
        self._log = Journal(RunDir(root).logs / f"users-{shard}.jsonl")
        self._records = RecordShard(root, shard, run_id=run_id, log=self._log)
        self._flusher: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Answers once the actor is up."""

    async def ingest(self, source: str, sequence: int, oldest: int, batch: bytes, log_lines: bytes) -> int:
        """Take a batch, once; returns the highest sequence number of this source that is stored."""
        self._flush_regularly()
        return await self._records.ingest(source, sequence, oldest, batch, log_lines)

    async def store(self, source: str) -> int:
        """Store what was taken so far; returns as `ingest` does."""
        return await self._records.store(source)

    def _flush_regularly(self) -> None:
        """Not when it is told to: nobody tells an actor that Ray has started again."""
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._records.flush_regularly())

    async def live(self) -> LiveSnapshot:
        """The totals so far."""
        return self._records.live()

    async def finish(self) -> int:
        """Store what is left; returns how many rows this shard stored in all."""
        if self._flusher is not None:
            self._flusher.cancel()
        await self._records.flush()
        self._log.close()
        return self._records.stored_rows
