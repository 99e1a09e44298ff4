"""Terms that change during a run, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from raysim.core.control.amending import too_late
from raysim.core.control.checkpoint import Checkpoint
from raysim.core.control.lease import LeaseReport
from raysim.core.control.messages import Event, Totals
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from raysim.core.control.terms import Amendment, Change, Ruling, Terms
from raysim.core.errors import Problem
from raysim.core.plan.load import ArrivalPlan, LoadSchedule, Ramp
from raysim.core.plan.run_plan import RunPlan
from tests.unit.core.control.course import PACKS, USERS, Course, plan, switches_of
from tests.unit.core.plan.scenarios import schedule_of

Phase = tuple[float, int, Ramp]

#: as `course.plan` has them
FIRST: Phase = (20.0, USERS, "at_once")
SECOND: Phase = (10.0, 2, "at_once")
USD = 10**12


def amend(course: Course, run_s: float, path: str = "spec.limits.maxCostUsd", **limits: Any) -> Ruling:
    """Ask for other limits at this second."""
    known = course.control.situation.plan
    return offer(course, run_s, replace(known, limits=replace(known.limits, **limits)), path)


def offer(course: Course, run_s: float, wanted: RunPlan, *paths: str) -> Ruling:
    changes = tuple(Change(path, "old", "new") for path in paths)
    return course.control.amend(Amendment(Terms.of(wanted), changes), course.start_s + run_s)


def rephase(course: Course, run_s: float, *phases: Any, path: str = "spec.loadPattern.phases[1]") -> Ruling:
    return offer(course, run_s, replace(course.control.situation.plan, schedule=schedule_of(USERS, *phases)), path)


def events(course: Course, kind: str) -> list[Event]:
    return [event for event in course.control.take_events() if event.kind == kind]


# phases


@pytest.mark.parametrize(
    ("run_s", "until_s", "new", "refused"),
    [
        (5.0, 7.5, (FIRST, SECOND), {}),
        (5.0, 7.5, (FIRST, (30.0, 3, "linear")), {}),
        (5.0, 7.5, (FIRST,), {}),
        (5.0, 7.5, (FIRST, SECOND, (5.0, 1, "at_once")), {}),
        (5.0, 7.5, ((21.0, USERS, "at_once"), SECOND), {"phases[0].duration": "is running and cannot be changed"}),
        (5.0, 7.5, ((20.0, 5, "linear"), SECOND), {"phases[0].targetActiveUsers": "", "phases[0].rampStrategy": ""}),
        (5.0, 7.5, (), {"phases[0]": "phase 'phase-0' is running and cannot be removed"}),
        (22.0, 24.5, ((21.0, USERS, "at_once"), SECOND), {"phases[0].duration": "is over"}),
        (22.0, 24.5, (FIRST, SECOND, SECOND), {}),
        (19.0, 21.5, (FIRST, (10.0, 3, "at_once")), {"phases[1].targetActiveUsers": "begins in 1.0 s"}),
        (17.5, 20.0, (FIRST, (10.0, 3, "at_once")), {}),
        (28.0, 30.5, (FIRST, SECOND, SECOND), {"phases[2]": "the last phase ends in 2.0 s: too late for more"}),
        (27.5, 30.0, (FIRST, SECOND, SECOND), {}),
    ],
)
def test_what_has_begun_or_is_ordered_stays_as_it_is(
    run_s: float, until_s: float, new: tuple[Any, ...], refused: dict[str, str]
) -> None:
    problems = {
        problem.path.removeprefix("spec.loadPattern."): problem.message
        for problem in too_late(schedule_of(USERS, FIRST, SECOND), schedule_of(USERS, *new), run_s, until_s)
    }
    assert problems.keys() == refused.keys()
    assert all(text in problems[key] for key, text in refused.items())


def test_later_phases_are_changed_added_and_removed() -> None:
    course = Course(plan()).begin()
    for second in range(-1, 6):
        course.everyone_reports(float(second))
    ruling = rephase(course, 5.0, FIRST, (5.0, 4, "at_once"), (5.0, 1, "at_once"))
    assert (ruling.reload.refused, ruling.terms.version) == ((), 1)
    switches: list[tuple[float, bool]] = []
    for second in range(6, 29):
        for orders in course.everyone_reports(float(second)).values():
            switches += [(switch.at_run_s, switch.on) for switch in orders.switches]
    assert sorted(switches) == [(20.0, False)] * 2 + [(25.0, False)] * 3 + [(30.0, False)]
    assert rephase(course, 26.0, FIRST, (5.0, 4, "at_once")).phases_kept
    assert course.control.situation.plan.schedule.duration_s == 30.0
    assert course.tick(30.0) is RunState.DRAINING


def test_a_phase_that_is_added_lets_the_run_go_on() -> None:
    course = Course(plan()).begin()
    course.everyone_reports(20.0)
    rephase(course, 21.0, FIRST, SECOND, (10.0, 3, "at_once"))
    orders = course.everyone_reports(31.0)
    assert course.state() is RunState.RUNNING
    assert sum(len(switches_of(told)) for told in orders.values()) == 1
    assert course.tick(40.0) is RunState.DRAINING
    assert course.control.situation.ending.reason == "completed"


def test_phases_that_come_too_late_do_not_hold_up_the_rest() -> None:
    course = Course(plan()).begin()
    course.everyone_reports(5.0)
    wanted = replace(
        course.control.situation.plan,
        schedule=schedule_of(USERS, (50.0, 1, "at_once")),
        limits=replace(course.control.situation.plan.limits, drain_s=1.0),
    )
    ruling = offer(course, 5.0, wanted, "spec.limits.drain", "spec.loadPattern.phases[0].duration")
    assert [change.path for change in ruling.reload.applied] == ["spec.limits.drain"]
    assert ruling.phases_kept
    assert course.control.situation.plan.schedule == plan().schedule
    assert course.control.situation.plan.limits.drain_s == 1.0


def opened(schedule: LoadSchedule, place: int, rate: float) -> LoadSchedule:
    phases = list(schedule.phases)
    phases[place] = replace(phases[place], arrivals=ArrivalPlan("constant", rate, 4))
    return replace(schedule, phases=tuple(phases))


@pytest.mark.parametrize("before", [False, True])
def test_arrivals_of_a_later_phase_follow_and_none_comes_twice(before: bool) -> None:
    made = plan()
    if before:
        made = replace(made, schedule=opened(made.schedule, 0, 1.0))
    course = Course(made).begin()
    due: list[float] = []
    for second in range(-1, 31):
        if second == 10:
            offer(course, 10.0, replace(made, schedule=opened(made.schedule, 1, 2.0)), "spec.loadPattern.phases[1]")
        for orders in course.everyone_reports(float(second)).values():
            due += [arrival.at_run_s for arrival in orders.arrivals]
    first = [float(second) for second in range(20)] if before else []
    assert sorted(due) == pytest.approx([*first, *(20.0 + half / 2 for half in range(20))])


# limits


def test_a_limit_of_errors_follows() -> None:
    course = Course(plan(maxErrorRate=0.5)).begin()
    course.report(0, 5.0, totals=Totals(requests=20, success=14, error=6))
    assert course.state() is RunState.RUNNING
    amend(course, 6.0, max_error_rate=0.2)
    assert (course.state(), course.control.situation.ending.reason) == (RunState.DRAINING, "errors")


@pytest.mark.parametrize(("most_s", "state"), [(4.0, RunState.DRAINING), (25.0, RunState.RUNNING)])
def test_a_duration_that_is_over_stops_now(most_s: float, state: RunState) -> None:
    course = Course(plan()).begin()
    course.everyone_reports(5.0)
    amend(course, 6.0, max_duration_s=most_s)
    assert course.state() is state
    if state is RunState.DRAINING:
        stop = course.report(0, 6.5).stop
        assert stop is not None
        # nothing may be in flight any more
        assert (stop.reason, stop.drain_s) == ("duration", 0.0)


def holding(course: Course, run_s: float, settled_usd: float, waiting_usd: float = 0.0) -> int:
    """A pack that has spent so much, and would like more; returns what it has been granted in all."""
    waiting = round(waiting_usd * USD)
    said = LeaseReport(
        "0.0.x",
        settled=round(settled_usd * USD),
        waiting=waiting,
        cheapest=waiting,
        largest=round(0.1 * USD),
        ahead=round(0.2 * USD),
    )
    orders = course.report(0, run_s, lease=said, totals=Totals(cost_usd=settled_usd))
    assert orders.lease is not None
    return orders.lease.granted


def test_a_lower_limit_than_is_out_stops_at_once_and_grants_nothing_more() -> None:
    course = Course(plan(maxCostUsd=5)).begin()
    granted = holding(course, 1.0, 0.0)
    assert granted >= 0.2 * USD
    amend(course, 2.0, max_cost_usd=0.1)
    assert (course.state(), course.control.situation.ending.reason) == (RunState.DRAINING, "cost")
    assert "lowered to $0.1" in course.control.situation.ending.message
    assert course.control.situation.allowed_usd == pytest.approx(granted / USD)
    assert holding(course, 3.0, 0.1, waiting_usd=0.1) == granted


def test_a_lower_limit_than_before_that_still_has_room_holds() -> None:
    course = Course(plan(maxCostUsd=5)).begin()
    holding(course, 1.0, 0.0)
    amend(course, 2.0, max_cost_usd=0.5)
    assert course.state() is RunState.RUNNING
    assert course.control.situation.allowed_usd == 0.5
    assert holding(course, 3.0, 0.4, waiting_usd=0.1) <= 0.5 * USD
    holding(course, 4.0, 0.5)
    assert course.control.situation.ending.reason == "cost"


def test_a_higher_limit_lets_those_go_on_who_wait() -> None:
    course = Course(plan(maxCostUsd=0.5)).begin()
    spent = holding(course, 1.0, 0.0) / USD
    # another request is under way, so that the limit is not reached yet
    other = LeaseReport("1.0.y", reserved=round(0.1 * USD), granted=round(0.1 * USD))
    course.report(1, 1.0, lease=other)
    assert holding(course, 2.0, spent, waiting_usd=0.3) == round(spent * USD)
    amend(course, 2.5, max_cost_usd=2.0)
    assert course.state() is RunState.RUNNING
    assert holding(course, 3.0, spent, waiting_usd=0.3) >= round((spent + 0.3) * USD)


def test_a_cap_on_the_rate_comes_changes_and_goes() -> None:
    course = Course(plan()).begin()
    assert course.report(0, 1.0, slots_wanted=9).slots is None
    amend(course, 2.0, max_requests_per_second=2.0)
    slots = course.report(0, 3.0, slots_wanted=9).slots
    assert slots is not None
    assert slots.gap_s == 0.5
    amend(course, 4.0, max_requests_per_second=10.0)
    slots = course.report(0, 5.0, slots_wanted=9).slots
    assert slots is not None
    assert slots.gap_s == 0.1
    amend(course, 6.0, max_requests_per_second=None)
    assert course.report(0, 7.0, slots_wanted=9).slots is None


# packs


def test_every_pack_hears_of_the_terms_until_it_follows_them() -> None:
    course = Course(plan()).begin()
    assert course.report(0, 1.0).terms is None
    amend(course, 2.0, lease_s=7.0)
    for second in (3.0, 4.0):
        told = course.report(0, second)
        assert told.terms == course.control.situation.terms
        assert told.lease_s == 7.0
    assert course.report(0, 5.0, terms=1).terms is None
    # a process that replaces a lost one knows what was planned
    assert course.report(1, 5.0, terms=0).terms == course.control.situation.terms


def test_a_coordinator_that_takes_over_goes_on_with_the_terms() -> None:
    course = Course(plan(maxCostUsd=5)).begin()
    course.everyone_reports(1.0)
    rephase(course, 2.0, FIRST, (5.0, 4, "linear"))
    amend(course, 2.5, max_cost_usd=3.0)
    kept = msgspec.json.encode(course.control.checkpoint(course.start_s + 3.0))
    saved = msgspec.json.decode(kept, type=Checkpoint)
    control = RunControl.resume(plan(maxCostUsd=5), saved, [], course.start_s + 4.0)
    assert control.situation.plan == course.control.situation.plan
    assert (control.situation.terms, control.situation.reloads) == (
        course.control.situation.terms,
        course.control.situation.reloads,
    )
    assert control.situation.allowed_usd == 3.0
    course.control = control
    assert course.report(0, 5.0, terms=2).terms is None
    assert course.report(1, 5.0, terms=0).terms == control.situation.terms
    assert course.tick(25.0) is RunState.DRAINING


# what is told


def test_what_became_of_a_change_is_noted() -> None:
    course = Course(plan()).begin()
    course.control.take_events()
    wanted = replace(
        course.control.situation.plan, limits=replace(course.control.situation.plan.limits, max_cost_usd=2.0)
    )
    changes = (Change("spec.limits.maxCostUsd", "1", "2"),)
    asked = Amendment(Terms.of(wanted), changes, (Problem("spec.users.perOrg.max", "cannot change"),))
    ruling = course.control.amend(asked, course.start_s + 3.0)
    assert (ruling.reload.run_s, ruling.reload.applied, ruling.reload.refused) == (3.0, changes, asked.refused)
    assert course.control.situation.reloads == [ruling.reload]
    noted = course.control.take_events()
    assert [(event.kind, event.detail) for event in noted if event.kind.startswith("reload")] == [
        ("reload_refused", {"problems": ["spec.users.perOrg.max: cannot change"]}),
        (
            "reload_applied",
            {"version": 1, "changes": [{"path": "spec.limits.maxCostUsd", "old": "1", "new": "2"}]},
        ),
    ]


def test_a_file_that_cannot_be_read_changes_nothing() -> None:
    course = Course(plan()).begin()
    asked = Amendment(None, (), (Problem("spec.limits.maxCostUsd", "found 'x'"),))
    ruling = course.control.amend(asked, course.start_s + 3.0)
    assert (ruling.reload.applied, ruling.terms.version) == ((), 0)
    assert course.control.situation.plan == plan()
    assert [event.detail["problems"] for event in events(course, "reload_refused")] == [
        ["spec.limits.maxCostUsd: found 'x'"]
    ]


def test_a_run_that_ends_changes_nothing_any_more() -> None:
    course = Course(plan()).begin()
    course.stop(5.0)
    ruling = amend(course, 6.0, max_cost_usd=2.0)
    assert ruling.reload.applied == ()
    assert [str(problem) for problem in ruling.reload.refused] == [
        "spec.limits.maxCostUsd: too late: the run is draining"
    ]
    assert {told.terms for told in course.everyone_reports(7.0).values()} == {None}
    assert sorted(PACKS) == [0, 1]
