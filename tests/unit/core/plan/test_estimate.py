from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from raysim.core.behaviour.questions import STRATEGIES, QuestionWalk
from raysim.core.control.activation import Activation
from raysim.core.plan.estimate import ACTOR_MIB, USER_MIB, estimate
from raysim.core.plan.load import LoadSchedule
from raysim.core.plan.run_plan import RunPlan
from raysim.core.pricing import KNOWN_PRICES, cost_usd
from tests.unit.core.plan.scenarios import plan_of, schedule_of

USERS: dict[str, Any] = {"users": {"perOrg": {"min": 40, "max": 40}}}


def with_schedule(schedule: LoadSchedule, *, think_s: float, **spec: Any) -> RunPlan:
    plan = plan_of(**USERS, userBehavior={"thinkTimeSeconds": {"base": think_s}}, **spec)
    return replace(plan, schedule=schedule)


def requests_of_the_busiest_users(schedule: LoadSchedule, think_s: float) -> int:
    """Requests if every user asks as it comes, answers take no time, and every pause is the shortest."""
    switches = Activation(schedule, range(schedule.users)).plan_until(schedule.duration_s)
    came: dict[int, float] = {}
    asked = 0
    for switch in switches:
        if switch.on:
            came[switch.user] = switch.at_run_s
        else:
            asked += math.floor((switch.at_run_s - came.pop(switch.user)) / think_s) + 1
    assert came == {}
    return asked


@pytest.mark.parametrize(
    "schedule",
    [
        schedule_of(40, (30.0, 40, "at_once")),
        schedule_of(40, (30.0, 40, "linear"), (30.0, 40, "linear"), (10.0, 5, "linear")),
        schedule_of(40, (30.0, 40, "exponential"), (10.0, 10, "at_once"), (10.0, 40, "step")),
        schedule_of(40, (120.0, 40, "wave"), period_s=10.0),
    ],
)
@pytest.mark.parametrize("think_s", [0.7, 3.0, 25.0])
def test_no_run_makes_more_requests_than_estimated(schedule: LoadSchedule, think_s: float) -> None:
    most = estimate(with_schedule(schedule, think_s=think_s)).most_requests
    busiest = requests_of_the_busiest_users(schedule, think_s)
    assert most is not None
    assert busiest <= most <= 2 * busiest + schedule.users


def test_a_cap_on_each_user_bounds_the_requests() -> None:
    schedule = schedule_of(40, (100.0, 40, "at_once"))
    assert estimate(with_schedule(schedule, think_s=1.0, limits={"maxRequestsPerUser": 3})).most_requests == 120
    assert estimate(with_schedule(schedule, think_s=0.0, limits={"maxRequestsPerUser": 3})).most_requests == 120
    uncapped = estimate(with_schedule(schedule, think_s=50.0)).most_requests
    assert estimate(with_schedule(schedule, think_s=50.0, limits={"maxRequestsPerUser": 99})).most_requests == uncapped


def test_users_who_never_think_have_no_bound() -> None:
    found = estimate(with_schedule(schedule_of(40, (100.0, 40, "at_once")), think_s=0.0))
    assert found.most_requests is None
    assert found.worst_case_usd is None


def test_the_dearest_request_fills_the_context_of_the_dearest_model() -> None:
    plan = plan_of(
        userBehavior={
            "modelPreferences": [{"model": "cheap"}, {"model": "dear"}],
            "maxTokensPerRequest": {"base": 500, "variance": 100},
            "conversation": {"contextLimitTokens": 4000},
        },
        models={
            "cheap": {"inputUsdPerMillion": 1, "outputUsdPerMillion": 1},
            "dear": {"inputUsdPerMillion": 10, "outputUsdPerMillion": 100},
        },
    )
    found = estimate(plan)
    assert found.dearest_request_usd == pytest.approx((4000 * 10 + 600 * 100) / 1e6)
    assert found.most_requests is not None
    assert found.worst_case_usd == pytest.approx(found.most_requests * found.dearest_request_usd)


def test_a_single_question_costs_no_more_than_the_longest_question() -> None:
    behaviour = {"maxTokensPerRequest": {"base": 100}, "conversation": {"multiTurnProbability": 0}}
    models = {"gpt-4o-mini": {"inputUsdPerMillion": 1, "outputUsdPerMillion": 0}}
    alone = estimate(plan_of(userBehavior=behaviour, models=models))
    walk = QuestionWalk(1, 0, 1)
    longest = max(len(walk.next(name, follow_up=True)[0]) for name in STRATEGIES for _ in range(500))
    assert longest / 4 <= alone.dearest_request_usd * 1e6 <= 130


def test_prompts_that_are_filled_up_and_conversations_that_grow_are_paid_for() -> None:
    models = {"gpt-4o-mini": {"inputUsdPerMillion": 1, "outputUsdPerMillion": 0}}

    def tokens(**behaviour: Any) -> int:
        found = estimate(plan_of(userBehavior=behaviour, models=models))
        assert found.dearest_request_usd == pytest.approx(found.longest_prompt_tokens / 1e6)
        return found.longest_prompt_tokens

    alone: dict[str, Any] = {"multiTurnProbability": 0, "contextLimitTokens": 8000}
    question = tokens(conversation=alone)
    assert question < 130
    assert tokens(conversation=alone, promptTokens={"base": 2000, "variance": 500}) == 2500
    assert tokens(conversation=alone, promptTokens={"sharedPrefixTokens": 700}) == question + 700
    assert tokens(conversation=alone | {"multiTurnProbability": 0.1}, promptTokens={"base": 2000}) == 8000


def test_memory_and_start_up_go_by_actors_and_users() -> None:
    users: dict[str, Any] = {"organizations": {"count": 10}, "users": {"perOrg": {"min": 100, "max": 100}}}
    alone, packed = estimate(plan_of(**users)), estimate(plan_of(**users, workers={"usersPerActor": 50}))
    assert (alone.tenants, alone.users, alone.actors, packed.actors) == (10, 1_000, 1_000, 20)
    assert alone.memory_mib == pytest.approx(1_000 * (ACTOR_MIB + USER_MIB))
    assert packed.memory_mib == pytest.approx(20 * ACTOR_MIB + 1_000 * USER_MIB)
    assert packed.start_cpu_s == pytest.approx(alone.start_cpu_s / 50)


def test_duration_and_peak_are_those_of_the_pattern() -> None:
    phases = [
        {"name": "ramp", "duration": "30s", "targetActiveUsers": 20},
        {"name": "spike", "duration": "1m", "targetActiveUsers": 400},
    ]
    found = estimate(plan_of(**USERS, loadPattern={"type": "spike", "phases": phases}))
    assert (found.duration_s, found.peak_users) == (90, 40)


def test_an_endpoint_that_asks_for_more_costs_more() -> None:
    plain = estimate(plan_of()).dearest_request_usd
    longer = estimate(plan_of(endpoints=[{"name": "chat", "request": {"max_tokens": 9000}}, {"name": "chat"}]))
    dearer = estimate(plan_of(endpoints=[{"name": "chat"}, {"name": "chat", "request": {"model": "gpt-4"}}]))
    assert longer.dearest_request_usd >= cost_usd(KNOWN_PRICES["gpt-4o-mini"], 0, 9000) > plain
    assert dearer.dearest_request_usd > 10 * plain


@pytest.mark.parametrize(
    ("pattern", "limits", "think_s", "most"),
    [
        ({"arrivals": {"mode": "constant", "requestsPerSecond": 4}}, {}, 0, 400 + 5 * 20),
        ({"arrivals": {"mode": "poisson", "requestsPerSecond": 4}}, {}, 0, 400 + 5 * 20),
        ({"arrivals": {"mode": "poisson", "requestsPerSecond": 4}}, {"maxRequestsPerSecond": 2}, 0, 202),
        ({}, {"maxRequestsPerSecond": 2}, 0, 202),
        ({}, {"maxRequestsPerSecond": 2}, 500, 40 + 8),
    ],
)
def test_requests_that_come_by_the_clock_are_bounded_by_their_rate(
    pattern: dict[str, Any], limits: dict[str, Any], think_s: float, most: int
) -> None:
    phases = [{"name": "load", "duration": "100s"}]
    made = plan_of(
        **USERS,
        loadPattern={"type": "steady", "phases": phases, **pattern},
        limits=limits,
        userBehavior={"thinkTimeSeconds": {"base": think_s, "variance": 0}},
    )
    assert estimate(made).most_requests == most
