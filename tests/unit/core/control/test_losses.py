from __future__ import annotations

from dataclasses import replace

import pytest

from raysim.core.control.messages import StopOrder, Totals
from raysim.core.control.run_control import RunState
from tests.unit.core.control.course import DRAIN_S, PACKS, USERS, Course, plan, switches_of
from tests.unit.core.plan.scenarios import schedule_of


def test_a_lost_pack_is_noted_and_its_work_still_counts() -> None:
    course = Course(plan()).begin()
    course.report(1, 3.0, totals=Totals(requests=7, success=7, cost_usd=0.1), active=3, in_flight=2)
    assert course.control.active == 3
    course.kinds()
    course.control.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    (event,) = course.control.take_events()
    assert (event.kind, event.detail) == ("pack_lost", {"pack": 1, "users": PACKS[1], "why": "killed"})
    assert {(loss.user, loss.at_run_s, loss.why) for loss in course.control.lost.values()} == {
        (user, 4.0, "killed") for user in PACKS[1]
    }
    assert course.control.active == 0
    assert sorted(course.control.ready_users) == PACKS[0]
    assert course.control.totals.requests == 7
    assert course.state() is RunState.RUNNING


def test_a_user_is_lost_once() -> None:
    course = Course(plan()).begin()
    course.control.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    course.control.pack_lost(1, PACKS[1], "ended", course.start_s + 9.0)
    assert {(loss.at_run_s, loss.why) for loss in course.control.lost.values()} == {(4.0, "killed")}


def test_what_a_lost_pack_still_says_is_not_believed() -> None:
    course = Course(plan()).begin()
    course.control.pack_lost(1, PACKS[1], "unreachable", course.start_s + 4.0)
    course.report(1, 5.0, active=3, totals=Totals(requests=99))
    assert course.control.active == 0
    assert course.control.totals.requests == 0


def test_lost_users_are_replaced_while_there_are_any_idle() -> None:
    made = replace(plan(), schedule=schedule_of(USERS, (60.0, 3, "at_once")))
    course = Course(made).begin()
    assert {pack: switches_of(orders) for pack, orders in course.everyone_reports(-1.0).items()} == {
        0: [(0, True), (2, True)],
        1: [(1, True)],
    }
    course.control.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    orders = course.report(0, 5.0)
    assert switches_of(orders) == [(4, True)]
    assert all(switch.at_run_s >= 5.0 for switch in orders.switches)


def test_users_who_left_for_good_are_noted_and_replaced() -> None:
    made = replace(plan(), schedule=schedule_of(USERS, (60.0, 2, "at_once")))
    course = Course(made).begin()
    course.everyone_reports(-1.0)
    orders = course.report(0, 3.0, gone=((0, "auth"),))
    assert course.control.gone_users == {0: "auth"}
    assert switches_of(orders) == [(2, True)]
    left = [event.detail for event in course.control.take_events() if event.kind == "user_left"]
    assert left == [{"user": 0, "reason": "auth"}]


@pytest.mark.parametrize("reason", ["budget_exceeded", "quota_exceeded"])
def test_nobody_takes_the_place_of_a_user_whose_tenant_cannot_go_on(reason: str) -> None:
    made = replace(plan(), schedule=schedule_of(USERS, (60.0, 2, "at_once")))
    course = Course(made).begin()
    course.everyone_reports(-1.0)
    assert switches_of(course.report(0, 3.0, gone=((0, reason),))) == []
    assert course.control.gone_users == {0: reason}
    # when its actor dies afterwards, the place is still its tenant's
    course.control.pack_lost(1, [0], "killed", course.start_s + 4.0)
    assert switches_of(course.report(0, 5.0)) == []


def test_a_run_that_tolerates_no_loss_is_aborted() -> None:
    made = plan()
    course = Course(replace(made, bootstrap=replace(made.bootstrap, abort_on_loss=True))).begin()
    course.control.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    assert course.state() is RunState.DRAINING
    assert course.control.stop_reason == "loss"
    assert course.report(0, 5.0).stop == StopOrder("loss", DRAIN_S)
    # the lost pack is not waited for
    course.report(0, 6.0, drained=True)
    assert course.state() is RunState.DRAINED
    assert course.kinds()[-3:] == ["pack_lost", "stopping", "drained"]


def test_a_loss_while_draining_does_not_change_why_the_run_stopped() -> None:
    made = plan()
    course = Course(replace(made, bootstrap=replace(made.bootstrap, abort_on_loss=True))).begin()
    course.stop(3.0)
    course.control.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    assert course.control.stop_reason == "interrupted"


def test_a_run_without_users_does_not_wait_for_its_last_phase() -> None:
    course = Course(plan()).begin()
    course.control.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    assert course.tick(4.5) is RunState.RUNNING
    course.report(0, 5.0, gone=tuple((user, "budget_exceeded") for user in PACKS[0]))
    assert course.state() is RunState.DRAINING
    assert (course.control.stop_reason, course.control.stopped_at_s) == ("no_users", 5.0)


def test_users_that_have_sent_all_they_were_to_send_complete_the_run() -> None:
    course = Course(plan()).begin()
    for pack, users in PACKS.items():
        course.report(pack, 5.0, gone=tuple((user, "request_limit") for user in users))
    assert course.control.stop_reason == "completed"
