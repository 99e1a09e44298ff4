from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from raysim.core.isolation.events import DeclaredFault
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.core.rng import Stream
from raysim.report.console import render_summary
from raysim.report.facts import RunFacts
from raysim.report.summary import summarise
from tests.component.report.sample_run import MS, STARTED, facts, failure, lively, plan, plan_names, rows
from tests.component.report.tenants_run import tenants_run


def isolation(records: list[RequestRecord], run: RunFacts | None = None) -> dict[str, Any]:
    found: dict[str, Any] = summarise(rows(records), run or facts())["isolation"]
    json.dumps(found)
    return found


def console(records: list[RequestRecord]) -> str:
    out = io.StringIO()
    render_summary(summarise(rows(records), facts()), Console(file=out, width=100))
    return " ".join(out.getvalue().split())


def test_a_tenant_that_was_not_felt() -> None:
    first, second = plan_names()
    found = isolation(tenants_run())
    assert found["verdict"] == "isolated"
    (event,) = found["events"]
    assert (event["kind"], event["tenants"], event["others"], event["lost"]) == ("exhaustion", [second], [first], 0)
    assert event["start_s"] == pytest.approx(30.3, abs=0.1)
    assert {name: (w["requests"], w["lost"]) for name, w in event["windows"].items()} == {
        "before": (160, 0),
        "during": (22, 0),
        "after": (135, 0),
    }
    assert event["windows"]["before"]["ttft_p50_s"]["value"] == pytest.approx(0.1, abs=0.005)
    change = event["comparisons"][1]
    assert (change["tenant"], change["window"], change["against"]) == (None, "after", "before")
    ttft = change["changes"]["ttft_p50"]
    assert ttft["ci95"][0] <= ttft["value"] <= ttft["ci95"][1]
    assert found["sentence"].startswith(
        f"isolated: when {second} ran out of budget or quota at 30s, the other tenant's TTFT p50 changed by "
    )
    assert found["sentence"].endswith("once it had gone, and none of their 157 requests failed")


def test_a_tenant_that_slowed_the_other_one_while_it_was_served() -> None:
    found = isolation(tenants_run(slower=1.5))
    assert found["verdict"] == "not_isolated"
    (event,) = found["events"]
    assert event["harm"] == [
        {"tenant": None, "window": "before", "against": "after", "quantities": ["ttft_p50", "latency_p50"]}
    ]
    first, second = plan_names()
    assert found["sentence"].startswith(f"not isolated: while {second} was served, the other tenant's TTFT p50 was 49.")
    assert "than once it had gone" in found["sentence"]
    assert found["jain"]["ttft"] < 0.98
    assert first not in found["sentence"]


def test_what_a_tenant_with_money_is_refused_when_another_one_runs_out_is_lost_to_it() -> None:
    first, second = plan_names()
    records = [
        failure(
            int(row.request_id.removeprefix("r-")),
            ErrorKind.BUDGET_EXCEEDED,
            org_id=first,
            user_id=row.user_id,
            due_unix_ns=row.due_unix_ns,
        )
        if row.org_id == first and row.due_unix_ns > (STARTED + 31) * 1000 * MS
        else row
        for row in tenants_run()
    ]
    made = plan()
    # the second one's budget was spent, the first one's was not
    tenants = tuple(replace(t, budget_usd=0.16 if t.name == second else 1.0) for t in made.tenants)
    found = isolation(records, facts(plan=replace(made, tenants=tenants)))
    assert found["verdict"] == "not_isolated"
    (event,) = found["events"]
    assert (event["tenants"], event["others"], event["lost"]) == ([second], [first], 151)
    assert "error rate was 100% higher (135 of 135 lost)" in found["sentence"]


def test_a_fault_that_was_on_all_along_has_nothing_to_be_held_against() -> None:
    fault = DeclaredFault(0.0, 50.0, plan_names()[0])
    found = isolation(lively(), facts(faults=(fault,)))
    assert found["verdict"] == "cannot_say"
    assert found["sentence"].startswith("cannot say: no comparable stretch before and none after the event (a declared")


def test_without_an_event_nobody_can_say() -> None:
    found = isolation(lively())
    assert (found["verdict"], found["events"]) == ("cannot_say", [])
    assert found["sentence"].startswith("cannot say: no tenant ran out of budget")
    assert "Jain's index of throughput 1.000" in found["sentence"]


def test_one_tenant_alone_has_nobody_to_be_kept_apart_from() -> None:
    made = plan()
    assert isolation(lively(), facts(plan=replace(made, tenants=made.tenants[:1]))) is None


def test_the_console_quotes_the_verdicts() -> None:
    text = console(tenants_run())
    assert "isolation: isolated: when " in text
    assert "note: 3 users of org-2 left when their budget or quota was used up" in text
    assert "isolation: not isolated: while org-2 was served" in console(tenants_run(slower=1.5))


def test_what_is_not_known_well_enough_is_said_in_words() -> None:
    stream = Stream(5)
    records = [
        replace(row, first_token_ns=MS + int(10 ** (1 + 2 * stream.random()) * MS), last_token_ns=1_900 * MS)
        for row in tenants_run()
    ]
    found = isolation([replace(row, end_ns=2_000 * MS) for row in records])
    assert found["sentence"].startswith(
        "cannot say: how the other tenant's TTFT p50 changed is not known well enough: up to +"
    )
