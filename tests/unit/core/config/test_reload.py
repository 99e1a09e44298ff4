"""What of a changed scenario a run takes over, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.reload import compare, keep_phases
from tests.unit.core.plan.scenarios import scenario_of

OLD: dict[str, Any] = {
    "limits": {"maxCostUsd": 5, "maxDuration": "10m"},
    "userBehavior": {"thinkTimeSeconds": {"base": 3, "variance": 1}, "maxTokensPerRequest": {"base": 64}},
    "loadPattern": {
        "phases": [
            {"name": "ramp", "duration": "10s", "targetActiveUsers": 1},
            {"name": "top", "duration": "1m", "targetActiveUsers": 2},
        ]
    },
}


def changed(**sections: Any) -> dict[str, Any]:
    """The old scenario with keys of some sections changed."""
    return {**OLD, **{name: {**OLD.get(name, {}), **section} for name, section in sections.items()}}


CHAT_TWICE = {**OLD, "endpoints": [{"name": "chat", "weight": 2}]}


def phases(*more: dict[str, Any]) -> dict[str, Any]:
    return {"phases": [OLD["loadPattern"]["phases"][0], *more]}


TOP = OLD["loadPattern"]["phases"][1]


@pytest.mark.parametrize(
    ("new", "changes"),
    [
        (changed(), []),
        (changed(limits={"maxCostUsd": 7.5}), ["spec.limits.maxCostUsd: 5 → 7.5"]),
        (changed(limits={"maxDuration": "90s"}), ["spec.limits.maxDuration: 10m → 1m30s"]),
        (changed(limits={"maxDuration": None}), ["spec.limits.maxDuration: 10m → null"]),
        (changed(limits={"maxErrorRate": None}), ["spec.limits.maxErrorRate: 0.1 → null"]),
        (changed(limits={"maxRequestsPerSecond": 4}), ["spec.limits.maxRequestsPerSecond: null → 4"]),
        (changed(limits={"maxRequestsPerUser": 9}), ["spec.limits.maxRequestsPerUser: null → 9"]),
        (
            changed(userBehavior={"thinkTimeSeconds": {"min": 1, "max": 2}}),
            [
                "spec.userBehavior.thinkTimeSeconds.base: 3 → null",
                "spec.userBehavior.thinkTimeSeconds.variance: 1 → null",
                "spec.userBehavior.thinkTimeSeconds.min: null → 1",
                "spec.userBehavior.thinkTimeSeconds.max: null → 2",
            ],
        ),
        (
            changed(userBehavior={"questionsPerSession": {"min": 3, "max": 4}}),
            ["spec.userBehavior.questionsPerSession.max: 8 → 4"],
        ),
        (
            changed(loadPattern=phases({**TOP, "targetActiveUsers": 1})),
            ["spec.loadPattern.phases[1].targetActiveUsers: 2 → 1"],
        ),
        (
            changed(loadPattern=phases()),
            ["spec.loadPattern.phases[1]: {name: top, duration: 1m, targetActiveUsers: 2, steps: 5} → null"],
        ),
        (
            changed(loadPattern=phases(TOP, {"name": "cool", "duration": "5s", "targetActiveUsers": 0})),
            ["spec.loadPattern.phases[2]: null → {name: cool, duration: 5s, targetActiveUsers: 0, steps: 5}"],
        ),
        (changed(loadPattern={"type": "ramp-up"}), ["spec.loadPattern.type: steady → ramp-up"]),
    ],
)
def test_limits_pace_and_phases_follow(new: dict[str, Any], changes: list[str]) -> None:
    found = compare(scenario_of(**OLD), scenario_of(**new))
    assert [str(change) for change in found.changes] == changes
    assert found.refused == ()
    assert found.effective == scenario_of(**new)


@pytest.mark.parametrize(
    ("new", "path", "reason"),
    [
        (changed(limits={"maxCostUsd": None}), "spec.limits.maxCostUsd", "can be raised, not removed"),
        (changed(limits={"unknownCost": "counted"}), "spec.limits.unknownCost", "under way"),
        (changed(users={"perOrg": {"min": 5, "max": 10}}), "spec.users.perOrg.min", "have been set up"),
        (changed(organizations={"count": 2}), "spec.organizations.count", "have been set up"),
        (changed(workers={"usersPerActor": 5}), "spec.workers.usersPerActor", "have been set up"),
        (
            changed(userBehavior={"maxTokensPerRequest": {"base": 65}}),
            "spec.userBehavior.maxTokensPerRequest.base",
            "could not be compared",
        ),
        (
            changed(userBehavior={"modelPreferences": [{"model": "gpt-4o"}]}),
            "spec.userBehavior.modelPreferences[0].model",
            "have their models",
        ),
        (CHAT_TWICE, "spec.endpoints[0].weight", "could not be compared"),
        (changed(targets={"streaming": False}), "spec.targets.streaming", "connected"),
        (
            changed(models={"gpt-4o-mini": {"inputUsdPerMillion": 1, "outputUsdPerMillion": 1}}),
            "spec.models.gpt-4o-mini.inputUsdPerMillion",
            "old price",
        ),
        (changed(cleanup={"onCompletion": False}), "spec.cleanup.onCompletion", "when the run starts"),
    ],
)
def test_everything_else_is_refused_with_its_field_and_a_reason(new: dict[str, Any], path: str, reason: str) -> None:
    found = compare(scenario_of(**OLD), scenario_of(**new))
    named = {problem.path: problem.message for problem in found.refused}
    assert path in named or any(key.startswith(path.rpartition(".")[0].replace("gpt-4o-mini", "")) for key in named)
    assert all(message.startswith("cannot change during a run: ") for message in named.values())
    assert reason in next(iter(named.values()))
    assert found.changes == ()
    assert found.effective == scenario_of(**OLD)


def test_what_can_follow_does_so_beside_what_cannot() -> None:
    new = changed(limits={"maxCostUsd": 6, "unknownCost": "counted"}, organizations={"count": 3})
    found = compare(scenario_of(**OLD), scenario_of(**new))
    assert [str(change) for change in found.changes] == ["spec.limits.maxCostUsd: 5 → 6"]
    assert {problem.path for problem in found.refused} == {"spec.limits.unknownCost", "spec.organizations.count"}
    assert found.effective == scenario_of(**changed(limits={"maxCostUsd": 6}))


def test_a_run_that_began_without_a_limit_of_cost_does_not_get_one() -> None:
    found = compare(scenario_of(**changed(limits={"maxCostUsd": None})), scenario_of(**OLD))
    assert found.changes == ()
    assert [problem.path for problem in found.refused] == ["spec.limits.maxCostUsd"]
    assert "no request has set money aside" in found.refused[0].message


def test_phases_that_came_too_late_are_left_out_of_what_is_effective() -> None:
    old = scenario_of(**OLD)
    effective = scenario_of(**changed(limits={"maxCostUsd": 6}, loadPattern=phases()))
    assert keep_phases(effective, old) == scenario_of(**changed(limits={"maxCostUsd": 6}))
