"""`quota` and `billing` of the summary: did the platform hold its limits, and do its books agree with its users'."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from raysim.core.aggregation.billing import Bill, BillVerdict, Reconciliation, Unrecorded, reconcile
from raysim.core.aggregation.quota import Cut, CutVerdict, RetryAfter, judge_cut, judge_retry_after
from raysim.core.plan.run_plan import TenantPlan
from raysim.report.course import requests_by_tenant
from raysim.report.facts import RunFacts
from raysim.report.numbers import count, elapsed, seconds, share, usd

_NO_BOOKS = "the platform states no charges: neither in its answers' headers nor in a ledger that raysim can read"
#: fewer rows than this share with a stated price say nothing of the sum
_NEARLY_ALL = 0.99
_MOST_NAMED = 3


def charged(ledger: Mapping[str, Any], tenants: Iterable[TenantPlan]) -> dict[str, Bill]:
    """What a simulated platform's ledger (`/sim/ledger`) charged each of `tenants`, by name."""
    accounts = {account["slug"]: account for account in ledger["orgs"]}
    return {
        tenant.name: Bill(
            usd=account["usd"],
            requests=account["requests"]["served"],
            prompt_tokens=account["prompt_tokens"],
            completion_tokens=account["completion_tokens"],
        )
        for tenant in tenants
        if (account := accounts.get(tenant.slug)) is not None
    }


def quota(rows: pl.DataFrame, facts: RunFacts) -> dict[str, dict[str, Any]]:
    """By name, of each tenant that has a budget, was refused or was limited: where it was cut, how long it was to wait.

    Args:
        rows: as `timed` made them.
        facts: the run.
    """
    budgets = {tenant.name: tenant.budget_usd for tenant in facts.plan.tenants}
    found = dict(requests_by_tenant(rows))
    entries = {}
    for name in dict.fromkeys((*budgets, *found)):
        requests = found.get(name)
        if requests is None:
            continue
        cut, waits = judge_cut(requests, budgets.get(name)), judge_retry_after(requests)
        stated = _stated_limit(rows, name)
        if cut.budget_usd is None and cut.first_refusal_s is None and waits is None:
            continue
        entries[name] = {
            **{key: str(value) if key == "verdict" else value for key, value in asdict(cut).items()},
            "stated_usage": stated[0],
            "stated_limit": stated[1],
            "sentence": _cut_sentence(name, cut),
            "retry_after": None if waits is None else asdict(waits) | {"sentence": _wait_sentence(name, waits)},
        }
    return entries


def _stated_limit(rows: pl.DataFrame, tenant: str) -> tuple[float | None, float | None]:
    """Usage and limit as the tenant's first refusal over a spent budget or quota states them."""
    refusals = rows.filter((pl.col("org_id") == tenant) & pl.col("spent")).sort("sent_s")
    return (refusals["stated_usage"][0], refusals["stated_limit"][0]) if refusals.height else (None, None)


def left_note(rows: pl.DataFrame) -> str:
    """A sentence on users that left because their tenant had run out; "" when none did."""
    left = rows.filter(pl.col("spent")).select("org_id", "user_id").unique()
    if left.is_empty():
        return ""
    orgs = left["org_id"].unique().sort().to_list()
    named = ", ".join(orgs[:_MOST_NAMED]) + (f" and {len(orgs) - _MOST_NAMED} more" if orgs[_MOST_NAMED:] else "")
    return (
        f"{left.height} users of {named} left when their budget or quota was used up; their places stayed empty, so "
        "that the other tenants' load is the one that was planned"
    )


def billing(
    rows: pl.DataFrame, facts: RunFacts, unrecorded: Mapping[str, Unrecorded]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The client's count against the platform's, of the run and of each tenant by name.

    Without the latter the run's has the reason why, and tenants have none.

    Args:
        rows: as `timed` made them.
        facts: the run.
        unrecorded: by tenant, the most that lost users' requests without a record can have been charged.
    """
    mine = {str(name): _client(part, stated=False) for (name,), part in rows.group_by("org_id", maintain_order=True)}
    if facts.books:
        source, theirs = "ledger", dict(facts.books)
        total = _sum(theirs.values())
    else:
        said = {str(name): _stated(part) for (name,), part in rows.group_by("org_id", maintain_order=True)}
        theirs = {name: bill for name, bill in said.items() if bill is not None}
        source, total = "headers", _sum(theirs.values())
        # only what was priced by both can be compared
        priced = rows.filter(pl.col("billed_usd").is_not_null())
        mine = {
            str(name): _client(part, stated=True) for (name,), part in priced.group_by("org_id", maintain_order=True)
        }
    if not theirs:
        nothing_said = {"source": None, "reason": _NO_BOOKS, "verdict": None, "sentence": None, "total": None}
        return nothing_said, {}
    nothing = Bill(0.0, 0, 0, 0)
    names = [tenant.name for tenant in facts.plan.tenants]
    # headers tell only of requests that have a record
    lost = unrecorded if source == "ledger" else {}
    tenants = {
        n: reconcile(mine.get(n, nothing), theirs.get(n, nothing), lost.get(n))
        for n in names
        if n in mine or n in theirs
    }
    whole = reconcile(_sum(mine.values()), total)
    apart = [name for name, found in tenants.items() if found.verdict is BillVerdict.DIFFERS]
    explained = any(found.verdict is BillVerdict.EXPLAINED for found in tenants.values())
    if explained and not apart:
        whole = replace(whole, verdict=BillVerdict.EXPLAINED)
    verdict = BillVerdict.DIFFERS if apart else whole.verdict
    run = {
        "source": source,
        "reason": None,
        "verdict": str(verdict),
        "sentence": _bill_sentence(whole, source, apart),
        "total": _reconciled(whole),
    }
    return run, {name: _reconciled(found) for name, found in tenants.items()}


def _client(rows: pl.DataFrame, *, stated: bool) -> Bill:
    usd_ = math.fsum(rows["cost_usd"].drop_nulls())
    if stated:
        return Bill(usd=usd_)
    served = int(rows["success"].sum())
    return Bill(usd_, served, int(rows["prompt_tokens"].sum()), int(rows["completion_tokens"].sum()))


def _stated(rows: pl.DataFrame) -> Bill | None:
    """What headers say, if they say it of nearly every answer."""
    served = rows.filter(pl.col("success"))
    said = served["billed_usd"].drop_nulls()
    if not served.height or said.len() < _NEARLY_ALL * served.height:
        return None
    return Bill(usd=math.fsum(rows["billed_usd"].drop_nulls()))


def _sum(bills: Iterable[Bill]) -> Bill:
    parts = list(bills)

    def total(values: list[int | None]) -> int | None:
        return None if None in values else sum(value for value in values if value is not None)

    return Bill(
        usd=math.fsum(bill.usd for bill in parts if bill.usd is not None),
        requests=total([bill.requests for bill in parts]),
        prompt_tokens=total([bill.prompt_tokens for bill in parts]),
        completion_tokens=total([bill.completion_tokens for bill in parts]),
    )


def _reconciled(found: Reconciliation) -> dict[str, Any]:
    return {
        "verdict": str(found.verdict),
        "client": asdict(found.client),
        "platform": asdict(found.platform),
        "difference": asdict(found.difference) | {"usd_share": found.share},
    }


def _bill_sentence(whole: Reconciliation, source: str, apart: list[str]) -> str:
    platform, client, difference = whole.platform, whole.client, whole.difference
    says = "ledger says" if source == "ledger" else "headers say"
    said = f"the platform's {says} {usd(platform.usd)}, users counted {usd(client.usd)}"
    if not apart and whole.verdict is BillVerdict.AGREES:
        tokens = (
            f" (and {count(platform.completion_tokens)} tokens out, {difference.completion_tokens:+d})"
            if difference.completion_tokens is not None
            else ""
        )
        return f"agrees: {said}{tokens}"
    if not apart and whole.verdict is BillVerdict.EXPLAINED:
        more = f"{count(difference.requests)} requests more" if difference.requests else "more"
        return f"explained by lost users: {said}; {more} is within what they may have sent without a record"
    off = f"{share(whole.share)} more" if (whole.share or 0) >= 0 else f"{share(-(whole.share or 0))} less"
    named = ", ".join(apart[:_MOST_NAMED]) + (f" and {len(apart) - _MOST_NAMED} more" if apart[_MOST_NAMED:] else "")
    where = f"; apart for {named}" if apart else ""
    return f"differs: {said} ({off}){where}"


_CUTS: Mapping[CutVerdict, str] = {
    CutVerdict.AT_BUDGET: "cut at its budget",
    CutVerdict.LATE: "cut too late",
    CutVerdict.EARLY: "cut too early",
    CutVerdict.NO_CUT: "never cut, although it spent more than its budget",
    CutVerdict.NOT_REACHED: "did not reach its budget",
    CutVerdict.NO_BUDGET: "was refused, by a limit that raysim does not know",
}


def _cut_sentence(name: str, cut: Cut) -> str:
    if cut.first_refusal_s is None:
        if cut.budget_usd is None:
            return ""
        return f"{name} {_CUTS[cut.verdict]}: spent {usd(cut.spent_usd)} of {usd(cut.budget_usd)}"
    text = f"{name} {_CUTS[cut.verdict]}"
    if cut.budget_usd is not None:
        text += f" of {usd(cut.budget_usd)}"
    text += (
        f": {usd(cut.spent_at_last_admission_usd)} spent when the last request was let in, "
        f"{usd(cut.spent_at_first_refusal_usd)} at the first refusal, at {elapsed(cut.first_refusal_s)}"
    )
    if cut.off_by_requests:
        text += f" ({abs(cut.off_by_requests):.1f} requests {'late' if cut.off_by_requests > 0 else 'early'})"
    text += f"; {usd(cut.under_way_usd)} more was under way"
    served = cut.served_after_refusal
    return text + (f"; {count(served)} served after it" if served else "; none served after it")


def _wait_sentence(name: str, waits: RetryAfter) -> str:
    text = f"{name} was rate limited {count(waits.limited)} times"
    if waits.unstated == waits.limited:
        return f"{text}, without a Retry-After"
    tested = waits.kept + waits.broken
    if not tested:
        return f"{text}; nobody came back after the {seconds(waits.promised_p50_s)} that it was told to wait"
    return (
        f"{text}; told to wait {seconds(waits.promised_p50_s)} (p50), and served after that in "
        f"{count(waits.kept)} of {count(tested)} cases"
        + (f", {seconds(waits.actual_p50_s)} after the refusal (p50)" if waits.actual_p50_s is not None else "")
    )
