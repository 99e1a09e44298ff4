from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from raysim.core.aggregation.billing import Bill
from raysim.core.plan.run_plan import RunPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.report.accounts import charged
from raysim.report.console import render_summary
from raysim.report.facts import RunFacts
from raysim.report.summary import summarise
from tests.component.report.sample_run import MS, STARTED, facts, failure, plan, plan_names, record, rows
from tests.component.report.tenants_run import tenants_run

FIRST, SECOND = plan_names()


def summary(records: list[RequestRecord], run: RunFacts | None = None) -> dict[str, Any]:
    found = summarise(rows(records), run or facts())
    json.dumps([found["tenants"], found["billing"]])
    return found


def quotas(found: dict[str, Any]) -> dict[str, Any]:
    return {tenant["org_id"]: tenant["quota"] for tenant in found["tenants"]}


def bills(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [tenant["billing"] for tenant in found["tenants"]]


def console(found: dict[str, Any]) -> str:
    out = io.StringIO()
    render_summary(found, Console(file=out, width=100))
    return " ".join(out.getvalue().split())


def test_where_a_tenant_was_cut() -> None:
    # 160 answers of a tenth of a cent, all over before the first refusal
    found = summary(tenants_run(), facts(plan=plan_with_budget(0.16)))
    mine = quotas(found)
    # the other one went on, and was to be cut likewise
    assert (mine[FIRST]["verdict"], mine[FIRST]["first_refusal_s"]) == ("no_cut", None)
    cut = mine[SECOND]
    assert (cut["verdict"], cut["budget_usd"], cut["refused"], cut["served_after_refusal"]) == ("at_budget", 0.16, 3, 0)
    assert cut["spent_at_first_refusal_usd"] == pytest.approx(0.160)
    assert cut["under_way_usd"] == 0.0
    assert (cut["stated_usage"], cut["stated_limit"], mine[FIRST]["stated_limit"]) == (0.1602, 0.16, None)
    assert cut["sentence"].startswith(
        "org-2 cut at its budget of $0.160: $0.158 spent when the last request was let in"
    )
    assert cut["sentence"].endswith("at the first refusal, at 30s; $0.00 more was under way; none served after it")
    assert "quota: org-2 cut at its budget" in console(found)


def test_a_cut_at_another_place_than_the_budget() -> None:
    early = quotas(summary(tenants_run()))[SECOND]
    assert (early["verdict"], early["budget_usd"]) == ("early", 1.0)
    assert "cut too early of $1.00" in early["sentence"]
    late = quotas(summary(tenants_run(), facts(plan=plan_with_budget(0.1))))[SECOND]
    assert late["verdict"] == "late"
    assert late["off_by_requests"] == pytest.approx(58.0, abs=0.5)


def plan_with_budget(usd: float) -> RunPlan:
    made = plan()
    return replace(made, tenants=tuple(replace(tenant, budget_usd=usd) for tenant in made.tenants))


def test_whether_retry_after_was_true() -> None:
    at = STARTED * 1000 * MS + 20_000 * MS

    def limited(number: int, second: float, user: str) -> RequestRecord:
        return failure(
            number,
            ErrorKind.RATE_LIMITED,
            due_unix_ns=at + int(second * 1000 * MS),
            user_id=user,
            retry_after_s=2.0,
        )

    records = [
        limited(0, 0.0, "a"),
        record(1, due_unix_ns=at + 3_000 * MS, user_id="a"),
        limited(2, 0.5, "b"),
        limited(3, 3.0, "b"),
    ]
    found = summary(records)
    waits = quotas(found)[FIRST]["retry_after"]
    assert (waits["limited"], waits["kept"], waits["broken"], waits["untested"]) == (3, 1, 1, 1)
    assert (waits["promised_p50_s"], waits["promised_max_s"]) == (2.0, 2.0)
    assert waits["actual_p50_s"] == pytest.approx(2.951)
    assert "told to wait 2.00 s (p50), and served after that in 1 of 2 cases" in waits["sentence"]
    assert "rate limited 3 times" in console(found)


def test_without_books_the_reason_stands_there() -> None:
    found = summary(tenants_run())
    assert found["billing"]["source"] is found["billing"]["verdict"] is None
    assert not any(bills(found))
    assert found["billing"]["reason"].startswith("the platform states no charges")
    assert "billing:" not in console(found)


def test_headers_are_held_against_the_price_table() -> None:
    found = summary(tenants_run(stated=True))
    assert found["billing"]["source"] == "headers"
    assert (found["billing"]["verdict"], found["billing"]["total"]["difference"]["usd"]) == (
        "agrees",
        pytest.approx(0.0, abs=1e-12),
    )
    assert "billing: agrees: the platform's headers say $0.480, users counted $0.480" in console(found)
    dearer = [record(i, billed_usd=0.0012) for i in range(50)]
    billing = summary(dearer)["billing"]
    assert (billing["verdict"], billing["total"]["difference"]["usd_share"]) == ("differs", pytest.approx(0.2))
    assert billing["sentence"].startswith(
        "differs: the platform's headers say $0.0600, users counted $0.0500 (20.0% more)"
    )


def test_a_few_stated_prices_say_nothing_of_the_sum() -> None:
    records = [record(i, billed_usd=0.001 if i % 2 else float("nan")) for i in range(50)]
    assert summary(records)["billing"]["source"] is None


def test_a_ledger_is_held_against_what_users_counted() -> None:
    bill = Bill(usd=0.005, requests=5, prompt_tokens=100, completion_tokens=55)
    records = [record(i) for i in range(5)]
    whole = summary(records, facts(books={FIRST: bill, SECOND: Bill(0.0, 0, 0, 0)}))
    found = whole["billing"]
    assert (found["source"], found["verdict"]) == ("ledger", "agrees")
    assert [tenant["verdict"] for tenant in bills(whole) if tenant] == ["agrees", "agrees"]
    assert found["sentence"] == (
        "agrees: the platform's ledger says $0.00500, users counted $0.00500 (and 55 tokens out, +0)"
    )
    lost = summary(records[:4], facts(books={FIRST: bill}))
    assert bills(lost)[0]["difference"]["completion_tokens"] == 11
    assert lost["billing"]["verdict"] == "differs"
    assert lost["billing"]["sentence"].endswith(f"(25.0% more); apart for {FIRST}")


def test_what_one_tenant_paid_for_another_is_seen_although_the_sum_is_right() -> None:
    bill = Bill(usd=0.005, requests=5, prompt_tokens=100, completion_tokens=55)
    found = summary([record(i) for i in range(5)], facts(books={SECOND: bill}))["billing"]
    assert (found["total"]["verdict"], found["verdict"]) == ("agrees", "differs")
    assert found["sentence"].endswith(f"apart for {FIRST}, {SECOND}")


def test_a_simulated_ledger_by_tenant() -> None:
    (tenant, other) = plan().tenants
    account = {"slug": tenant.slug, "usd": 1.5, "requests": {"served": 7}, "prompt_tokens": 3, "completion_tokens": 4}
    stranger = {**account, "slug": "somebody-else"}
    assert charged({"orgs": [stranger, account]}, (tenant, other)) == {tenant.name: Bill(1.5, 7, 3, 4)}
