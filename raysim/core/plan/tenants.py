"""Which organisations and users a run creates: counts, names, budgets, models. Drawn from the seed alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from raysim.core.config.scenario import Scenario
from raysim.core.plan.run_plan import TenantPlan, UserPlan
from raysim.core.rng import Stream, derive

_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")
_NOT_IN_MAILBOX = re.compile(r"[^a-z0-9.+-]+")
_RANDOM_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def plan_tenants(scenario: Scenario, seed: int, short: str, started: str) -> tuple[TenantPlan, ...]:
    """The organisations of the run.

    Args:
        scenario: the scenario.
        seed: the run's seed.
        short: the run's short id; part of every slug, so that a platform never sees the same slug from two runs.
        started: the run's start, for `{timestamp}`.
    """
    spec = scenario.spec.organizations
    counts = user_counts(scenario, seed)
    tenants = []
    for index in range(1, spec.count + 1):
        name = fill(
            spec.naming_pattern,
            index=str(index),
            timestamp=started,
            random=_random_text(Stream.of(seed, "org-name", index)),
        )
        slug = _NOT_IN_SLUG.sub("-", f"{name}-{short}".lower()).strip("-")
        tenants.append(TenantPlan(index, name, slug, counts[index - 1], spec.budget_of(index)))
    return _distinct(tenants)


def user_counts(scenario: Scenario, seed: int) -> list[int]:
    """Users of each organisation.

    Every organisation draws a number from `users.perOrg`. With distribution `random` it keeps it; with `even` and
    `weighted` the sum of the draws is shared out by largest remainders, equally or by `weights`. Overrides replace.
    """
    spec = scenario.spec.organizations
    per_org = scenario.spec.users.per_org.to_distribution()
    draws = [per_org.sample_int(Stream.of(seed, "org-users", index)) for index in range(1, spec.count + 1)]
    if spec.distribution == "even":
        draws = apportion(sum(draws), [1.0] * spec.count)
    elif spec.distribution == "weighted" and spec.weights:
        draws = apportion(sum(draws), spec.weights)
    for override in spec.overrides:
        if override.users is not None:
            draws[override.index - 1] = override.users
    return draws


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """`total` shared in proportion to `weights` as whole numbers, by largest remainders; earlier ones win ties."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def plan_users(scenario: Scenario, seed: int, short: str, tenants: tuple[TenantPlan, ...]) -> tuple[UserPlan, ...]:
    """The users of the run in the order of their activation: first one of every organisation, then the second ones."""
    spec = scenario.spec.users
    preferences = scenario.spec.user_behavior.model_preferences
    weights = tuple(preference.weight for preference in preferences)
    places = sorted((number, tenant.index) for tenant in tenants for number in range(1, tenant.users + 1))
    users = []
    for index, (number, org) in enumerate(places):
        tenant = tenants[org - 1]
        draw = Stream.of(seed, "user", org, number)
        model = preferences[draw.weighted(weights)].model
        name = fill(spec.naming_pattern, org=tenant.name, index=str(number), random=_random_text(draw))
        seed_of_user = derive(seed, "behaviour", org, number)
        users.append(UserPlan(index, org, tenant.name, number, name, _mailbox(name), model, seed_of_user))
    return tuple(replace(user, email=f"{user.email}+{short}@{spec.email_domain}") for user in _told_apart(users))


def fill(pattern: str, **values: str) -> str:
    """`pattern` with `{name}` replaced by each value; unknown placeholders were refused when the file was read."""
    for name, value in values.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern


def _distinct(tenants: list[TenantPlan]) -> tuple[TenantPlan, ...]:
    """Names and slugs made distinct by their index where the pattern does not do it."""
    if len({tenant.slug for tenant in tenants}) == len(tenants):
        return tuple(tenants)
    return tuple(
        TenantPlan(t.index, f"{t.name}-{t.index}", f"{t.slug}-{t.index}", t.users, t.budget_usd) for t in tenants
    )


def _mailbox(name: str) -> str:
    return _NOT_IN_MAILBOX.sub("-", name.lower())


def _told_apart(users: list[UserPlan]) -> list[UserPlan]:
    """Names and mailboxes made distinct in the whole run where the pattern does not do it: records go by the name."""
    if len({user.email for user in users}) == len(users):
        return users
    return [replace(user, name=f"{user.name}-{user.index}", email=f"{user.email}-{user.index}") for user in users]


def _random_text(stream: Stream) -> str:
    return "".join(_RANDOM_LETTERS[stream.below(len(_RANDOM_LETTERS))] for _ in range(5))
