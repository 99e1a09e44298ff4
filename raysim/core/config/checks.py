"""What is to be said about a scenario as a whole: errors between its sections, and what its author should know."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysim.core.behaviour.questions import TEMPLATE
from raysim.core.config.base import Part
from raysim.core.config.endpoint_checks import endpoint_errors, endpoint_warnings
from raysim.core.config.goal_checks import goal_errors
from raysim.core.config.models import price_of
from raysim.core.config.paths import Location, key_of, spell
from raysim.core.config.prompt_checks import prompt_errors, prompt_warnings
from raysim.core.config.quantities import DistributionSpec
from raysim.core.config.support import without_effect
from raysim.core.errors import Problem
from raysim.core.pricing import most_usd, prompt_bound
from raysim.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from raysim.core.config.load import PhaseSpec
    from raysim.core.config.scenario import Scenario

#: no built-in question has fewer bytes
_SHORTEST_QUESTION = 80
#: users a worker node may play without distorting what it measures
_USERS_PER_WORKER = (10, 50)


@dataclass(frozen=True, slots=True)
class Check:
    """A check and the sections below `spec` that it reads; it is left out when one of them could not be read."""

    run: Callable[[Scenario], Iterable[Problem]]
    reads: frozenset[str]


def errors(scenario: Scenario, unreadable: frozenset[str] = frozenset()) -> list[Problem]:
    """What is wrong with `scenario`, apart from sections that are `unreadable` and stand for their defaults."""
    found: list[Problem] = []
    if not unreadable & {"userBehavior", "models"}:
        found += _unpriced(scenario)
    if not unreadable & {"userBehavior", "advanced"}:
        found += _no_templates(scenario)
    if not unreadable & {"endpoints", "targets", "models"}:
        found += endpoint_errors(scenario)
    if not unreadable & {"userBehavior", "targets"}:
        found += prompt_errors(scenario)
    if not unreadable & {"thresholds", "slo", "organizations", "loadPattern", "userBehavior", "endpoints", "models"}:
        found += goal_errors(scenario)
    return found


def warnings(scenario: Scenario, unreadable: frozenset[str] = frozenset()) -> list[Problem]:
    """What the author of `scenario` should know, apart from sections that are `unreadable`."""
    checks = (
        Check(_too_many_targets, frozenset({"organizations", "users", "loadPattern"})),
        Check(_phases_of_one_name, frozenset({"loadPattern"})),
        Check(_too_few_slots, frozenset({"organizations", "users", "workers"})),
        Check(_users_per_worker, frozenset({"workers"})),
        Check(_longer_than_allowed, frozenset({"loadPattern", "limits"})),
        Check(_cut_at_the_end, frozenset({"loadPattern", "limits"})),
        Check(_limit_below_one_request, frozenset({"limits", "models", "userBehavior", "endpoints"})),
        Check(_budgets_out_of_reach, frozenset({"organizations", "targets"})),
        Check(_keys_of_nobody, frozenset({"apiKeys", "targets"})),
        Check(_arrivals_for_nobody, frozenset({"loadPattern"})),
        Check(_more_arrivals_than_allowed, frozenset({"loadPattern", "limits"})),
        Check(_shared_keys, frozenset({"organizations", "users", "targets"})),
        Check(_no_limits, frozenset({"limits"})),
        Check(_constants, frozenset({"userBehavior"})),
        Check(_unused_templates, frozenset({"userBehavior", "advanced"})),
        Check(endpoint_warnings, frozenset({"endpoints"})),
        Check(prompt_warnings, frozenset({"userBehavior", "targets", "models"})),
        Check(without_effect, frozenset()),
    )
    return [p for check in checks if not check.reads & unreadable for p in check.run(scenario)]


def _unpriced(scenario: Scenario) -> Iterator[Problem]:
    names = dict.fromkeys(p.model for p in scenario.spec.user_behavior.model_preferences)
    for name in names:
        if price_of(name, scenario.spec.models) is None:
            yield Problem(
                spell(("spec", "models", name)),
                f"users may ask for {name!r}, whose price is not known, so limits.maxCostUsd could not be kept; "
                "give inputUsdPerMillion and outputUsdPerMillion",
            )


def _no_templates(scenario: Scenario) -> Iterator[Problem]:
    if scenario.spec.advanced.question_templates:
        return
    for place, strategy in enumerate(scenario.spec.user_behavior.question_strategies):
        if strategy.name == TEMPLATE:
            yield Problem(
                f"spec.userBehavior.questionStrategies[{place}].name",
                "template has nothing to ask; give the questions in spec.advanced.questionTemplates",
            )


def _unused_templates(scenario: Scenario) -> Iterator[Problem]:
    names = [strategy.name for strategy in scenario.spec.user_behavior.question_strategies if strategy.weight > 0]
    if scenario.spec.advanced.question_templates and TEMPLATE not in names:
        yield Problem(
            "spec.advanced.questionTemplates",
            "nobody asks these; add {name: template} to spec.userBehavior.questionStrategies",
        )


def _too_many_targets(scenario: Scenario) -> Iterator[Problem]:
    fewest, most = scenario.user_range()
    for index, phase in enumerate(scenario.spec.load_pattern.phases):
        target = phase.target_active_users
        if target is None or target <= fewest:
            continue
        path = spell(("spec", "loadPattern", "phases", index, "targetActiveUsers"))
        if fewest == most or target > most:
            there = f"{most}" if fewest == most else f"{fewest} to {most}"
            yield Problem(path, f"targets {target} users, but there are {there}: {there} will be active")
        else:
            yield Problem(
                path, f"targets {target} users; there will be {fewest} to {most}, at most those can be active"
            )


def _phases_of_one_name(scenario: Scenario) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, phase in enumerate(scenario.spec.load_pattern.phases):
        if phase.name in seen:
            path = spell(("spec", "loadPattern", "phases", index, "name"))
            yield Problem(path, f"another phase is called {phase.name!r} too: metrics show the two as one")
        seen.add(phase.name)


def _too_few_slots(scenario: Scenario) -> Iterator[Problem]:
    workers, (_, most) = scenario.spec.workers, scenario.user_range()
    if workers.replicas is None:
        return
    slots = workers.replicas * workers.users_per_worker
    if most > slots:
        yield Problem(
            "spec.workers.replicas",
            f"{most} users do not fit {workers.replicas} workers of {workers.users_per_worker} ({slots} slots): "
            "on a cluster of that size the run stops in preflight, before anything is created; "
            "a local run makes its own slots",
        )


def _users_per_worker(scenario: Scenario) -> Iterator[Problem]:
    low, high = _USERS_PER_WORKER
    users = scenario.spec.workers.users_per_worker
    if not low <= users <= high:
        risk = "a worker may become the bottleneck of what it measures" if users > high else "nodes will be idle"
        yield Problem("spec.workers.usersPerWorker", f"found {users}; {low} to {high} is usual: {risk}")


def _longer_than_allowed(scenario: Scenario) -> Iterator[Problem]:
    limit, pattern = scenario.spec.limits.max_duration, scenario.spec.load_pattern
    if limit is None or pattern.total_duration <= limit:
        return
    phase = _phase_at(pattern.phases, limit)
    yield Problem(
        "spec.limits.maxDuration",
        f"the phases last {format_duration(pattern.total_duration)} in all: the run stops at {format_duration(limit)}, "
        f"in phase {phase.name!r}, with exit code 5",
    )


def _cut_at_the_end(scenario: Scenario) -> Iterator[Problem]:
    limits, lasts_s = scenario.spec.limits, scenario.spec.load_pattern.total_duration
    limit = limits.max_duration
    if limit is not None and lasts_s <= limit < lasts_s + limits.drain:
        yield Problem(
            "spec.limits.maxDuration",
            f"leaves requests in flight at the end {format_duration(limit - lasts_s)} instead of limits.drain, "
            f"{format_duration(limits.drain)}: what takes longer is cut",
        )


def _limit_below_one_request(scenario: Scenario) -> Iterator[Problem]:
    """Only where every request is a chat, whose size is known well enough."""
    spec, limit = scenario.spec, scenario.spec.limits.max_cost_usd
    if limit is None or any(endpoint.name != "chat" or endpoint.request for endpoint in spec.endpoints):
        return
    tokens = math.ceil(spec.user_behavior.max_tokens_per_request.to_distribution().low)
    costs = [most_usd(price, prompt_bound(_SHORTEST_QUESTION), tokens) for price in scenario.prices().values()]
    if costs and min(costs) > limit:
        yield Problem(
            "spec.limits.maxCostUsd",
            f"{limit:g} is less than the {min(costs):.6f} that one request can cost: nothing will be sent",
        )


def _phase_at(phases: tuple[PhaseSpec, ...], moment: float) -> PhaseSpec:
    for phase in phases:
        if moment < phase.duration:
            return phase
        moment -= phase.duration
    return phases[-1]


def _budgets_out_of_reach(scenario: Scenario) -> Iterator[Problem]:
    organizations = scenario.spec.organizations
    if scenario.spec.targets.platform in ("embedded", "litellm") or not organizations.has_budget:
        return
    paths = ["spec.organizations.budgetUsd"] if organizations.budget_usd is not None else []
    paths += [
        f"spec.organizations.overrides[{place}].budgetUsd"
        for place, override in enumerate(organizations.overrides)
        if override.budget_usd is not None
    ]
    for path in paths:
        yield Problem(
            path, "raysim cannot set it on this platform: it is what the report expects; an operator sets it there"
        )


def _shared_keys(scenario: Scenario) -> Iterator[Problem]:
    targets, (_, most) = scenario.spec.targets, scenario.user_range()
    if targets.platform != "static" or most == 1:
        return
    if targets.api_keys is None:
        yield Problem("spec.targets.apiKeys", f"is not given: the {most} users send requests without a key")
        return
    key, name = ("env", targets.api_keys.env) if targets.api_keys.env else ("file", targets.api_keys.file)
    yield Problem(
        f"spec.targets.apiKeys.{key}",
        f"if {name} holds fewer than {most} keys, the {most} users share them in turn, and limits for each key too",
    )


def _keys_of_nobody(scenario: Scenario) -> Iterator[Problem]:
    if scenario.spec.targets.platform == "static" and scenario.spec.api_keys.per_user > 1:
        yield Problem("spec.apiKeys.perUser", "has no effect on a static platform: users create no keys there")


def _arrivals_for_nobody(scenario: Scenario) -> Iterator[Problem]:
    before = 0
    for index, phase in enumerate(scenario.spec.load_pattern.phases):
        target = phase.target_active_users
        if target == before == 0 and (phase.arrivals or scenario.spec.load_pattern.arrivals).mode != "closed":
            path = spell(("spec", "loadPattern", "phases", index, "targetActiveUsers"))
            yield Problem(path, "is 0: requests will arrive, and nobody is there to send them; they count as unsent")
        before = 1 if target is None else target


def _more_arrivals_than_allowed(scenario: Scenario) -> Iterator[Problem]:
    pattern, most = scenario.spec.load_pattern, scenario.spec.limits.max_requests_per_second
    rates = [(phase.arrivals or pattern.arrivals).requests_per_second or 0.0 for phase in pattern.phases]
    if most is not None and max(rates) > most:
        yield Problem(
            "spec.limits.maxRequestsPerSecond",
            f"{most:g} is less than the {max(rates):g} that arrive: requests will be sent later and later, "
            "and what is left over counts as unsent",
        )


def _no_limits(scenario: Scenario) -> Iterator[Problem]:
    if scenario.spec.limits.max_cost_usd is None:
        yield Problem("spec.limits.maxCostUsd", "is null: nothing but its length bounds what the run can cost")


def _constants(scenario: Scenario) -> Iterator[Problem]:
    for location, spec in _distributions(scenario.spec, ("spec",)):
        if spec.base is not None and spec.variance is None and not (spec.min is None and spec.max is None):
            yield Problem(
                spell((*location, "variance")),
                f"is not given, so the value is always {spec.base:g}; 0 says so on purpose",
            )


def _distributions(part: Part, location: Location) -> Iterator[tuple[Location, DistributionSpec]]:
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        here = (*location, key_of(name, field))
        if isinstance(value, DistributionSpec):
            yield here, value
        elif isinstance(value, Part):
            yield from _distributions(value, here)
