from __future__ import annotations

import pytest

from raysim.core.aggregation.billing import Bill, BillVerdict, reconcile

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
