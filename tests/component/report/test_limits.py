from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from raysim.report.console import render_summary
from raysim.report.facts import LoadSample
from raysim.report.limits import schedule_error
from raysim.report.summary import summarise
from tests.component.report.sample_run import facts, plan, record, rows


def cost(records: list[Any], **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = summarise(rows(records), facts(**changes))["cost"]
    return found


def test_what_is_known_and_what_may_be_spent_stand_apart() -> None:
    records = [record(n, cost_usd=0.5, reserved_usd=1.0) for n in range(4)]
    records.append(record(9, cost_usd=0.25, unverified_usd=0.75, reserved_usd=1.0))
    found = cost(records, plan=plan(maxCostUsd=5))
    assert (found["usd"], found["unverified_usd"], found["overspend_usd"]) == (2.25, 0.75, 0.0)
    assert found["utilisation"] == pytest.approx(3.0 / 5)
    assert found["billed_beyond_reservation_usd"] == 0.0
    counted = cost(records, plan=plan(maxCostUsd=5, unknownCost="counted"))
    assert counted["utilisation"] == pytest.approx(2.25 / 5)


def test_a_bill_beyond_what_a_request_allows_is_told() -> None:
    records = [record(0, cost_usd=0.5, reserved_usd=1.0), record(1, cost_usd=6.0, reserved_usd=1.0)]
    found = cost(records, plan=plan(maxCostUsd=5))
    assert (found["billed_beyond_reservation_usd"], found["overspend_usd"]) == (5.0, 1.5)


def test_what_was_spent_before_a_limit_was_lowered_is_not_over_it() -> None:
    records = [record(0, cost_usd=3.0, reserved_usd=3.0)]
    found = cost(records, plan=plan(maxCostUsd=1), allowed_usd=3.5)
    assert (found["limit_usd"], found["overspend_usd"]) == (1, 0.0)
    assert cost(records, plan=plan(maxCostUsd=1), allowed_usd=2.5)["overspend_usd"] == 0.5


def test_adding_up_is_no_overspend() -> None:
    found = cost([record(n, cost_usd=0.1) for n in range(3)], plan=plan(maxCostUsd=0.3))
    assert found["overspend_usd"] == 0.0
    assert cost([record(0)], plan=plan(maxCostUsd=None))["overspend_usd"] is None
    assert cost([record(0)], plan=plan(maxCostUsd=None))["utilisation"] is None


def test_what_a_lost_actor_held_counts_as_far_as_no_record_tells() -> None:
    records = [record(0, worker="lost", cost_usd=1.0, unverified_usd=0.5), record(1, worker="living", cost_usd=1.0)]
    found = cost(records, plan=plan(maxCostUsd=5), lost_commitments={"lost": 2.0, "unheard": 0.25})
    assert found["reserved_unsettled_usd"] == pytest.approx(0.5 + 0.25)
    assert found["utilisation"] == pytest.approx((2.0 + 0.5 + 0.75) / 5)
    assert cost(records, lost_commitments={"lost": 1.0})["reserved_unsettled_usd"] == 0.0


def test_the_schedule_s_error_allows_for_reports_that_are_on_their_way() -> None:
    ramp = [LoadSample(float(s), min(10, s), max(0, min(10, s - 1))) for s in range(20)]
    found = schedule_error(facts(samples=tuple(ramp)))
    assert (found["largest_users"], found["largest_lasting_users"]) == (1, 0)
    assert found["mean_users"] == pytest.approx(-10 / 20)
    short = [LoadSample(float(s), 10, 7 if s > 5 else 10) for s in range(20)]
    assert schedule_error(facts(samples=tuple(short)))["largest_lasting_users"] == 3
    over = [LoadSample(float(s), 10, 12 if s == 9 else 10) for s in range(20)]
    assert schedule_error(facts(samples=tuple(over)))["largest_lasting_users"] == 2
    assert schedule_error(facts(samples=()))["mean_users"] is None


def test_the_console_says_what_the_limit_did() -> None:
    records = [record(0, cost_usd=1.0, unverified_usd=0.5, reserved_usd=0.25, held_ns=2_000_000_000)]
    changes: dict[str, Any] = {"lost_commitments": {"x": 0.125}, "money_short_from_s": 12.0}
    summary = summarise(rows(records), facts(plan=plan(maxCostUsd=5), unsent=7, arrivals_due=40, **changes))
    text = io.StringIO()
    render_summary(summary, Console(file=text, width=400))
    shown = " ".join(text.getvalue().split())
    for words in (
        "and up to $0.500 for requests whose bill is not known",
        "and up to $0.125 that lost actors had set aside",
        "the platform billed $0.750 more than its requests allow",
        "money was short from 12s on",
        "1 of 1 requests waited for money, a slot or a free place (median 2.00 s, p99 2.00 s)",
        "40 requests were due by the clock in all phases; 7 were not sent",
        "at most 0 outside of the targets",
    ):
        assert words in shown, shown[-1500:]
