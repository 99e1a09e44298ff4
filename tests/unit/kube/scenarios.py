"""Scenarios, and their plans, for tests of manifests."""

from __future__ import annotations

from typing import Any

from raysim.core.config.reading import examine
from raysim.core.config.scenario import Scenario
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import RunPlan
from tests.unit.core.config.documents import document


def scenario_of(**spec: Any) -> Scenario:
    """The scenario with these sections under `spec`."""
    found = examine(document(**spec))
    assert found.scenario is not None, found.errors
    return found.scenario


def plan_of(scenario: Scenario) -> RunPlan:
    """Its plan."""
    return build_plan(scenario, "preview", started="00000000-000000")
