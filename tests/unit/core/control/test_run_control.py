from __future__ import annotations

from dataclasses import replace

import pytest

from raysim.core.control.lease import LeaseOrder
from raysim.core.control.messages import Orders, PackHealth, PackStatus, Totals
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from tests.unit.core.control.course import BEGIN_S, PACKS, USERS, Course, plan, switches_of
from tests.unit.core.plan.scenarios import schedule_of


def test_before_the_run_begins_nobody_is_told_anything_but_the_time() -> None:
    control = Course(plan()).prepare().control
    status = PackStatus(0, 1, Totals(), 0, 0, drained=False, health=PackHealth("pack-0", "node", 0.0, 0.0, 60.0))
    orders = control.report(status, 7.0)
    assert orders == Orders(7.0, 5.0, lease_s=15.0, interval_s=1.0, lease=LeaseOrder(granted=0, keep=0))
    assert control.situation.state is RunState.PREPARING
    assert control.take_events() == []


def test_second_0_lies_ahead_so_that_every_pack_hears_of_it_in_time() -> None:
    course = Course(plan()).begin()
    assert course.start_s > BEGIN_S + course.control.situation.interval_s
    assert course.state() is RunState.RUNNING
    orders = course.report(0, -1.2)
    assert orders.run_start_s == course.start_s
    assert orders.clock_s == course.start_s - 1.2
    assert course.kinds() == ["run_started"]


@pytest.mark.parametrize(
    ("lease", "interval_s"),
    [
        ("60s", 4.0),
        pytest.param("12s", 3.0, id="but four times within a lease"),
        pytest.param("2s", 1.0, id="never below a second"),
    ],
)
def test_many_packs_report_less_often(lease: str, interval_s: float) -> None:
    control = RunControl.of(plan(lease=lease))
    for pack in range(1_000):
        control.lives.pack_ready(pack, [pack])
    assert control.situation.interval_s == pytest.approx(interval_s)


def test_a_pack_lost_before_the_run_is_not_counted_on() -> None:
    course = Course(replace(plan(), schedule=schedule_of(USERS, (60.0, 3, "at_once"))))
    course.prepare().control.lives.pack_lost(1, PACKS[1], "killed", BEGIN_S - 5)
    course.control.begin(BEGIN_S)
    assert sorted(course.control.situation.ready_users) == PACKS[0]
    orders = course.report(0, -1.0)
    assert switches_of(orders) == [(user, True) for user in PACKS[0]]
    started = next(event for event in course.control.take_events() if event.kind == "run_started")
    assert started.detail == {"users": 3}


def test_every_pack_is_told_of_its_own_users_before_they_are_due() -> None:
    course = Course(plan()).begin()
    orders = course.everyone_reports(-1.0)
    assert {pack: switches_of(told) for pack, told in orders.items()} == {
        0: [(0, True), (2, True), (4, True)],
        1: [(1, True), (3, True), (5, True)],
    }
    assert all(switch.at_run_s == 0.0 for told in orders.values() for switch in told.switches)


def test_a_switch_is_delivered_once_and_in_time() -> None:
    course = Course(plan()).begin()
    heard: list[tuple[float, int, bool, float]] = []
    for second in range(-1, 28):
        for pack, orders in course.everyone_reports(float(second)).items():
            assert {switch.user for switch in orders.switches} <= set(PACKS[pack])
            heard += [(second, switch.user, switch.on, switch.at_run_s) for switch in orders.switches]
    assert [(user, on) for _, user, on, _ in heard if on] == [
        (0, True),
        (2, True),
        (4, True),
        (1, True),
        (3, True),
        (5, True),
    ]
    # the longest-active stop first
    assert sorted(user for _, user, on, _ in heard if not on) == [0, 1, 2, 3]
    assert all(heard_s < at_s or at_s == 0.0 for heard_s, _, _, at_s in heard)
    assert len(heard) == 10


def test_a_pack_that_is_silent_for_a_while_finds_all_its_orders() -> None:
    course = Course(plan()).begin()
    for second in range(25):
        course.report(1, float(second))
    assert switches_of(course.report(0, 25.0)) == [(0, True), (2, True), (4, True), (0, False), (2, False)]


def test_phases_are_noted_once_each() -> None:
    course = Course(plan()).begin()
    noted = []
    for second in range(-1, 29):
        course.tick(float(second))
        noted += [(second, event.detail["name"]) for event in course.control.take_events() if event.kind == "phase"]
    assert noted == [(0, "phase-0"), (20, "phase-1")]


def test_target_and_active_are_sampled_about_once_a_second() -> None:
    course = Course(plan()).begin()
    for quarter in range(-4, 40):
        run_s = quarter / 4
        for pack in PACKS:
            course.report(pack, run_s, active=2)
    seconds = [run_s for run_s, _, _ in course.control.situation.samples]
    assert seconds == [float(second) for second in range(10)]
    assert {(target, active) for _, target, active in course.control.situation.samples} == {(6, 4)}


def test_the_latest_health_of_every_pack_is_kept() -> None:
    course = Course(plan()).begin()
    course.report(1, 1.0)
    assert [health.pack for health in course.control.situation.health] == ["pack-1"]
    course.report(0, 1.0)
    assert sorted(health.pack for health in course.control.situation.health) == ["pack-0", "pack-1"]


def test_the_error_rate_is_that_of_the_window() -> None:
    course = Course(plan()).begin()
    assert course.control.situation.error_rate is None
    course.report(0, 2.0, totals=Totals(requests=4, success=3, error=1))
    assert course.control.situation.error_rate == pytest.approx(0.25)


def test_events_are_taken_once() -> None:
    course = Course(plan()).begin()
    assert course.kinds() == ["run_started"]
    assert course.kinds() == []
