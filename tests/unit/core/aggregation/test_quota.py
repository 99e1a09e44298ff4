from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raysim.core.aggregation.quota import Cut, CutVerdict, RetryAfter, TenantRequests, judge_cut, judge_retry_after

NAN = float("nan")


def one_after_the_other(count: int, **changes: Any) -> TenantRequests:
    """A request a second that takes half of it and costs a cent; all succeed, all of one user."""
    no = np.zeros(count, dtype=np.bool_)
    fields: dict[str, Any] = {
        "sent_s": np.arange(float(count)),
        "end_s": np.arange(float(count)) + 0.5,
        "usd": np.full(count, 0.01),
        "success": ~no,
        "spent": no,
        "limited": no,
        "retry_after_s": np.full(count, NAN),
        "user": np.zeros(count, dtype=np.int64),
    }
    return TenantRequests(**(fields | changes))


def cut_at(first: int, count: int = 10, budget_usd: float | None = 0.05, **changes: Any) -> Cut:
    spent = np.arange(count) >= first
    return judge_cut(
        one_after_the_other(count, spent=spent, success=~spent, usd=np.where(spent, 0.0, 0.01), **changes), budget_usd
    )


def test_a_cut_where_the_budget_is() -> None:
    cut = cut_at(5)
    assert (cut.verdict, cut.first_refusal_s, cut.refused, cut.served_after_refusal) == (
        CutVerdict.AT_BUDGET,
        5.0,
        5,
        0,
    )
    assert cut.spent_at_last_admission_usd == pytest.approx(0.04)
    assert cut.spent_at_first_refusal_usd == pytest.approx(0.05)
    assert (cut.under_way_usd, cut.off_by_requests) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("first", "verdict", "off"),
    [
        (3, CutVerdict.EARLY, -2.0),
        (4, CutVerdict.AT_BUDGET, -1.0),
        (6, CutVerdict.AT_BUDGET, 0.0),
        (7, CutVerdict.AT_BUDGET, 1.0),
        (8, CutVerdict.LATE, 2.0),
    ],
)
def test_how_many_requests_the_cut_is_off(first: int, verdict: CutVerdict, off: float) -> None:
    cut = cut_at(first, budget_usd=0.05 - 1e-9 if first < 5 else 0.05 + 1e-9)
    assert cut.verdict is verdict
    assert cut.off_by_requests == pytest.approx(off, abs=1e-3)


def test_requests_under_way_at_the_cut_were_let_in_while_there_was_money() -> None:
    # all of them last until second 7.5
    ends = np.maximum(np.arange(10) + 0.5, 7.5)
    cut = cut_at(8, end_s=ends)
    assert (cut.verdict, cut.spent_at_last_admission_usd) == (CutVerdict.AT_BUDGET, 0.0)
    assert cut.spent_at_first_refusal_usd == pytest.approx(0.08)


def test_what_is_under_way_may_have_been_reserved_for() -> None:
    cut = cut_at(5, end_s=np.where(np.arange(10) < 5, 9.0, np.arange(10) + 0.5))
    assert (cut.verdict, cut.spent_at_first_refusal_usd) == (CutVerdict.AT_BUDGET, 0.0)
    assert cut.under_way_usd == pytest.approx(0.05)


def test_served_after_the_refusal_was_told() -> None:
    spent = np.arange(10) == 5
    found = judge_cut(one_after_the_other(10, spent=spent, success=~spent), 0.05)
    assert found.served_after_refusal == 4
    # sent before the refusal's answer was there: nobody can say which came first
    slow = judge_cut(
        one_after_the_other(10, spent=spent, success=~spent, end_s=np.where(spent, 7.5, np.arange(10) + 0.5)), 0.05
    )
    assert slow.served_after_refusal == 2


@pytest.mark.parametrize(
    ("budget_usd", "verdict"),
    [
        (None, CutVerdict.NO_BUDGET),
        (1.0, CutVerdict.NOT_REACHED),
        (0.095, CutVerdict.NOT_REACHED),
        (0.05, CutVerdict.NO_CUT),
    ],
)
def test_nobody_was_refused(budget_usd: float | None, verdict: CutVerdict) -> None:
    found = judge_cut(one_after_the_other(10), budget_usd)
    assert (found.verdict, found.first_refusal_s, found.refused) == (verdict, None, 0)
    assert found.spent_usd == pytest.approx(0.1)


def test_a_refusal_without_a_known_budget_is_only_told() -> None:
    cut = cut_at(5, budget_usd=None)
    assert (cut.verdict, cut.off_by_requests) == (CutVerdict.NO_BUDGET, None)
    assert cut.spent_at_first_refusal_usd == pytest.approx(0.05)


def test_refused_from_the_first_request_on() -> None:
    assert (cut_at(0).verdict, cut_at(0).off_by_requests) == (CutVerdict.EARLY, None)
    assert cut_at(0, budget_usd=0.0).verdict is CutVerdict.AT_BUDGET


def test_retry_after_is_kept_broken_or_untested() -> None:
    limited = np.array([True, False, True, True, False, True, True])
    sent_s = np.array([0.0, 3.0, 4.0, 7.0, 8.0, 9.0, 20.0])
    requests = one_after_the_other(
        7,
        sent_s=sent_s,
        end_s=sent_s,
        limited=limited,
        success=~limited,
        # kept, -, broken, too early to tell, -, not stated, nobody came back
        retry_after_s=np.array([2.0, NAN, 2.0, 5.0, NAN, NAN, 1.0]),
    )
    assert judge_retry_after(requests) == RetryAfter(
        limited=5,
        unstated=1,
        kept=1,
        broken=1,
        untested=2,
        promised_p50_s=2.0,
        promised_max_s=5.0,
        actual_p50_s=3.0,
    )


def test_what_others_do_says_nothing_of_a_users_wait() -> None:
    limited = np.array([True, False, False])
    requests = one_after_the_other(
        3, limited=limited, success=~limited, retry_after_s=np.array([1.0, NAN, NAN]), user=np.array([0, 1, 0])
    )
    found = judge_retry_after(requests)
    assert found is not None
    assert (found.kept, found.actual_p50_s) == (1, 1.5)


def test_without_a_rate_limit_there_is_nothing_to_say() -> None:
    assert judge_retry_after(one_after_the_other(3)) is None
