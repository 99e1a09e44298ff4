from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.ids import short_id
from raysim.core.plan.run_plan import UserPlan
from raysim.core.plan.tenants import apportion
from tests.unit.core.plan.scenarios import STARTED, plan_of

PER_ORG = {"perOrg": {"min": 5, "max": 40}}
SEEDED: dict[str, Any] = {"seed": 7}


def counts_of(organizations: dict[str, Any], users: dict[str, Any] = PER_ORG, seed: int = 7) -> list[int]:
    plan = plan_of(organizations=organizations, users=users, advanced={"seed": seed})
    planned = [tenant.users for tenant in plan.tenants]
    real = Counter(user.tenant for user in plan.users)
    assert [real[tenant.index] for tenant in plan.tenants] == planned
    return planned


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("distribution", ["random", "gaussian", "uniform"])
def test_random_keeps_what_each_organisation_drew(distribution: str, seed: int) -> None:
    users = {"perOrg": {"min": 5, "max": 40, "distribution": distribution}}
    counts = counts_of({"count": 12, "distribution": "random"}, users, seed)
    assert min(counts) >= 5
    assert max(counts) <= 40
    assert len(set(counts)) > 3


def test_even_shares_out_the_same_sum_alike() -> None:
    drawn = counts_of({"count": 7, "distribution": "random"})
    even = counts_of({"count": 7, "distribution": "even"})
    assert sum(even) == sum(drawn)
    assert max(even) - min(even) <= 1


def test_weighted_shares_out_the_same_sum_by_weights() -> None:
    drawn = counts_of({"count": 4, "distribution": "random"})
    weights = [1, 2, 5, 0]
    counts = counts_of({"count": 4, "distribution": "weighted", "weights": weights})
    assert sum(counts) == sum(drawn)
    for count, weight in zip(counts, weights, strict=True):
        assert abs(count - sum(drawn) * weight / 8) < 1
    assert counts[3] == 0


@pytest.mark.parametrize("distribution", ["even", "random", "weighted"])
def test_an_override_replaces_and_leaves_the_others_alone(distribution: str) -> None:
    organizations: dict[str, Any] = {"count": 3, "distribution": distribution}
    if distribution == "weighted":
        organizations["weights"] = [1, 1, 2]
    before = counts_of(organizations)
    after = counts_of({**organizations, "overrides": [{"index": 2, "users": 3}]})
    assert after == [before[0], 3, before[2]]


def test_budgets_are_the_organisations_own_or_everyones() -> None:
    organizations = {"count": 3, "budgetUsd": 5, "overrides": [{"index": 3, "budgetUsd": 0.05}]}
    assert [tenant.budget_usd for tenant in plan_of(organizations=organizations).tenants] == [5, 5, 0.05]
    assert [tenant.budget_usd for tenant in plan_of(organizations={"count": 2}).tenants] == [None, None]


@given(
    st.integers(0, 100_000),
    st.lists(st.just(0.0) | st.floats(0.001, 1_000), min_size=1, max_size=20).filter(lambda weights: sum(weights) > 0),
)
def test_apportioning_loses_nobody_and_stays_within_one_of_the_exact_share(total: int, weights: list[float]) -> None:
    shares = apportion(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) < 1 + 1e-6
        assert weight > 0 or share == 0


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [(10, [1, 1, 1], [4, 3, 3]), (3, [1, 1, 1, 1], [1, 1, 1, 0]), (100, [70, 20, 10], [70, 20, 10]), (0, [1], [0])],
)
def test_the_largest_remainders_get_the_rest_and_earlier_ones_win_ties(
    total: int, weights: list[float], shares: list[int]
) -> None:
    assert apportion(total, weights) == shares


def assert_evenly_activated(users: tuple[UserPlan, ...], sizes: dict[int, int]) -> None:
    """Whenever a ramp pauses, no organisation is ahead of another that has users left."""
    assert [user.index for user in users] == list(range(len(users)))
    active: Counter[int] = Counter()
    for user in users:
        assert user.number == active[user.tenant] + 1
        active[user.tenant] += 1
        waiting = [active[tenant] for tenant, size in sizes.items() if active[tenant] < size]
        assert active[user.tenant] <= min(waiting, default=active[user.tenant]) + 1


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_a_ramp_touches_all_organisations_alike(sizes: list[int]) -> None:
    overrides = [{"index": index, "users": size} for index, size in enumerate(sizes, 1)]
    plan = plan_of(organizations={"count": len(sizes), "overrides": overrides})
    assert_evenly_activated(plan.users, dict(enumerate(sizes, 1)))


def test_names_are_made_from_their_patterns() -> None:
    plan = plan_of(
        organizations={"count": 2, "namingPattern": "Load Test {index} at {timestamp}"},
        users={"perOrg": {"min": 2, "max": 2}, "namingPattern": "{org} / user {index}", "emailDomain": "test.invalid"},
    )
    short = short_id("run-1")
    assert [(tenant.name, tenant.slug) for tenant in plan.tenants] == [
        (f"Load Test {n} at {STARTED}", f"load-test-{n}-at-{STARTED}-{short}") for n in (1, 2)
    ]
    first = plan.users[0]
    assert (first.org_name, first.name) == (plan.tenants[0].name, f"Load Test 1 at {STARTED} / user 1")
    assert first.email == f"load-test-1-at-{STARTED}-user-1+{short}@test.invalid"


PATTERNS = [
    ("org-{index}", "user-{org}-{index}"),
    ("org-{index}", "user-{index}"),
    ("org-{random}", "{random}"),
    ("Org {index}!", "{index}"),
    ("組織{index}", "利用者{index}"),
    ("-{index}-", "USER {index}"),
]


@pytest.mark.parametrize(("org_pattern", "user_pattern"), PATTERNS)
def test_whatever_the_patterns_are_nothing_is_called_twice(org_pattern: str, user_pattern: str) -> None:
    plan = plan_of(
        organizations={"count": 12, "namingPattern": org_pattern},
        users={"perOrg": {"min": 15, "max": 15}, "namingPattern": user_pattern},
    )
    for names in (
        [tenant.name for tenant in plan.tenants],
        [tenant.slug for tenant in plan.tenants],
        [user.name for user in plan.users],
        [user.email.lower() for user in plan.users],
        [pack.name for pack in plan.packs],
    ):
        assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", tenant.slug) for tenant in plan.tenants)
    assert all(re.fullmatch(r"[a-z0-9.+-]+@loadtest\.invalid", user.email) for user in plan.users)


def test_an_organisation_whose_name_has_no_letters_for_a_slug_gets_the_runs_own() -> None:
    plan = plan_of(organizations={"count": 1, "namingPattern": "組織"})
    assert plan.tenants[0].slug == short_id("run-1")


def test_two_runs_never_use_the_same_slug_or_address() -> None:
    first, second = plan_of("run-1", organizations={"count": 3}), plan_of("run-2", organizations={"count": 3})
    assert not {tenant.slug for tenant in first.tenants} & {tenant.slug for tenant in second.tenants}
    assert not {user.email for user in first.users} & {user.email for user in second.users}


def test_models_are_preferred_in_proportion_to_their_weights() -> None:
    preferences = [
        {"model": "gpt-4o", "weight": 70},
        {"model": "gpt-4o-mini", "weight": 30},
        {"model": "o1", "weight": 0},
    ]
    plan = plan_of(
        users={"perOrg": {"min": 4_000, "max": 4_000}},
        userBehavior={"modelPreferences": preferences},
        advanced=SEEDED,
    )
    models = Counter(user.model for user in plan.users)
    assert set(models) == {"gpt-4o", "gpt-4o-mini"}
    assert models["gpt-4o"] / 4_000 == pytest.approx(0.7, abs=0.02)


def test_a_user_is_the_same_however_many_others_there_are() -> None:
    preferences = [{"model": "gpt-4o"}, {"model": "gpt-4o-mini"}]

    def drawn(organizations: int, users: int) -> dict[tuple[int, int], tuple[str, int]]:
        plan = plan_of(
            organizations={"count": organizations},
            users={"perOrg": {"min": users, "max": users}},
            userBehavior={"modelPreferences": preferences},
            advanced=SEEDED,
        )
        return {(user.tenant, user.number): (user.model, user.seed) for user in plan.users}

    few, many = drawn(2, 5), drawn(4, 9)
    assert {place: many[place] for place in few} == few
    assert len({seed for _, seed in many.values()}) == 36
