from __future__ import annotations

import pytest

from raysim.core.control.lease import Lease, LeaseOrder, LeaseReport


def lease(granted: int = 0, keep: int = 10**9, largest: int = 10) -> Lease:
    made = Lease("0.0.a", largest)
    made.hear(LeaseOrder(granted, keep))
    return made


def said(made: Lease, users: int = 0, now_s: float = 0.0) -> LeaseReport:
    return made.report(users, now_s, 1.0)


def test_without_money_everybody_waits_and_is_served_in_turn() -> None:
    made = lease()
    assert [made.ask(ticket, 10) for ticket in (1, 2, 3)] == [False] * 3
    report = said(made)
    assert (report.waiting, report.cheapest, report.reserved) == (30, 10, 0)
    assert made.calls
    assert made.hear(LeaseOrder(25, 0)) == [1, 2]
    assert said(made).waiting == 10


def test_what_is_not_needed_is_free_for_the_next() -> None:
    made = lease(10)
    assert made.ask(1, 10)
    assert not made.ask(2, 6)
    assert made.settle(1, 4) == [2]
    report = said(made)
    assert (report.settled, report.reserved, made.free) == (4, 6, 0)


def test_one_that_does_not_fit_holds_up_no_other() -> None:
    made = lease()
    assert not made.ask(1, 100)
    assert not made.ask(2, 5)
    assert made.hear(LeaseOrder(20, 10**9)) == [2]


def test_a_cost_that_cannot_be_known_is_all_that_was_reserved() -> None:
    made = lease(10)
    made.ask(1, 7)
    made.settle(1, None)
    assert (said(made).settled, made.free) == (7, 3)


def test_who_withdraws_is_not_served() -> None:
    made = lease()
    made.ask(1, 10)
    made.withdraw(1)
    made.withdraw(1)
    assert made.hear(LeaseOrder(10, 10)) == []
    assert said(made).waiting == 0


def test_an_older_order_takes_nothing_away() -> None:
    made = lease(50)
    made.hear(LeaseOrder(20, 10**9))
    assert made.free == 50


def test_what_may_not_be_kept_goes_back_and_never_what_is_reserved() -> None:
    made = lease(50)
    made.ask(1, 30)
    made.hear(LeaseOrder(50, 5))
    assert (made.free, said(made).returned) == (5, 15)
    # what a settled request leaves over goes back, too, and the coordinator is to hear of it soon
    assert [made.calls] == [False]
    made.settle(1, 10)
    assert (made.free, made.calls) == (5, True)
    assert said(made).returned == 35


def test_a_closed_lease_keeps_only_what_is_reserved() -> None:
    made = lease(50)
    made.ask(1, 30)
    made.ask(2, 30)
    made.close()
    assert (made.free, said(made).returned, said(made).waiting) == (0, 20, 0)
    assert made.settle(1, 30) == []


def test_it_would_like_to_hold_a_request_for_every_user_and_what_is_spent_meanwhile() -> None:
    made = lease(largest=10)
    assert said(made, users=5).ahead == 2 * 5 * 10
    made.hear(LeaseOrder(100, 10**9))
    made.ask(1, 4)
    # from the first request on it is known how large they are
    assert said(made, users=5, now_s=0.5).ahead == 2 * 5 * 4 - 4
    made.settle(1, 4)
    # 4 in 2 s: twice what goes in the next second
    assert said(made, users=5, now_s=2.0).ahead == 2 * 5 * 4 + 4
    assert said(made, users=0, now_s=3.0).ahead == 0


def test_it_runs_low_when_most_of_what_it_likes_to_hold_is_used() -> None:
    made = lease(50)
    said(made, users=5)
    free_when_low = []
    for ticket in range(5):
        made.ask(ticket, 10)
        if made.runs_low:
            free_when_low.append(made.free)
    assert free_when_low == [20, 10, 0]
    # there is no point in asking for what may not be kept
    made.hear(LeaseOrder(50, 0))
    assert [made.runs_low] == [False]


@pytest.mark.parametrize(("spent", "next_amount"), [(10, 10), (15, 15), (40, 40)])
def test_where_the_platform_bills_more_than_a_request_allows_more_is_reserved(spent: int, next_amount: int) -> None:
    made = lease(1_000)
    made.ask(1, 10)
    made.settle(1, spent)
    made.ask(2, 10)
    assert made.amount(2) == next_amount
    assert made.free == 1_000 - spent - next_amount


def test_an_overdrawn_lease_lets_nobody_through() -> None:
    made = lease(10)
    made.ask(1, 10)
    made.settle(1, 25)
    assert made.free == -15
    assert not made.ask(2, 1)
    assert said(made).returned == 0
