"""A run's metrics with a bit of everything in them."""

from __future__ import annotations

from typing import Any

from raysim.core.metrics.book import MetricsBook
from raysim.core.metrics.readings import PodReading, RunReadings, UserReading
from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.core.plan.run_plan import RunPlan
from raysim.core.records.outcome import ErrorKind
from tests.unit.core.metrics.requests import request, rows
from tests.unit.core.plan.scenarios import plan_of


def metrics_plan(run_id: str = "run-1", url: str = "http://gateway:9091", **more: object) -> RunPlan:
    return plan_of(
        run_id,
        organizations={"count": 1},
        users={"perOrg": {"min": 2, "max": 2}},
        userBehavior={"modelPreferences": [{"model": "gpt-4o"}]},
        metrics={"pushgatewayUrl": url, "labels": {"team": 'the "blue" one'}, **more},
    )


def metrics_readings(plan: RunPlan) -> RunReadings:
    users = tuple(UserReading(user.index, "node-1", 0.5) for user in plan.users)
    pod = PodReading("node-1", 1, 0, 0, 2, 5e7, 0.25, 0.004)
    return RunReadings(run_s=30.0, active=2, target=2, coordinator_pod="node-0", users=users, pods=(pod,))


def metrics_snapshot(plan: RunPlan | None = None, requests: int = 3) -> MetricsSnapshot:
    plan = plan or metrics_plan()
    user = plan.users[0]
    mine: dict[str, Any] = {"org_id": user.org_name, "user_id": user.name}
    book = MetricsBook(plan, "1.2.3")
    book.add(rows(*(request(**mine) for _ in range(requests)), request(ErrorKind.HTTP_5XX, **mine)))
    return book.snapshot(1_700_000_000.0, metrics_readings(plan))
