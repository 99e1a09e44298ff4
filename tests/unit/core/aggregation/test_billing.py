from __future__ import annotations

import pytest

from raysim.core.aggregation.billing import Bill, BillVerdict, Unrecorded, reconcile

OURS = Bill(usd=1.25, requests=100, prompt_tokens=2_000, completion_tokens=9_000)


def test_the_same_agrees() -> None:
    found = reconcile(OURS, OURS)
    assert (found.verdict, found.difference, found.share) == (BillVerdict.AGREES, Bill(0.0, 0, 0, 0), 0.0)


@pytest.mark.parametrize(
    "theirs",
    [
        Bill(usd=1.26, requests=100, prompt_tokens=2_000, completion_tokens=9_000),
        Bill(usd=1.25, requests=101, prompt_tokens=2_000, completion_tokens=9_000),
        Bill(usd=1.25, requests=100, prompt_tokens=2_000, completion_tokens=8_000),
    ],
)
def test_any_figure_can_make_them_differ(theirs: Bill) -> None:
    assert reconcile(OURS, theirs).verdict is BillVerdict.DIFFERS


def test_rounding_is_no_difference() -> None:
    found = reconcile(OURS, Bill(usd=1.2511))
    assert found.verdict is BillVerdict.AGREES
    assert found.difference.usd == pytest.approx(0.0011)
    assert found.share == pytest.approx(0.00088)


def test_what_one_side_does_not_state_is_not_compared() -> None:
    found = reconcile(OURS, Bill(usd=None, prompt_tokens=2_000))
    assert (found.verdict, found.share) == (BillVerdict.AGREES, None)
    assert found.difference == Bill(None, None, 0, None)


def test_nothing_on_both_sides_agrees() -> None:
    found = reconcile(Bill(0.0, 0, 0, 0), Bill(0.0, 0, 0, 0))
    assert (found.verdict, found.share) == (BillVerdict.AGREES, None)


@pytest.mark.parametrize(
    ("theirs", "most", "verdict"),
    [
        (Bill(1.30, 105, 2_100, 9_400), 5, BillVerdict.EXPLAINED),
        (Bill(1.30, 106, 2_100, 9_400), 5, BillVerdict.DIFFERS),
        (Bill(1.31, 105, 2_100, 9_400), 5, BillVerdict.DIFFERS),
        (Bill(1.30, 105, 2_151, 9_400), 5, BillVerdict.DIFFERS),
        (Bill(1.30, 105, 2_100, 9_501), 5, BillVerdict.DIFFERS),
        (Bill(1.30, 105, 2_100, 9_400), 0, BillVerdict.DIFFERS),
        # nobody knows how many there were at most
        (Bill(9.90, 900, 9_900, 29_400), None, BillVerdict.EXPLAINED),
        # lost requests never make a platform charge less
        (Bill(1.20, 105, 2_100, 9_400), 5, BillVerdict.DIFFERS),
        (OURS, 5, BillVerdict.AGREES),
    ],
)
def test_a_surplus_is_explained_by_what_lost_users_may_have_sent(
    theirs: Bill, most: int | None, verdict: BillVerdict
) -> None:
    unrecorded = Unrecorded(most, usd=0.01, prompt_tokens=30, completion_tokens=100)
    assert reconcile(OURS, theirs, unrecorded).verdict is verdict
