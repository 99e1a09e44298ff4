from __future__ import annotations

import pickle
from itertools import accumulate, chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.endpoint import CHAT
from raysim.core.control.circuit import CircuitPolicy
from raysim.core.control.retry import RetryPolicy
from raysim.core.plan.build import plan_packs
from raysim.core.plan.run_plan import PackBrief, UserPlan
from tests.unit.core.plan.scenarios import plan_of

VARIED: dict[str, Any] = {
    "organizations": {"count": 3, "distribution": "random", "namingPattern": "org-{index}-{random}"},
    "users": {"perOrg": {"min": 3, "max": 30}, "namingPattern": "user-{org}-{index}-{random}"},
    "userBehavior": {"modelPreferences": [{"model": "gpt-4o"}, {"model": "gpt-4o-mini"}]},
    "workers": {"usersPerActor": 4},
}


def test_the_same_run_id_gives_the_same_plan() -> None:
    assert plan_of("run-1", **VARIED) == plan_of("run-1", **VARIED)


def test_another_run_id_gives_another_plan() -> None:
    first, second = plan_of("run-1", **VARIED), plan_of("run-2", **VARIED)
    assert first.seed != second.seed
    assert [user.seed for user in first.users] != [user.seed for user in second.users]


def test_a_given_seed_repeats_a_run_under_another_id() -> None:
    seeded = {**VARIED, "advanced": {"seed": 42}}
    first, second = plan_of("run-1", **seeded), plan_of("run-2", **seeded)
    assert first.seed == second.seed == 42
    assert [(u.name, u.model, u.seed) for u in first.users] == [(u.name, u.model, u.seed) for u in second.users]
    assert first.schedule == second.schedule
    assert {tenant.slug for tenant in first.tenants}.isdisjoint(tenant.slug for tenant in second.tenants)


def test_a_seed_means_the_same_on_every_machine() -> None:
    plan = plan_of("run-1", **{**VARIED, "advanced": {"seed": 42}})
    assert [(tenant.name, tenant.users) for tenant in plan.tenants] == [
        ("org-1-8cadb", 11),
        ("org-2-wgmbq", 7),
        ("org-3-t6sv8", 22),
    ]
    assert [(user.name, user.model, user.seed) for user in plan.users[:3]] == [
        ("user-org-1-8cadb-1-dft5i", "gpt-4o", 550269878076180168),
        ("user-org-2-wgmbq-1-eqgz5", "gpt-4o", 13446866137649247087),
        ("user-org-3-t6sv8-1-cgibb", "gpt-4o-mini", 8459325196047225080),
    ]


def test_a_plan_of_a_thousand_users_travels_light() -> None:
    plan = plan_of(
        organizations={"count": 10}, users={"perOrg": {"min": 100, "max": 100}}, workers={"usersPerActor": 50}
    )
    data = pickle.dumps(plan)
    assert pickle.loads(data) == plan  # noqa: S301 - our own bytes
    assert len(data) < 150_000
    brief = PackBrief.of(plan, plan.packs[0], plan.target)
    data = pickle.dumps(brief)
    assert pickle.loads(data) == brief  # noqa: S301 - our own bytes
    assert len(data) < 10_000


def test_a_brief_tells_a_pack_of_its_own_users_only() -> None:
    plan = plan_of("run-1", **VARIED)
    brief = PackBrief.of(plan, plan.packs[1], plan.target, incarnation=2)
    assert brief.pack == plan.packs[1]
    assert brief.users_in_run == len(plan.users)
    assert (brief.run_id, brief.seed, brief.incarnation) == ("run-1", plan.seed, 2)
    others = {user.name for user in plan.users} - {user.name for user in brief.pack.users}
    assert not any(name in repr(brief) for name in others)


def users_of(sizes: list[int]) -> tuple[UserPlan, ...]:
    """Users of organisations of these sizes, in the order of their activation."""
    places = sorted((number, org) for org, size in enumerate(sizes, 1) for number in range(1, size + 1))
    return tuple(
        UserPlan(index, org, f"org-{org}", number, f"user-{org}-{number}", "", "gpt-4o", 0)
        for index, (number, org) in enumerate(places)
    )


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@given(SIZES, st.integers(1, 60))
def test_packs_share_out_the_users(sizes: list[int], users_per_actor: int) -> None:
    users = users_of(sizes)
    packs = plan_packs(users, users_per_actor)
    assert sorted(chain.from_iterable(pack.users for pack in packs), key=lambda user: user.index) == list(users)
    assert [pack.index for pack in packs] == list(range(-(-len(users) // users_per_actor)))
    assert max(len(pack.users) for pack in packs) <= users_per_actor
    assert len({pack.name for pack in packs}) == len(packs)


@given(SIZES, st.integers(1, 60))
def test_a_ramp_loads_all_packs_alike(sizes: list[int], users_per_actor: int) -> None:
    users = users_of(sizes)
    pack_of = {user.index: pack.index for pack in plan_packs(users, users_per_actor) for user in pack.users}
    count = max(pack_of.values()) + 1
    active = [0] * count
    for user in users:
        active[pack_of[user.index]] += 1
        assert max(active) - min(active) <= 1


@pytest.mark.parametrize("users_per_actor", [5, 10, 20, 25, 50])
@pytest.mark.parametrize("sizes", [[100] * 10, [20] * 3, [60, 30, 10], [200, 7, 7, 7, 7, 7], [1] * 40, [33, 17, 21]])
def test_a_lost_pack_thins_every_organisation_alike(sizes: list[int], users_per_actor: int) -> None:
    packs = plan_packs(users_of(sizes), users_per_actor)
    for org, size in enumerate(sizes, 1):
        held = [sum(user.tenant == org for user in pack.users) for pack in packs]
        assert max(held) < size / len(packs) + 2


def test_actors_are_named_so_that_they_read_well() -> None:
    alone = plan_of(organizations={"count": 2}, users={"perOrg": {"min": 2, "max": 2}})
    assert [pack.name for pack in alone.packs] == [
        "user/org-1/user-org-1-1",
        "user/org-2/user-org-2-1",
        "user/org-1/user-org-1-2",
        "user/org-2/user-org-2-2",
    ]
    packed = plan_of(users={"perOrg": {"min": 100, "max": 100}}, workers={"usersPerActor": 10})
    assert [pack.name for pack in packed.packs][::9] == ["pack/01-of-10", "pack/10-of-10"]


@pytest.mark.parametrize(("expires_in", "days"), [("1h", 1), ("24h", 1), ("24h1s", 2), ("36h", 2), (None, None)])
def test_keys_last_whole_days_rounded_up(expires_in: str | None, days: int | None) -> None:
    assert plan_of(apiKeys={"expiresIn": expires_in}).key_days == days


def test_the_plan_carries_what_the_scenario_says() -> None:
    plan = plan_of(
        userBehavior={
            "thinkTimeSeconds": {"base": 4, "variance": 1},
            "questionStrategies": [{"name": "technical", "weight": 3}, {"name": "mixed"}],
            "maxTokensPerRequest": {"base": 64},
        },
        limits={"maxCostUsd": None, "maxErrorRate": 0.2, "maxDuration": "5m", "maxRequestsPerUser": 9, "drain": "7s"},
        bootstrap={"timeout": "9s", "concurrency": 3, "minSuccess": 0.5, "onLoss": "abort"},
        targets={"apiRouterUrl": "http://router:8080", "userOrgUrl": "http://orgs:8081", "auth": {"tokenEnv": "TOKEN"}},
    )
    assert (plan.behaviour.think_s.low, plan.behaviour.think_s.high) == (3, 5)
    assert plan.behaviour.strategies == (("technical", 3.0), ("mixed", 1.0))
    assert (plan.behaviour.max_tokens.low, plan.behaviour.max_tokens.high) == (64, 64)
    assert plan.limits.max_cost_usd is None
    assert (plan.limits.max_error_rate, plan.limits.max_duration_s) == (0.2, 300)
    assert (plan.limits.max_requests_per_user, plan.limits.drain_s) == (9, 7)
    assert (plan.bootstrap.timeout_s, plan.bootstrap.concurrency, plan.bootstrap.min_success) == (9, 3, 0.5)
    assert plan.bootstrap.abort_on_loss
    assert (plan.target.router_url, plan.target.org_url) == ("http://router:8080", "http://orgs:8081")
    assert plan.target.auth.token_env == "TOKEN"
    assert set(plan.prices) == {"gpt-4o-mini"}


def test_a_phase_begins_where_the_one_before_it_ends() -> None:
    durations = ["10s", "1m", "500ms", "30s"]
    phases = [{"name": f"p{n}", "duration": duration} for n, duration in enumerate(durations)]
    schedule = plan_of(loadPattern={"type": "custom", "phases": phases}).schedule
    assert [phase.start_s for phase in schedule.phases] == list(accumulate([0.0, 10.0, 60.0, 0.5]))
    assert schedule.duration_s == 100.5


def test_endpoints_and_failure_handling_travel_with_the_behaviour() -> None:
    behaviour = plan_of(
        endpoints=[{"name": "chat", "weight": 3}, {"name": "orgs"}],
        userBehavior={
            "errorHandling": {
                "retryAttempts": 2,
                "retryBackoff": "500ms",
                "honourRetryAfter": True,
                "circuitBreaker": {"failures": 4},
            }
        },
    ).behaviour
    assert [(endpoint.kind, endpoint.weight) for endpoint in behaviour.endpoints] == [("chat", 3.0), ("orgs", 1.0)]
    assert behaviour.retry == RetryPolicy(2, 0.5, honour_retry_after=True)
    assert behaviour.circuit == CircuitPolicy(4, 30.0)


def test_without_a_word_users_chat_and_nothing_is_sent_again() -> None:
    behaviour = plan_of().behaviour
    assert behaviour.endpoints == (CHAT,)
    assert (behaviour.retry.attempts, behaviour.circuit) == (0, None)


def test_users_are_counted_without_listing_them() -> None:
    plan = plan_of("run-1", **VARIED)
    assert plan.user_count == len(plan.users)
    assert {PackBrief.of(plan, pack, plan.target).users_in_run for pack in plan.packs} == {len(plan.users)}
