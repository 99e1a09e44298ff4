from __future__ import annotations

from dataclasses import replace

import pytest

from raysim.core.control.lease import LeaseOrder, LeaseReport
from raysim.core.control.messages import StopOrder, Totals
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from raysim.core.plan.load import ArrivalPlan
from tests.unit.core.control.course import BEGIN_S, DRAIN_S, Course, plan


def test_when_the_last_phase_is_over_everyone_is_told_to_stop() -> None:
    course = Course(plan()).begin()
    assert course.tick(29.9) is RunState.RUNNING
    orders = course.report(0, 30.0)
    assert orders.stop == StopOrder("completed", DRAIN_S)
    assert course.state() is RunState.DRAINING
    assert course.control.situation.ending.reason == "completed"
    assert course.control.situation.ending.stopped_at_s == 30.0


@pytest.mark.parametrize(
    ("totals", "run_s", "reason"),
    [
        (Totals(requests=5, success=5, cost_usd=1.0), 5.0, "cost"),
        (Totals(requests=20, success=5, error=15), 5.0, "errors"),
    ],
)
def test_a_limit_that_is_reached_stops_the_run_in_the_very_answer(totals: Totals, run_s: float, reason: str) -> None:
    course = Course(plan()).begin()
    assert course.report(0, run_s - 1).stop is None
    assert course.report(0, run_s, totals=totals).stop == StopOrder(reason, DRAIN_S)
    # and everyone else hears of it with the next report
    assert course.report(1, run_s + 0.5).stop == StopOrder(reason, DRAIN_S)
    assert course.control.situation.ending.reason == reason
    assert course.control.situation.ending.message
    assert course.kinds().count("stopping") == 1


def test_nothing_is_in_flight_any_more_when_the_run_has_lasted_as_long_as_it_may() -> None:
    course = Course(plan(maxDuration="20s")).begin()
    assert course.report(0, 17.9).stop is None
    assert course.report(0, 18.0).stop == StopOrder("duration", 2.0)
    assert course.control.situation.ending.reason == "duration"
    # phases that fit have what is left of it for their last requests
    course = Course(plan(maxDuration="33s")).begin()
    assert course.report(0, 30.0).stop == StopOrder("completed", 3.0)


def test_a_cost_limit_is_reached_when_nobody_can_pay_a_request_any_more() -> None:
    course = Course(plan()).begin()
    pico = 10**12
    orders = course.report(0, 1.0, lease=LeaseReport("0", waiting=pico // 2, cheapest=pico // 2, largest=pico // 2))
    assert orders.lease is not None
    assert (orders.lease.granted, orders.stop) == (pico // 2, None)
    settled = {"granted": pico // 2, "settled": pico * 2 // 5, "returned": pico // 10}
    orders = course.report(0, 2.0, lease=LeaseReport("0", **settled))
    assert orders.stop is None
    orders = course.report(1, 2.0, lease=LeaseReport("1", waiting=pico * 7 // 10, cheapest=pico * 7 // 10))
    assert orders.stop == StopOrder("cost", DRAIN_S)
    assert course.control.situation.ending.message == "spent $0.4000 of $1; the next request could cost $0.7000"
    # nothing is granted while users drain
    again = course.report(1, 2.5, lease=LeaseReport("1", waiting=1, cheapest=1))
    assert again.lease == LeaseOrder(0, 0)
    assert course.kinds().count("money_short") == 1


def test_a_bill_beyond_what_requests_allow_is_noted_once() -> None:
    course = Course(plan()).begin()
    for second in range(3):
        course.report(0, float(second), totals=Totals(requests=1, success=1, cost_usd=0.1, beyond_usd=0.05))
    assert course.kinds().count("billed_beyond_reservation") == 1


def test_limits_are_held_over_all_packs_together() -> None:
    course = Course(plan()).begin()
    assert course.report(0, 5.0, totals=Totals(requests=5, success=5, cost_usd=0.6)).stop is None
    assert course.report(1, 5.0, totals=Totals(requests=5, success=5, cost_usd=0.6)).stop is not None
    assert course.control.situation.totals == Totals(requests=10, success=10, cost_usd=1.2)


def test_the_reason_of_the_first_stop_stays() -> None:
    course = Course(plan()).begin()
    course.report(0, 5.0, totals=Totals(requests=5, success=5, cost_usd=2.0))
    course.stop(6.0, "interrupted")
    assert course.control.situation.ending.reason == "cost"
    assert course.control.situation.ending.stopped_at_s == 5.0


def test_the_run_has_drained_when_every_pack_says_so() -> None:
    course = Course(plan()).begin()
    course.stop(5.0)
    course.everyone_reports(5.5, in_flight=2)
    assert course.state() is RunState.DRAINING
    course.report(0, 6.5, drained=True)
    assert course.state() is RunState.DRAINING
    course.report(1, 7.5, drained=True)
    assert course.state() is RunState.DRAINED
    assert course.control.situation.ending.drained_at_s == 7.5
    assert course.kinds()[-2:] == ["stopping", "drained"]
    # and nothing changes that any more
    course.stop(8.0)
    assert course.tick(100.0) is RunState.DRAINED
    assert course.control.situation.ending.drained_at_s == 7.5
    assert course.kinds() == []


def test_a_pack_that_does_not_say_so_is_not_waited_for_forever() -> None:
    course = Course(plan()).begin()
    course.stop(5.0)
    course.report(0, 6.0, drained=True)
    # it may use its whole drain, and needs a moment to be heard
    assert course.tick(5.0 + DRAIN_S + 2.0) is RunState.DRAINING
    assert course.tick(5.0 + DRAIN_S + 10.0) is RunState.DRAINED
    timed_out = course.control.take_events()[-1]
    assert (timed_out.kind, timed_out.detail) == ("drain_timed_out", {"packs": [1]})


def test_a_second_stop_shortens_the_drain() -> None:
    course = Course(plan()).begin()
    course.stop(5.0)
    course.stop(6.0, drain_s=0.0)
    assert course.report(0, 6.5).stop == StopOrder("interrupted", 0.0)
    assert course.tick(6.0 + DRAIN_S) is RunState.DRAINED
    # it was not the first stop
    assert course.control.situation.ending.stopped_at_s == 5.0


def test_a_second_stop_still_leaves_the_packs_time_to_hear_of_it() -> None:
    course = Course(plan()).begin()
    course.stop(5.0)
    late_s = 5.0 + DRAIN_S - 0.5
    course.everyone_reports(late_s, in_flight=1)
    course.stop(late_s, drain_s=0.0)
    assert course.tick(late_s + 0.25) is RunState.DRAINING
    course.everyone_reports(late_s + 1.0, drained=True)
    assert course.state() is RunState.DRAINED
    assert course.kinds()[-1] == "drained"


def test_a_second_stop_never_lengthens_the_drain() -> None:
    course = Course(plan()).begin()
    course.stop(5.0, drain_s=2.0)
    course.stop(6.0, drain_s=60.0)
    assert course.report(0, 6.5).stop == StopOrder("interrupted", 2.0)
    assert course.tick(5.0 + 2.0 + 10.0) is RunState.DRAINED


def test_a_run_that_is_stopped_before_it_began_drains_too() -> None:
    course = Course(plan())
    course.prepare().control.stop("interrupted", "stopped from outside", 0.0, BEGIN_S)
    course.control.tick(BEGIN_S + 1)
    assert course.state() is RunState.DRAINING
    course.control.tick(BEGIN_S + 30)
    assert course.state() is RunState.DRAINED
    assert course.control.situation.ending.stopped_at_s == course.control.situation.ending.drained_at_s == 0.0


def test_a_run_without_packs_has_drained_as_soon_as_it_is_stopped() -> None:
    control = RunControl.of(plan())
    control.stop("bootstrap", "nobody could be set up", 0.0, BEGIN_S)
    control.tick(BEGIN_S)
    assert control.situation.state is RunState.DRAINED


def test_what_arrives_until_packs_hear_of_a_stop_was_due() -> None:
    made = plan()
    phases = [replace(phase, arrivals=ArrivalPlan("constant", 2.0, 4)) for phase in made.schedule.phases]
    course = Course(replace(made, schedule=replace(made.schedule, phases=tuple(phases)))).begin()
    for second in range(-1, 6):
        course.everyone_reports(float(second))
    course.stop(5.0)
    assert course.control.situation.arrivals_due == 11
    course.report(0, 5.5, totals=Totals(requests=6, arrived=6))
    course.report(1, 5.9, totals=Totals(requests=5, arrived=6, unsent=1))
    assert course.control.situation.arrivals_due == 12
