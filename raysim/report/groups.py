"""The same figures for each tenant, each model, each endpoint and each phase."""

from __future__ import annotations

from typing import Any

from raysim.core.plan.load import PhasePlan
from raysim.report.facts import RunFacts
from raysim.report.figures import figures
from raysim.report.measured import Measured


def headline_s(facts: RunFacts) -> float:
    """How long the phases that count really lasted, in seconds."""
    return sum(_ran_s(phase, facts) for phase in facts.plan.schedule.phases if not phase.excluded)


def tenants(measured: Measured, facts: RunFacts) -> list[dict[str, Any]]:
    """One entry a tenant, in the plan's order, also for those that sent nothing."""
    planned = {tenant.name: tenant for tenant in facts.plan.tenants}
    over_s, entries = headline_s(facts), []
    for name in dict.fromkeys((*planned, *measured.names("org_id"))):
        tenant = planned.get(name)
        mine = measured.only("org_id", name)
        entry = figures(mine, mine.headline(), over_s)
        entry["cost"]["budget_usd"] = tenant.budget_usd if tenant else None
        entries.append({"org_id": name, "users": tenant.users if tenant else None, **entry})
    return entries


def models(measured: Measured, facts: RunFacts) -> list[dict[str, Any]]:
    """One entry a model that was asked, with what its speed costs.

    `tps_per_usd` is the mean TPS of an answer for each dollar that a million tokens cost; `tps_efficiency` is the mean
    TPS as a share of what one stream reaches at best.
    """
    over_s, entries = headline_s(facts), []
    # calls that ask no model for anything have none
    for name in sorted(filter(None, measured.names("model"))):
        mine = measured.only("model", name)
        entry = figures(mine, mine.headline(), over_s)
        price = facts.plan.prices.get(name)
        tps, usd = entry["tps"]["mean"], entry["cost"]["usd_per_million_tokens"]
        best = price.theoretical_tps if price else None
        entry["cost"]["input_usd_per_million"] = price.input_usd_per_million if price else None
        entry["cost"]["output_usd_per_million"] = price.output_usd_per_million if price else None
        entry["tps_per_usd"] = tps / usd if tps is not None and usd else None
        entry["tps_efficiency"] = tps / best if tps is not None and best else None
        entries.append({"model": name, **entry})
    return entries


def endpoints(measured: Measured, facts: RunFacts) -> list[dict[str, Any]]:
    """One entry an endpoint that was called, by its name in the records."""
    over_s, entries = headline_s(facts), []
    for name in sorted(measured.names("endpoint")):
        mine = measured.only("endpoint", name)
        entries.append({"endpoint": name, **figures(mine, mine.headline(), over_s)})
    return entries


def phases(measured: Measured, facts: RunFacts) -> list[dict[str, Any]]:
    """One entry a phase of the plan, the excluded ones too: target and achieved users, and all figures."""
    entries = []
    for phase in facts.plan.schedule.phases:
        ran_s = _ran_s(phase, facts)
        mine = measured.only("phase", phase.name)
        entries.append(
            {
                "name": phase.name,
                "kind": phase.kind,
                "excluded": phase.excluded,
                "start_s": phase.start_s,
                "planned_s": phase.duration_s,
                "ran_s": ran_s,
                "target_users": phase.to_users,
                **_users(phase, facts),
                **figures(mine, mine, ran_s),
            }
        )
    return entries


def _users(phase: PhasePlan, facts: RunFacts) -> dict[str, float | None]:
    samples = [s for s in facts.samples if phase.start_s <= s.run_s < min(phase.end_s, facts.load_s)]
    if not samples:
        return {"target_mean_users": None, "achieved_mean_users": None}
    return {
        "target_mean_users": sum(s.target for s in samples) / len(samples),
        "achieved_mean_users": sum(s.active for s in samples) / len(samples),
    }


def _ran_s(phase: PhasePlan, facts: RunFacts) -> float:
    return max(0.0, min(phase.end_s, facts.load_s) - phase.start_s)
