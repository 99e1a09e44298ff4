"""What a run exports its metrics to, by its plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from raysim import __version__
from raysim.core.backends.target import BackendTarget
from raysim.core.metrics.book import MetricsBook
from raysim.core.metrics.export_state import ExportState
from raysim.core.metrics.readings import BackendSays, RunReadings
from raysim.core.plan.run_plan import RunPlan
from raysim.core.records.batch import WireBatch
from raysim.sinks.metrics_exporter import MetricsExporter
from raysim.sinks.metrics_sink import MetricsSink
from raysim.sinks.pushgateway import Pushgateway


class Exporter(Protocol):
    """Exports metrics, or does not. `take` and `observe` return at once, `finish` and `withdraw` may take a while."""

    @property
    def state(self) -> ExportState:
        """How it is going."""

    def start(self, earlier: Sequence[Path]) -> None:
        """Begin, with the requests in the parts that an earlier process has stored."""

    def take(self, batch: WireBatch) -> None:
        """A batch of requests arrived."""

    def observe(self, readings: RunReadings) -> None:
        """The coordinator said how the run is going."""

    def observe_backends(self, says: Sequence[BackendSays]) -> None:
        """The backends were asked how they are."""

    def finish(self) -> None:
        """Export the last values."""

    def withdraw(self) -> str:
        """Take back what was exported, after a time in which it is scraped; what stays nevertheless, and why."""


class NoExporter:
    """Exports nothing."""

    state = ExportState()

    def start(self, earlier: Sequence[Path]) -> None:
        """Nothing to begin."""

    def take(self, batch: WireBatch) -> None:
        """Ignored."""

    def observe(self, readings: RunReadings) -> None:
        """Ignored."""

    def observe_backends(self, says: Sequence[BackendSays]) -> None:
        """Ignored."""

    def finish(self) -> None:
        """Nothing to finish."""

    def withdraw(self) -> str:
        """Nothing to take back."""
        return ""


def open_exporter(plan: RunPlan, shard: int, backends: Sequence[BackendTarget] = ()) -> Exporter:
    """What exports the metrics of `plan`, not started yet; `backends` are those whose pages are read."""
    wanted = plan.metrics
    sinks: list[MetricsSink] = []
    if wanted.pushgateway_url:
        sinks.append(Pushgateway(wanted.pushgateway_url, plan.run_id, shard))
    if not sinks:
        return NoExporter()
    # what stands before the engines or watches their GPUs answers no request itself
    engines = [(each.id, each.model) for each in backends if each.kind not in ("litellm", "router", "dcgm")]
    return MetricsExporter(MetricsBook(plan, __version__, engines), sinks, wanted.interval_s)
