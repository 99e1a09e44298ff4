"""What a run exports its metrics to, by its plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import time

from raysim import __version__
from raysim.core.backends.target import BackendTarget
from raysim.core.metrics.book import MetricsBook
from raysim.core.metrics.gen_ai import operation_of
from raysim.core.metrics.otlp import OtlpOrigin
from raysim.core.metrics.windows import MOST_USERS
from raysim.core.plan.run_plan import RunPlan
from raysim.sinks.exposition_file import ExpositionFile
from raysim.sinks.metrics_exporter import MetricsExporter
from raysim.sinks.metrics_page import MetricsPage
from raysim.sinks.metrics_sink import MetricsSink
from raysim.sinks.otlp import OtlpCollector
from raysim.sinks.pushgateway import Pushgateway
from raysim.sinks.windows import WindowStore


def open_exporter(
    plan: RunPlan,
    shard: int,
    directory: Path,
    backends: Sequence[BackendTarget] = (),
    beside: Sequence[MetricsSink] = (),
) -> MetricsExporter:
    """What exports the metrics of `plan`, not started yet.

    Args:
        plan: the run's plan.
        shard: which shard of the records this is.
        directory: the run's directory, which has the metrics in any case.
        backends: those whose pages are read.
        beside: where metrics go besides.
    """
    wanted = plan.metrics
    windows = WindowStore(directory, run_id=plan.run_id, users=wanted.per_user and len(plan.users) <= MOST_USERS)
    sinks: list[MetricsSink] = []
    if wanted.pushgateway_url:
        sinks.append(Pushgateway(wanted.pushgateway_url, plan.run_id, shard, wanted.pushgateway_access))
    if wanted.otlp_url:
        # counts go on after those of an earlier process, so that they have the same beginning
        since_s = windows.first_unix_s or time()
        operation = operation_of(plan.behaviour)
        origin = OtlpOrigin(__version__, plan.run_id, plan.target.platform, operation, since_s)
        sinks.append(OtlpCollector(wanted.otlp_url, origin, wanted.otlp_access))
    # what stands before the engines or watches their GPUs answers no request itself
    engines = [(each.id, each.model) for each in backends if each.kind not in ("litellm", "router", "dcgm")]
    book = MetricsBook(plan, __version__, engines)
    kept: list[MetricsSink] = [windows, ExpositionFile(directory), *beside]
    if wanted.listen:
        kept.append(MetricsPage(wanted.listen, wanted.interval_s))
    return MetricsExporter(book, sinks, wanted.interval_s, kept)
