"""The actor that takes records: adds them up for the live view, and stores them. It looks at backends besides.

When its process dies, Ray starts it again: it goes on after what is stored, and packs send the rest once more.

Every process that holds a handle of this actor imports this module: numpy and polars stay out of it, since a user
actor's memory has no room for them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from raysim.report.run_dir import RunDir
from raysim.sinks.journal import Journal

if TYPE_CHECKING:
    from raysim.core.aggregation.live import LiveSnapshot
    from raysim.core.backends.reading import BackendReading
    from raysim.core.backends.target import BackendTarget
    from raysim.core.plan.target_plan import TargetPlan


class MetricsActor:
    """One shard of the records.

    Args:
        run_id: the run.
        shard: its number.
        directory: the run's directory, on this actor's node.
        backends: whose metrics pages it looks at.
        platform: whose TLS files hold for these pages, too; not needed without backends.
    """

    def __init__(
        self,
        run_id: str,
        shard: int,
        directory: str,
        backends: tuple[BackendTarget, ...] = (),
        platform: TargetPlan | None = None,
    ) -> None:
        # see the module's docstring
        from raysim.backends.page import WirePages  # noqa: PLC0415
        from raysim.backends.watch import BackendWatch  # noqa: PLC0415
        from raysim.sinks.readings import ReadingStore  # noqa: PLC0415
        from raysim.sinks.shard import RecordShard  # noqa: PLC0415

        root = Path(directory)
        self._log = Journal(RunDir(root).logs / f"users-{shard}.jsonl")
        self._records = RecordShard(root, shard, run_id=run_id, log=self._log)
        self._flusher: asyncio.Task[None] | None = None
        self._readings: ReadingStore | None = None
        self._watch: BackendWatch | None = None
        if backends and platform is not None:
            self._readings = ReadingStore(root, run_id=run_id)
            self._watch = BackendWatch(backends, WirePages(platform), self._readings.keep)

    async def ready(self) -> None:
        """Answers once the actor is up; it looks at backends from now on."""
        self._look_regularly()

    async def ingest(self, source: str, sequence: int, oldest: int, batch: bytes, log_lines: bytes) -> int:
        """Take a batch, once; returns the highest sequence number of this source that is stored."""
        self._flush_regularly()
        self._look_regularly()
        return await self._records.ingest(source, sequence, oldest, batch, log_lines)

    async def store(self, source: str) -> int:
        """Store what was taken so far; returns as `ingest` does."""
        return await self._records.store(source)

    def _flush_regularly(self) -> None:
        """Not when it is told to: nobody tells an actor that Ray has started again."""
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._records.flush_regularly())

    def _look_regularly(self) -> None:
        if self._watch is not None:
            self._watch.start()

    async def backends(self) -> tuple[BackendReading, ...]:
        """The last reading of every backend."""
        return () if self._watch is None else self._watch.latest

    async def live(self) -> LiveSnapshot:
        """The totals so far, and how backends are."""
        return replace(self._records.live(), backends=await self.backends())

    async def finish(self) -> int:
        """Store what is left; returns how many rows this shard stored in all."""
        if self._flusher is not None:
            self._flusher.cancel()
        await self._records.flush()
        if self._watch is not None and self._readings is not None:
            await self._watch.stop()
            self._watch = None
            self._readings.finish()
        self._log.close()
        return self._records.stored_rows
