"""The actor that takes records: adds them up for the live view and for metrics, and stores them.

It looks at backends besides.

When its process dies, Ray starts it again: it goes on after what is stored, and packs send the rest once more.

Every process that holds a handle of this actor imports this module: numpy and polars stay out of it, since a user
actor's memory has no room for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from raysim.core.metrics.export_state import ShardEnd
from raysim.report.run_dir import RunDir
from raysim.sinks.journal import Journal

if TYPE_CHECKING:
    from raysim.core.aggregation.live import LiveSnapshot
    from raysim.core.backends.reading import BackendReading
    from raysim.core.backends.target import BackendTarget
    from raysim.core.metrics.readings import RunReadings
    from raysim.core.plan.run_plan import RunPlan
    from raysim.core.plan.target_plan import TargetPlan


class MetricsActor:
    """One shard of the records.

    Args:
        plan: the run's plan.
        shard: its number.
        directory: the run's directory, on this actor's node.
        backends: whose metrics pages it looks at.
        platform: whose TLS files hold for these pages, too; not needed without backends.
    """

    def __init__(
        self,
        plan: RunPlan,
        shard: int,
        directory: str,
        backends: tuple[BackendTarget, ...] = (),
        platform: TargetPlan | None = None,
    ) -> None:
        # see the module's docstring
        from raysim.actors.ray_metrics import RayMetrics  # noqa: PLC0415
        from raysim.backends.page import WirePages  # noqa: PLC0415
        from raysim.backends.watch import BackendWatch  # noqa: PLC0415
        from raysim.sinks.live_metrics import open_exporter  # noqa: PLC0415
        from raysim.sinks.readings import ReadingStore  # noqa: PLC0415
        from raysim.sinks.shard import RecordShard  # noqa: PLC0415

        root = Path(directory)
        self._log = Journal(RunDir(root).logs / f"users-{shard}.jsonl")
        self._exporter = open_exporter(plan, shard, root, backends, [RayMetrics(plan.run_id)])
        self._records = RecordShard(root, shard, run_id=plan.run_id, log=self._log, told=self._exporter.take)
        self._exporter.start(self._records.earlier_parts)
        self._flusher: asyncio.Task[None] | None = None
        self._readings: ReadingStore | None = None
        self._watch: BackendWatch | None = None
        if backends and platform is not None:
            self._readings = ReadingStore(root, run_id=plan.run_id)
            self._watch = BackendWatch(backends, WirePages(platform), self._keep)

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

    def _keep(self, readings: Sequence[BackendReading]) -> None:
        """A page was read."""
        if self._readings is not None:
            self._readings.keep(readings)
        if self._watch is not None:
            self._exporter.observe_backends(self._watch.latest)

    async def backends(self) -> tuple[BackendReading, ...]:
        """The last reading of every backend."""
        return () if self._watch is None else self._watch.latest

    async def observe(self, readings: RunReadings) -> None:
        """How the run is going, as its coordinator sees it."""
        self._exporter.observe(readings)

    async def live(self) -> LiveSnapshot:
        """The totals so far, how backends are, and how the export of metrics goes."""
        return replace(self._records.live(), backends=await self.backends(), exports=self._exporter.state)

    async def finish(self, readings: RunReadings) -> ShardEnd:
        """Store what is left and export the last values. May be asked twice."""
        if self._flusher is not None:
            self._flusher.cancel()
        await self._records.flush()
        if self._watch is not None and self._readings is not None:
            await self._watch.stop()
            self._watch = None
            self._readings.finish()
        self._exporter.observe(readings)
        await asyncio.to_thread(self._exporter.finish)
        self._log.close()
        return ShardEnd(self._records.stored_rows, self._exporter.state)

    async def withdraw(self) -> str:
        """Take back what was exported, once it has surely been scraped; returns what stays nevertheless, and why."""
        return await asyncio.to_thread(self._exporter.withdraw)
