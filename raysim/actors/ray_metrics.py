"""How a run goes, in Ray's own metrics: its dashboard shows them beside those of the cluster.

All of them are gauges, totals too: Ray keeps what a process counted when it dies, and the one that is started in its
place counts from the beginning, so that a counter of Ray's would have everything twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from ray.util.metrics import Gauge

from raysim.core.metrics.snapshot import FamilyValues, MetricsSnapshot, Point

_SHARES = (0.5, 0.95)
_TTFT_LABELS = ("org_id", "model", "backend")
_Tags = tuple[tuple[str, str], ...]


class RayGauge(Protocol):
    """What is needed of a gauge of Ray's."""

    def set(self, value: float, tags: dict[str, str]) -> None:
        """The value of the series with these tags."""


class RayMetrics:
    """A sink that sets `raysim_*` gauges, which Ray exports as `ray_raysim_*`.

    Args:
        run_id: the tag `test_run`.
        gauge: makes a gauge of a name, a description and the names of its tags; for tests.
    """

    name = "Ray metrics"

    def __init__(self, run_id: str, gauge: Callable[[str, str, tuple[str, ...]], RayGauge] = Gauge) -> None:
        self._run_id = run_id
        run = ("test_run",)
        self._active = gauge("raysim_users_active", "users that are active", run)
        self._requests = gauge("raysim_requests", "requests that ended so far, by outcome", (*run, "status"))
        self._errors = gauge(
            "raysim_errors", "requests that did not succeed so far, by kind of error", (*run, "error_type")
        )
        self._cost = gauge("raysim_cost_usd", "price of all tokens so far (USD)", run)
        self._ttft = gauge(
            "raysim_ttft_seconds",
            "first token - sent, of streamed successes so far: quantiles (s)",
            (*run, *_TTFT_LABELS, "quantile"),
        )

    def send(self, snapshot: MetricsSnapshot) -> None:
        """Set all gauges of which something is known."""
        found = {values.family.name: values for values in snapshot.run}
        self._set(self._active, _totals(found.get("loadtest_run_active_users")))
        self._set(self._requests, _totals(found.get("loadtest_run_requests_total"), "status"))
        self._set(self._errors, _totals(found.get("loadtest_run_errors_total"), "error_type"))
        self._set(self._cost, _totals(found.get("loadtest_run_cost_usd_total")))
        self._set(self._ttft, _quantiles(found.get("loadtest_llm_ttft_seconds_summary")))

    def _set(self, gauge: RayGauge, values: Mapping[_Tags, float]) -> None:
        for tags, value in values.items():
            gauge.set(value, {"test_run": self._run_id, **dict(tags)})

    def finish(self) -> None:
        """The last values stay for as long as this process lives."""

    def remove(self) -> None:
        """They go with the process."""


def _totals(values: FamilyValues | None, *by: str) -> dict[_Tags, float]:
    """The sums of a family's series that have the labels `by` in common; none of a family that is not captured."""
    sums: dict[_Tags, float] = {}
    if values is None:
        return sums
    for series in values.series:
        if isinstance(series, Point):
            tags = tuple(zip(by, _picked(values, series.labels, by), strict=True))
            sums[tags] = sums.get(tags, 0.0) + series.value
    return sums


def _quantiles(values: FamilyValues | None) -> dict[_Tags, float]:
    found: dict[_Tags, float] = {}
    if values is None:
        return found
    for series in values.series:
        if isinstance(series, Point):
            continue
        tags = tuple(zip(_TTFT_LABELS, _picked(values, series.labels, _TTFT_LABELS), strict=True))
        for share, part in zip(values.family.shares, series.parts, strict=True):
            if share in _SHARES and math.isfinite(part):
                found[*tags, ("quantile", str(share))] = part
    return found


def _picked(values: FamilyValues, labels: tuple[str, ...], names: Iterable[str]) -> list[str]:
    return [labels[values.family.labels.index(name)] for name in names]
