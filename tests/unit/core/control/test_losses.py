from __future__ import annotations

from dataclasses import replace

import pytest

from raysim.core.control.messages import StopOrder, Totals
from raysim.core.control.situation import RunState
from tests.unit.core.control.course import BEGIN_S, DRAIN_S, PACKS, USERS, Course, plan, switches_of
from tests.unit.core.plan.scenarios import schedule_of

NO_SLOT = "no node had slots for it"


def test_a_lost_pack_is_noted_and_its_work_still_counts() -> None:
    course = Course(plan()).begin()
    course.report(1, 3.0, totals=Totals(requests=7, success=7, cost_usd=0.1), active=3, in_flight=2, sent=9, unsure=1)
    assert course.control.situation.active == 3
    course.kinds()
    course.control.lives.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    (event,) = course.control.take_events()
    assert event.kind == "pack_lost"
    assert event.detail == {
        "pack": 1,
        "users": PACKS[1],
        "why": "killed",
        "life": 0,
        "last_word": {"at_s": 3.0, "sequence": 1, "sent": 9, "unsure": 1},
    }
    assert {(loss.user, loss.at_run_s, loss.why) for loss in course.control.situation.lost.values()} == {
        (user, 4.0, "killed") for user in PACKS[1]
    }
    assert course.control.situation.active == 0
    assert sorted(course.control.situation.ready_users) == PACKS[0]
    assert course.control.situation.totals.requests == 7
    assert course.state() is RunState.RUNNING


def test_a_user_is_lost_once() -> None:
    course = Course(plan()).begin()
    course.control.lives.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    course.control.lives.pack_lost(1, PACKS[1], "ended", course.start_s + 9.0)
    assert {(loss.at_run_s, loss.why) for loss in course.control.situation.lost.values()} == {(4.0, "killed")}


def test_what_a_lost_pack_still_says_is_not_believed() -> None:
    course = Course(plan()).begin()
    course.control.lives.pack_lost(1, PACKS[1], "unreachable", course.start_s + 4.0)
    course.report(1, 5.0, active=3, totals=Totals(requests=99))
    assert course.control.situation.active == 0
    assert course.control.situation.totals.requests == 0


def test_lost_users_are_replaced_while_there_are_any_idle() -> None:
    made = replace(plan(), schedule=schedule_of(USERS, (60.0, 3, "at_once")))
    course = Course(made).begin()
    assert {pack: switches_of(orders) for pack, orders in course.everyone_reports(-1.0).items()} == {
        0: [(0, True), (2, True)],
        1: [(1, True)],
    }
    course.control.lives.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    orders = course.report(0, 5.0)
    assert switches_of(orders) == [(4, True)]
    assert all(switch.at_run_s >= 5.0 for switch in orders.switches)


def test_users_who_left_for_good_are_noted_and_replaced() -> None:
    made = replace(plan(), schedule=schedule_of(USERS, (60.0, 2, "at_once")))
    course = Course(made).begin()
    course.everyone_reports(-1.0)
    orders = course.report(0, 3.0, gone=((0, "auth"),))
    assert course.control.situation.gone_users == {0: "auth"}
    assert switches_of(orders) == [(2, True)]
    left = [event.detail for event in course.control.take_events() if event.kind == "user_left"]
    assert left == [{"user": 0, "reason": "auth"}]


@pytest.mark.parametrize("reason", ["budget_exceeded", "quota_exceeded"])
def test_nobody_takes_the_place_of_a_user_whose_tenant_cannot_go_on(reason: str) -> None:
    made = replace(plan(), schedule=schedule_of(USERS, (60.0, 2, "at_once")))
    course = Course(made).begin()
    course.everyone_reports(-1.0)
    assert switches_of(course.report(0, 3.0, gone=((0, reason),))) == []
    assert course.control.situation.gone_users == {0: reason}
    # when its actor dies afterwards, the place is still its tenant's
    course.control.lives.pack_lost(1, [0], "killed", course.start_s + 4.0)
    assert switches_of(course.report(0, 5.0)) == []


def test_a_run_that_tolerates_no_loss_is_aborted() -> None:
    made = plan()
    course = Course(replace(made, bootstrap=replace(made.bootstrap, abort_on_loss=True))).begin()
    course.control.lives.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    assert course.state() is RunState.DRAINING
    assert course.control.situation.ending.reason == "loss"
    assert course.report(0, 5.0).stop == StopOrder("loss", DRAIN_S)
    # the lost pack is not waited for
    course.report(0, 6.0, drained=True)
    assert course.state() is RunState.DRAINED
    assert course.kinds()[-3:] == ["pack_lost", "stopping", "drained"]


def nobody_has_room(on_loss: str) -> tuple[Course, int]:
    """A course before its beginning, of whose two packs one was given up; and the life in which to place it again."""
    made = plan()
    policy = replace(made.bootstrap, abort_on_loss=on_loss == "abort", respawn=on_loss == "respawn")
    course = Course(replace(made, bootstrap=policy))
    course.control.lives.pack_ready(0, PACKS[0])
    return course, course.control.lives.pack_lost(1, PACKS[1], NO_SLOT, BEGIN_S, certain=True)


@pytest.mark.parametrize(
    ("on_loss", "life", "state"),
    [("continue", 0, RunState.PREPARING), ("respawn", 1, RunState.PREPARING), ("abort", 0, RunState.DRAINING)],
)
def test_a_pack_that_found_no_slot_is_lost_by_name_and_treated_as_was_asked(
    on_loss: str, life: int, state: RunState
) -> None:
    course, next_life = nobody_has_room(on_loss)
    assert (next_life, course.state()) == (life, state)
    assert sorted(course.control.situation.lost) == PACKS[1]
    assert {loss.why for loss in course.control.situation.losses.every} == {NO_SLOT}
    (told,) = [event.detail for event in course.control.take_events() if event.kind == "pack_lost"]
    assert (told["users"], told["why"]) == (PACKS[1], NO_SLOT)
    assert course.control.situation.ending.reason == ("loss" if on_loss == "abort" else "")


def test_a_pack_that_never_finds_a_slot_is_not_placed_for_ever() -> None:
    course, _ = nobody_has_room("respawn")
    lives = [course.control.lives.pack_lost(1, PACKS[1], NO_SLOT, BEGIN_S, certain=True) for _ in range(3)]
    assert lives == [2, 3, 0]
    # and the run goes on with those who are there
    course.control.begin(BEGIN_S)
    assert (course.control.situation.ready, course.tick(1.0)) == (3, RunState.RUNNING)


def test_a_loss_while_draining_does_not_change_why_the_run_stopped() -> None:
    made = plan()
    course = Course(replace(made, bootstrap=replace(made.bootstrap, abort_on_loss=True))).begin()
    course.stop(3.0)
    course.control.lives.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    assert course.control.situation.ending.reason == "interrupted"


def test_a_run_without_users_does_not_wait_for_its_last_phase() -> None:
    course = Course(plan()).begin()
    course.control.lives.pack_lost(1, PACKS[1], "killed", course.start_s + 4.0)
    assert course.tick(4.5) is RunState.RUNNING
    course.report(0, 5.0, gone=tuple((user, "budget_exceeded") for user in PACKS[0]))
    assert course.state() is RunState.DRAINING
    assert (course.control.situation.ending.reason, course.control.situation.ending.stopped_at_s) == ("no_users", 5.0)


def test_users_that_have_sent_all_they_were_to_send_complete_the_run() -> None:
    course = Course(plan()).begin()
    for pack, users in PACKS.items():
        course.report(pack, 5.0, gone=tuple((user, "request_limit") for user in users))
    assert course.control.situation.ending.reason == "completed"


def respawning(seconds: float = 60.0, target: int = USERS) -> Course:
    made = replace(plan(), schedule=schedule_of(USERS, (seconds, target, "at_once")))
    return Course(replace(made, bootstrap=replace(made.bootstrap, respawn=True))).begin()


def lose(course: Course, run_s: float, pack: int = 1) -> int:
    return course.control.lives.pack_lost(pack, PACKS[pack], "killed", course.start_s + run_s)


def test_a_lost_pack_is_placed_again_and_its_users_come_back() -> None:
    course = respawning()
    course.everyone_reports(-1.0)
    course.report(1, 3.0, totals=Totals(requests=7, cost_usd=0.1), active=3)
    assert lose(course, 4.0) == 1
    assert len(course.control.situation.lost) == 3
    course.control.lives.pack_ready(1, PACKS[1], course.start_s + 6.5, 1)
    assert (course.control.situation.lost, sorted(course.control.situation.ready_users)) == ({}, list(range(USERS)))
    losses = {
        loss.user: (loss.heard_run_s, loss.at_run_s, loss.back_run_s) for loss in course.control.situation.losses.every
    }
    assert losses == dict.fromkeys(PACKS[1], (3.0, 4.0, 6.5))
    # a new process counts from nothing; what the old one did still counts
    orders = course.report(1, 7.0, life=1, totals=Totals(requests=2, cost_usd=0.05), active=0)
    assert switches_of(orders) == [(user, True) for user in PACKS[1]]
    assert all(switch.at_run_s >= 7.0 for switch in orders.switches)
    assert course.control.situation.totals.requests == 9
    assert course.kinds()[-2:] == ["pack_lost", "users_back"]


def test_whose_place_was_taken_waits_for_another_one() -> None:
    course = respawning(target=3)
    course.everyone_reports(-1.0)
    assert lose(course, 4.0) == 1
    assert switches_of(course.report(0, 5.0)) == [(4, True)]
    course.control.lives.pack_ready(1, PACKS[1], course.start_s + 6.0, 1)
    assert switches_of(course.report(1, 7.0, life=1)) == []
    lose(course, 8.0, pack=0)
    assert switches_of(course.report(1, 9.0, life=1)) == [(user, True) for user in PACKS[1]]


def test_a_run_waits_for_the_users_that_are_being_replaced() -> None:
    course = respawning()
    lose(course, 4.0, pack=0)
    lose(course, 4.0, pack=1)
    assert course.tick(5.0) is RunState.RUNNING


def test_a_pack_that_is_lost_again_and_again_stays_lost() -> None:
    course = respawning()
    assert [lose(course, float(second)) for second in range(2, 7)] == [1, 2, 3, 0, 0]
    assert [loss.at_run_s for loss in course.control.situation.lost.values()] == [2.0] * 3
    lose(course, 8.0, pack=0)
    for second in (9.0, 10.0, 11.0):
        lose(course, second, pack=0)
    assert course.tick(12.0) is RunState.DRAINED
    assert course.control.situation.ending.reason == "no_users"


def test_users_that_cannot_be_set_up_again_stay_lost() -> None:
    course = respawning()
    lose(course, 4.0)
    course.control.lives.pack_ready(1, [1, 3], course.start_s + 6.0, 1)
    assert list(course.control.situation.lost) == [5]
    assert switches_of(course.report(1, 7.0, life=1)) == [(1, True), (3, True)]


def test_users_who_have_left_are_not_brought_back() -> None:
    course = respawning()
    course.everyone_reports(-1.0)
    course.report(1, 3.0, gone=((1, "auth"), (3, "budget_exceeded")))
    assert lose(course, 4.0) == 1
    course.control.lives.pack_ready(1, PACKS[1], course.start_s + 6.0, 1)
    assert switches_of(course.report(1, 7.0, life=1)) == [(5, True)]
    course.report(1, 8.0, life=1, gone=((5, "auth"),))
    assert lose(course, 9.0) == 0


@pytest.mark.parametrize("drained", [False, True])
def test_who_comes_back_too_late_hears_that_the_run_is_over(drained: bool) -> None:
    course = respawning()
    lose(course, 4.0)
    course.stop(5.0)
    if drained:
        course.report(0, 6.0, drained=True)
    course.control.lives.pack_ready(1, PACKS[1], course.start_s + 7.0, 1)
    orders = course.report(1, 7.5, life=1)
    assert (orders.stop, orders.switches) == (StopOrder("interrupted", DRAIN_S), ())
    course.report(0, 8.0, drained=True)
    assert course.state() is RunState.DRAINED
    assert len(course.control.situation.lost) == 3
    assert lose(course, 9.0) == 0


def test_a_process_that_was_taken_for_lost_is_told_to_stop() -> None:
    course = respawning()
    course.everyone_reports(-1.0)
    lose(course, 4.0)
    lost = StopOrder("lost", 0.0)
    assert course.report(1, 5.0, active=3, totals=Totals(requests=9)).stop == lost
    # its own late word does not pass for its successor's
    course.control.lives.pack_ready(1, PACKS[1], course.start_s + 5.5, 0)
    assert len(course.control.situation.lost) == 3
    course.control.lives.pack_ready(1, PACKS[1], course.start_s + 6.0, 1)
    orders = course.report(1, 7.0, active=3, totals=Totals(requests=9))
    assert (orders.stop, orders.switches) == (lost, ())
    assert (course.control.situation.active, course.control.situation.totals.requests) == (0, 0)
    assert len(switches_of(course.report(1, 8.0, life=1))) == 3


def test_a_pack_that_is_lost_before_the_run_begins_is_placed_again() -> None:
    made = plan()
    course = Course(replace(made, bootstrap=replace(made.bootstrap, respawn=True)))
    course.control.lives.pack_ready(0, PACKS[0])
    # it died before it was ready
    assert course.control.lives.pack_lost(1, PACKS[1], "its node died", 0.0) == 1
    course.control.lives.pack_ready(1, PACKS[1], 1.0, life=0)
    assert sorted(course.control.situation.ready_users) == PACKS[0]
    course.control.lives.pack_ready(1, PACKS[1], 2.0, life=1)
    course.control.begin(1_000.0)
    assert (course.control.situation.lost, sorted(course.control.situation.ready_users)) == ({}, list(range(USERS)))
    assert len(switches_of(course.report(1, -1.0, life=1))) == 3
    assert {loss.why for loss in course.control.situation.losses.every} == {"its node died"}
