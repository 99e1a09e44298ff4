from __future__ import annotations

import pytest

from raysim.core.control.messages import StopOrder, Totals
from raysim.core.control.run_control import RunControl, RunState
from tests.unit.core.control.course import BEGIN_S, DRAIN_S, Course, plan


def test_when_the_last_phase_is_over_everyone_is_told_to_stop() -> None:
    course = Course(plan()).begin()
    assert course.tick(29.9) is RunState.RUNNING
    orders = course.report(0, 30.0)
    assert orders.stop == StopOrder("completed", DRAIN_S)
    assert course.state() is RunState.DRAINING
    assert course.control.stop_reason == "completed"
    assert course.control.stopped_at_s == 30.0


@pytest.mark.parametrize(
    ("totals", "run_s", "reason"),
    [
        (Totals(requests=5, success=5, cost_usd=1.0), 5.0, "cost"),
        (Totals(requests=20, success=5, error=15), 5.0, "errors"),
        (Totals(requests=1, success=1), 12.0, "duration"),
    ],
)
def test_a_limit_that_is_reached_stops_the_run_in_the_very_answer(totals: Totals, run_s: float, reason: str) -> None:
    course = Course(plan(maxDuration="12s")).begin()
    assert course.report(0, run_s - 1).stop is None
    assert course.report(0, run_s, totals=totals).stop == StopOrder(reason, DRAIN_S)
    # and everyone else hears of it with the next report
    assert course.report(1, run_s + 0.5).stop == StopOrder(reason, DRAIN_S)
    assert course.control.stop_reason == reason
    assert course.control.stop_message
    assert course.kinds().count("stopping") == 1


def test_limits_are_held_over_all_packs_together() -> None:
    course = Course(plan()).begin()
    assert course.report(0, 5.0, totals=Totals(requests=5, success=5, cost_usd=0.6)).stop is None
    assert course.report(1, 5.0, totals=Totals(requests=5, success=5, cost_usd=0.6)).stop is not None
    assert course.control.totals == Totals(requests=10, success=10, cost_usd=1.2)


def test_the_reason_of_the_first_stop_stays() -> None:
    course = Course(plan()).begin()
    course.report(0, 5.0, totals=Totals(requests=5, success=5, cost_usd=2.0))
    course.stop(6.0, "interrupted")
    assert course.control.stop_reason == "cost"
    assert course.control.stopped_at_s == 5.0


def test_the_run_has_drained_when_every_pack_says_so() -> None:
    course = Course(plan()).begin()
    course.stop(5.0)
    course.everyone_reports(5.5, in_flight=2)
    assert course.state() is RunState.DRAINING
    course.report(0, 6.5, drained=True)
    assert course.state() is RunState.DRAINING
    course.report(1, 7.5, drained=True)
    assert course.state() is RunState.DRAINED
    assert course.control.drained_at_s == 7.5
    assert course.kinds()[-2:] == ["stopping", "drained"]
    # and nothing changes that any more
    course.stop(8.0)
    assert course.tick(100.0) is RunState.DRAINED
    assert course.control.drained_at_s == 7.5
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
    assert course.control.stopped_at_s == 5.0


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
    assert course.control.stopped_at_s == course.control.drained_at_s == 0.0


def test_a_run_without_packs_has_drained_as_soon_as_it_is_stopped() -> None:
    control = RunControl(plan())
    control.stop("bootstrap", "nobody could be set up", 0.0, BEGIN_S)
    control.tick(BEGIN_S)
    assert control.state is RunState.DRAINED
