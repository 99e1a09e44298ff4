from __future__ import annotations

from raysim.core.control.activation import Activation
from raysim.core.control.dealer import Dealer
from raysim.core.control.messages import Arrival, Switch
from raysim.core.plan.arrivals import ArrivalTimes
from raysim.core.plan.load import ArrivalPlan
from tests.unit.core.plan.scenarios import schedule_of
from tests.unit.core.plan.test_arrivals import constant, poisson, schedule, times


def dealer(plan: ArrivalPlan, seconds: float = 10.0) -> Dealer:
    return Dealer(ArrivalTimes(schedule((seconds, plan)), 7))


def on(user: int, at_s: float = 0.0) -> Switch:
    return Switch(user, at_s, on=True)


def off(user: int, at_s: float) -> Switch:
    return Switch(user, at_s, on=False)


def test_arrivals_go_round_those_that_are_active() -> None:
    made = dealer(constant(2))
    dealt = made.deal(2.4, [on(3), on(5), on(4)])
    assert dealt == [Arrival(3, 0.0), Arrival(5, 0.5), Arrival(4, 1.0), Arrival(3, 1.5), Arrival(5, 2.0)]
    assert made.deal(2.4, []) == []
    # turns go on where they were; who comes is the last in the round
    assert [arrival.user for arrival in made.deal(4.9, [on(6, 2.6)])] == [4, 3, 5, 4, 6]


def test_users_get_arrivals_only_while_they_are_active() -> None:
    made = dealer(constant(10))
    dealt = made.deal(3.0, [on(0), on(1, 1.0), off(0, 2.0)])
    first = [arrival.at_run_s for arrival in dealt if arrival.user == 0]
    second = [arrival.at_run_s for arrival in dealt if arrival.user == 1]
    assert (first[0], second[0]) == (0.0, 1.1)
    assert max(first) < 2.0
    assert len([at_s for at_s in first if at_s >= 1.0]) == 5
    assert len([at_s for at_s in second if at_s >= 2.0]) == 11


def test_who_is_gone_gets_none() -> None:
    made = dealer(constant(10))
    made.deal(1.0, [on(0), on(1)])
    made.leave([0])
    assert {arrival.user for arrival in made.deal(2.0, [on(0, 1.5)])} == {1}


def test_what_nobody_was_there_for_is_counted() -> None:
    made = dealer(constant(2))
    assert made.deal(1.9, []) == []
    assert made.undealt == 4
    assert [arrival.at_run_s for arrival in made.deal(3.0, [on(0, 2.0)])] == [2.0, 2.5, 3.0]
    assert made.undealt == 4


def test_what_was_due_is_counted_as_time_goes_by() -> None:
    made = dealer(constant(2))
    made.deal(5.0, [on(0)])
    assert [made.due(run_s) for run_s in (0.0, 0.9, 1.0, 3.2)] == [1, 2, 3, 7]


def test_a_thousand_users_on_a_ramp_share_a_rate_evenly() -> None:
    """As the coordinator plans it, a quarter of a second at a time."""
    ramp = schedule_of(1_000, (60.0, 1_000, "linear"), (60.0, 1_000, "at_once"))
    activation = Activation(ramp, range(1_000))
    arriving = schedule((60.0, poisson(50)), (60.0, constant(50)))
    made = Dealer(ArrivalTimes(arriving, 7))
    dealt: list[Arrival] = []
    for quarter in range(480):
        until_s = quarter / 4
        dealt += made.deal(until_s, activation.plan_until(until_s))
    assert dealt == sorted(dealt, key=lambda arrival: arrival.at_run_s)
    # the first user comes at 0.1 s
    assert made.undealt == sum(at_s < 0.1 for at_s in times(arriving))
    late = [arrival.user for arrival in dealt if arrival.at_run_s >= 60.0]
    counts = [late.count(user) for user in range(1_000)]
    assert sum(counts) == len(late) > 2_900
    assert max(counts) - min(counts) <= 1


def test_who_was_lost_and_is_back_gets_arrivals_once_it_is_switched_on_again() -> None:
    made = dealer(constant(2))
    made.deal(1.0, [on(0), on(1), on(2, 1.4)])
    made.leave([1, 2])
    made.come_back([1, 2])
    # what was planned for user 2 before it was lost does not happen
    assert {arrival.user for arrival in made.deal(3.0, [])} == {0}
    assert [arrival.user for arrival in made.deal(5.0, [on(1, 3.2), on(2, 3.2)])] == [0, 1, 2, 0]
