from __future__ import annotations

import pytest

from raysim.actors.ray_metrics import RayMetrics
from tests.component.sinks.metrics_run import metrics_plan, metrics_snapshot

_Series = dict[tuple[tuple[str, str], ...], float]


class Gauges:
    """What was set, by gauge and tags; a gauge takes the tags that it was made with and no others."""

    def __init__(self) -> None:
        self.values: dict[str, _Series] = {}

    def make(self, name: str, description: str, tag_keys: tuple[str, ...]) -> Gauge:
        assert description
        return Gauge(self.values.setdefault(name, {}), tag_keys)


class Gauge:
    def __init__(self, values: _Series, tag_keys: tuple[str, ...]) -> None:
        self._values = values
        self._tag_keys = tag_keys

    def set(self, value: float, tags: dict[str, str]) -> None:
        assert tuple(tags) == self._tag_keys
        self._values[tuple(item for item in tags.items() if item[0] != "test_run")] = value


def test_the_run_is_in_rays_metrics() -> None:
    gauges = Gauges()
    sink = RayMetrics("run-1", gauges.make)
    plan = metrics_plan()
    for requests in (1, 3):
        sink.send(metrics_snapshot(plan, requests))
    outcomes = {tags[0][1]: value for tags, value in gauges.values["raysim_requests"].items()}
    assert outcomes == {"success": 3, "error": 1, "refused": 0, "cancelled": 0}
    assert gauges.values["raysim_errors"] == {(("error_type", "http_5xx"),): 1}
    assert gauges.values["raysim_users_active"] == {(): 2}
    assert gauges.values["raysim_cost_usd"][()] > 0
    quantiles = {dict(tags)["quantile"] for tags in gauges.values["raysim_ttft_seconds"]}
    assert quantiles == {"0.5", "0.95"}


@pytest.mark.parametrize("capture", [["worker"], ["limit"]])
def test_what_is_not_captured_is_not_there(capture: list[str]) -> None:
    gauges = Gauges()
    RayMetrics("run-1", gauges.make).send(metrics_snapshot(metrics_plan(capture=capture)))
    assert not any(gauges.values.values())


def test_rays_own_gauges_take_them() -> None:
    # without a cluster nobody reads them, but names and tags are checked
    RayMetrics("run-1").send(metrics_snapshot())
