"""How the run kept to its plan and to its limit of cost."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from raysim.report.facts import RunFacts

#: below this, in USD, a difference is one of adding up
_ROUNDING_USD = 1e-12
#: leases count whole picodollars; below this, in USD, thousands of requests differ by rounding
_PICODOLLARS_USD = 1e-8
#: how old what is known of active users may be, in seconds: a pack's report and a sample
_KNOWN_LATE_S = 2.0


def limit_figures(rows: pl.DataFrame, cost: Mapping[str, float], facts: RunFacts) -> dict[str, float | None]:
    """What `cost` of the run's requests is beside its limit.

    `reserved_unsettled_usd` is what actors that were lost had set aside, as far as no record tells what became of it.
    `overspend_usd` is against the most that was allowed: what had been spent when a limit was lowered is not over it.
    `utilisation` is the share of the limit that is spent or has to be taken as spent.
    """
    limit = facts.plan.limits.max_cost_usd
    unsettled = _unsettled(rows, facts.lost_commitments)
    unknown = cost["unverified_usd"] if facts.plan.limits.unknown_cost == "reserved" else 0.0
    spent = cost["usd"] + unknown + unsettled
    allowed = limit if facts.allowed_usd is None else facts.allowed_usd
    over = 0.0 if allowed is None else cost["usd"] - allowed
    return {
        "reserved_unsettled_usd": unsettled,
        "limit_usd": limit,
        "overspend_usd": None if limit is None else over if over > _ROUNDING_USD else 0.0,
        "utilisation": spent / limit if limit else None,
        "short_from_s": facts.money_short_from_s,
    }


def schedule_error(facts: RunFacts) -> dict[str, float | None]:
    """How far the active users were from the target at each second of the load pattern, in users.

    Samples are about a second apart, and packs report about once a second: a change that is on time shows up to two
    seconds late here. `largest_lasting_users` is therefore, for each moment, how far outside the range of the targets
    of the two seconds before the active users were.
    """
    samples = [s for s in facts.samples if s.run_s < facts.load_s]
    if not samples:
        return {"mean_users": None, "largest_users": None, "largest_lasting_users": None}
    lasting = []
    for index, sample in enumerate(samples):
        recent = [s.target for s in samples[max(0, index - 3) : index + 1] if s.run_s >= sample.run_s - _KNOWN_LATE_S]
        if sample.run_s < _KNOWN_LATE_S:
            # before second 0 nobody was to be active
            recent.append(0)
        low, high = min(recent), max(recent)
        lasting.append(max(0, low - sample.active, sample.active - high))
    return {
        "mean_users": sum(sample.active - sample.target for sample in samples) / len(samples),
        "largest_users": max(abs(sample.active - sample.target) for sample in samples),
        "largest_lasting_users": max(lasting),
    }


def _unsettled(rows: pl.DataFrame, commitments: Mapping[str, float]) -> float:
    if not commitments:
        return 0.0
    told = rows.filter(pl.col("worker").is_in(list(commitments))).group_by("worker")
    sums = dict(told.agg((pl.col("cost_usd") + pl.col("unverified_usd")).sum()).iter_rows())
    left = (usd - float(sums.get(worker, 0.0)) for worker, usd in commitments.items())
    return sum(usd for usd in left if usd > _PICODOLLARS_USD)
