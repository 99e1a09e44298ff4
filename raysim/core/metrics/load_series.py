"""The series that need no requests: the load generator's health, the run's course, its limits, the backends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from raysim.core.metrics.readings import BackendSays, PodReading, RunReadings, UserReading
from raysim.core.metrics.registry import family
from raysim.core.metrics.snapshot import FamilyValues, Point, Spread
from raysim.core.plan.run_plan import RunPlan


def worker_values(run_id: str, readings: RunReadings) -> Iterator[FamilyValues]:
    """How the load generator's nodes are doing."""
    pods = [((run_id, reading.pod), reading) for reading in readings.pods]

    def of_pods(name: str, value: Mapping[str, float]) -> FamilyValues:
        return _values(f"worker_{name}", [Point(labels, value[reading.pod]) for labels, reading in pods])

    yield _values("worker_status", [point for labels, reading in pods for point in _states(labels, reading)])
    yield of_pods("users_active", {reading.pod: reading.active for reading in readings.pods})
    yield of_pods("memory_bytes", {reading.pod: reading.memory_bytes for reading in readings.pods})
    yield of_pods("cpu_ratio", {reading.pod: reading.cpu_ratio for reading in readings.pods})
    yield of_pods("loop_lag_seconds", {reading.pod: reading.loop_lag_s for reading in readings.pods})
    created = [Point((run_id, readings.coordinator_pod), readings.orgs_created)] if readings.coordinator_pod else []
    yield _values("worker_orgs_created_total", created)
    yield _bootstraps(run_id, readings.users)


def _states(labels: tuple[str, str], reading: PodReading) -> Iterator[Point]:
    for state, actors in (("running", reading.running), ("drained", reading.drained), ("lost", reading.lost)):
        yield Point((*labels, state), actors)


def _bootstraps(run_id: str, users: Sequence[UserReading]) -> FamilyValues:
    found = family("loadtest_worker_bootstrap_seconds")
    by_pod: dict[str, list[float]] = {}
    for user in users:
        by_pod.setdefault(user.pod, []).append(user.bootstrap_s)
    return FamilyValues(
        found,
        tuple(
            Spread((run_id, pod), tuple(np.quantile(taken, found.shares).tolist()), math.fsum(taken), len(taken))
            for pod, taken in by_pod.items()
        ),
    )


def course_values(plan: RunPlan, version: str, readings: RunReadings | None, dropped: int) -> Iterator[FamilyValues]:
    """How far the run is; nothing that only the coordinator knows before it has said so."""
    run = (plan.run_id,)
    began = readings is not None and readings.run_s is not None and readings.run_s >= 0
    for name, value in (
        ("duration_seconds", readings.run_s if readings is not None else None),
        ("active_users", readings.active if readings is not None else None),
        ("target_users", readings.target if readings is not None else None),
    ):
        yield _values(f"run_{name}", [Point(run, value)] if began and value is not None else [])
    current = readings.phase if readings is not None else ""
    names = dict.fromkeys(phase.name for phase in plan.schedule.phases)
    yield _values("run_phase", [Point((*run, name), float(name == current)) for name in names])
    yield _values("run_info", [Point((*run, plan.scenario, plan.target.platform, version), 1.0)])
    yield _values("run_pushes_dropped_total", [Point(run, dropped)])


def limit_values(plan: RunPlan, readings: RunReadings | None) -> Iterator[FamilyValues]:
    """How near the run is to its limits; those that are not set have no series."""
    run, limits = (plan.run_id,), plan.limits
    run_s = readings.run_s if readings is not None else None
    most: dict[str, float | None] = {
        "cost": limits.max_cost_usd,
        "errors": limits.max_error_rate,
        "duration": limits.max_duration_s,
    }
    for name, value, limit in (
        ("cost", readings.spent_usd if readings is not None else None, most["cost"]),
        ("error", readings.error_rate if readings is not None else None, most["errors"]),
        ("duration", None if run_s is None or run_s < 0 else run_s, most["duration"]),
    ):
        known = value is not None and limit is not None and limit > 0
        yield _values(f"limit_{name}_utilization_ratio", [Point(run, (value or 0.0) / (limit or 1.0))] if known else [])
    stopped = readings.stop_reason if readings is not None else ""
    breached = [Point((*run, name), float(name == stopped)) for name, limit in most.items() if limit is not None]
    yield _values("limit_breached", breached)


def backend_values(run_id: str, says: Sequence[BackendSays]) -> Iterator[FamilyValues]:
    """What the backends say of themselves, as wholes and by GPU; a backend may have several pages."""
    up: dict[str, bool] = {}
    for each in says:
        up[each.backend] = each.up and up.get(each.backend, True)
    yield _values("backend_scrape_up", [Point((run_id, backend), float(well)) for backend, well in up.items()])
    for name, values in (
        ("requests_in_flight", [each.in_flight for each in says]),
        ("queue_seconds", [each.queue_seconds for each in says]),
        ("saturation_ratio", [each.saturation_ratio for each in says]),
        ("kv_cache_ratio", [each.kv_cache_ratio for each in says]),
    ):
        yield _first_known(f"backend_{name}", [(run_id, each.backend) for each in says], values)
    gpus = [each for each in says if each.gpu]
    for name, values in (
        ("gpu_utilization_ratio", [each.gpu_utilization_ratio for each in gpus]),
        ("gpu_memory_ratio", [each.gpu_memory_ratio for each in gpus]),
    ):
        yield _first_known(f"backend_{name}", [(run_id, each.backend, each.gpu) for each in gpus], values)


def _first_known(name: str, labels: Sequence[tuple[str, ...]], values: Sequence[float | None]) -> FamilyValues:
    """The first value that is known for each of `labels`."""
    found: dict[tuple[str, ...], float] = {}
    for label, value in zip(labels, values, strict=True):
        if value is not None:
            found.setdefault(label, value)
    return _values(name, [Point(label, value) for label, value in found.items()])


def _values(name: str, points: Sequence[Point]) -> FamilyValues:
    return FamilyValues(family(f"loadtest_{name}"), tuple(points))
