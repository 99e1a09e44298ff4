"""Scenarios and plans for tests."""

from __future__ import annotations

from typing import Any

from raysim.core.config.reading import examine
from raysim.core.config.scenario import Scenario
from raysim.core.plan.build import build_plan
from raysim.core.plan.load import LoadSchedule, PhasePlan, Ramp
from raysim.core.plan.run_plan import RunPlan
from tests.unit.core.config.documents import document

STARTED = "20260714-091503"


def scenario_of(**spec: Any) -> Scenario:
    """A checked scenario with these sections under `spec`."""
    findings = examine(document(**spec))
    assert findings.errors == ()
    assert findings.scenario is not None
    return findings.scenario


def plan_of(run_id: str = "run-1", **spec: Any) -> RunPlan:
    """The plan of a run of such a scenario."""
    return build_plan(scenario_of(**spec), run_id, started=STARTED)


def schedule_of(users: int, *phases: tuple[float, int, Ramp], period_s: float | None = None) -> LoadSchedule:
    """Phases given as (duration in seconds, target, ramp), back to back."""
    planned: list[PhasePlan] = []
    for index, (duration_s, target, ramp) in enumerate(phases):
        planned.append(
            PhasePlan(
                index=index,
                name=f"phase-{index}",
                kind="sustained",
                start_s=planned[-1].end_s if planned else 0.0,
                duration_s=duration_s,
                from_users=planned[-1].to_users if planned else 0,
                to_users=target,
                ramp=ramp,
                steps=5,
                period_s=duration_s if period_s is None else period_s,
                excluded=False,
            )
        )
    return LoadSchedule(tuple(planned), users)
