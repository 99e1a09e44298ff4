from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf

import msgspec
import pytest

from raysim.core.control.checkpoint import Checkpoint
from raysim.core.control.losses import MOST_REPLACEMENTS
from raysim.core.control.messages import StopOrder, Totals
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from tests.unit.core.control.course import PACKS, USERS, Course, plan, switches_of
from tests.unit.core.control.test_losses import lose, respawning
from tests.unit.core.plan.scenarios import schedule_of


def moving(course: Course, run_s: float = 4.0, leaves_in_s: float = 30.0) -> int:
    course.everyone_reports(run_s - 1, active=3)
    return course.control.lives.pack_moving(1, "10.0.0.7", leaves_in_s)


def stand_by(course: Course, run_s: float, users: list[int] | None = None, life: int = 1) -> None:
    course.control.lives.pack_ready(1, PACKS[1] if users is None else users, course.start_s + run_s, life)


def test_a_pack_goes_on_until_somebody_can_take_over_and_then_hands_over() -> None:
    course = respawning()
    course.everyone_reports(-1.0)
    assert moving(course) == 1
    # its successor is being set up: it plays on, and nobody takes its reports for a stranger's
    assert course.report(1, 5.0, active=3, totals=Totals(requests=5)).stop is None
    stand_by(course, 6.0)
    assert course.control.situation.lost == {}
    assert course.control.lives.is_moving(PACKS[1][0])
    assert course.control.lives.hand_over(1, 8.0, course.start_s + 6.0)
    orders = course.report(1, 6.5, active=3, totals=Totals(requests=6))
    assert (orders.stop, orders.lease and orders.lease.granted) == (StopOrder("moved", 8.0), 0)
    course.report(1, 7.0, drained=True, totals=Totals(requests=7))
    assert course.state() is RunState.RUNNING
    assert course.control.lives.take_over(1, 1, course.start_s + 7.5)
    orders = course.report(1, 8.0, life=1, totals=Totals(requests=2))
    assert (orders.stop, switches_of(orders)) == (None, [(user, True) for user in PACKS[1]])
    assert course.control.situation.totals.requests == 9
    assert (course.control.situation.losses.every, course.control.situation.lost_processes) == ((), ())
    events = {event.kind: event.detail for event in course.control.take_events()}
    assert events["pack_moving"]["leaves_in_s"] == 30.0
    assert events["users_moved"] == {"pack": 1, "users": PACKS[1], "away_s": 1.5}


def test_a_pack_moves_once_at_a_time_and_not_when_the_run_ends() -> None:
    course = respawning()
    assert moving(course, leaves_in_s=inf) == 1
    # asked again, it is the same move
    assert course.control.lives.pack_moving(1, "10.0.0.7", 5.0) == 1
    assert course.kinds().count("pack_moving") == 1
    course.stop(5.0)
    assert not course.control.lives.hand_over(1, 8.0, course.start_s + 5.0)
    assert course.control.lives.pack_moving(0, "10.0.0.7", 5.0) == 0
    assert not course.control.lives.take_over(1, 1, course.start_s + 6.0)


def test_a_node_that_goes_before_its_time_is_a_loss_but_the_successor_comes() -> None:
    course = respawning()
    course.everyone_reports(-1.0)
    moving(course)
    assert lose(course, 5.0) == 1
    assert list(course.control.situation.lost) == PACKS[1]
    stand_by(course, 6.0)
    assert course.control.lives.take_over(1, 1, course.start_s + 6.5)
    assert course.control.situation.lost == {}
    assert {loss.back_run_s for loss in course.control.situation.losses.every} == {6.5}
    assert switches_of(course.report(1, 7.0, life=1)) == [(user, True) for user in PACKS[1]]


def test_users_that_cannot_be_set_up_elsewhere_are_lost() -> None:
    course = respawning()
    course.everyone_reports(-1.0)
    moving(course)
    stand_by(course, 6.0, users=[1, 3])
    course.control.lives.hand_over(1, 8.0, course.start_s + 6.0)
    course.control.lives.take_over(1, 1, course.start_s + 7.0)
    assert {loss.user: loss.why for loss in course.control.situation.lost.values()} == {
        5: "could not be set up again on another node"
    }
    assert switches_of(course.report(1, 8.0, life=1)) == [(1, True), (3, True)]


def test_a_pack_that_cannot_move_stays_and_its_loss_is_one_like_any_other() -> None:
    course = respawning()
    course.everyone_reports(-1.0)
    moving(course)
    course.control.lives.move_failed(1, "no slots")
    assert course.report(1, 5.0, active=3).stop is None
    assert course.kinds()[-1] == "move_failed"
    # the number of the life that never was is not given again
    assert lose(course, 6.0) == 2


def test_moves_are_not_counted_as_losses() -> None:
    course = respawning()
    for life in range(1, MOST_REPLACEMENTS + 3):
        course.everyone_reports(2.0 * life, life=0)
        assert course.control.lives.pack_moving(1, "10.0.0.7", 30.0) == life
        stand_by(course, 2.0 * life + 1, life=life)
        course.control.lives.hand_over(1, 8.0, course.start_s + 2.0 * life + 1)
        assert course.control.lives.take_over(1, life, course.start_s + 2.0 * life + 1.5)
    assert lose(course, 40.0) == MOST_REPLACEMENTS + 3


def test_others_take_the_places_of_users_on_their_way() -> None:
    course = respawning(target=3)
    course.everyone_reports(-1.0)
    moving(course)
    stand_by(course, 5.0)
    course.control.lives.hand_over(1, 8.0, course.start_s + 5.0)
    assert switches_of(course.report(0, 6.0)) == [(4, True)]


def test_packs_that_have_not_reported_are_silent() -> None:
    course = Course(replace(plan(), schedule=plan().schedule)).begin()
    course.everyone_reports(5.0)
    course.report(0, 8.5)
    assert course.control.situation.silent(course.start_s + 7.9) == ()
    assert course.control.situation.silent(course.start_s + 8.6) == (1,)
    course.control.lives.pack_lost(1, PACKS[1], "killed", course.start_s + 8.6)
    assert course.control.situation.silent(course.start_s + 9.0) == ()


def restarted(course: Course, run_s: float) -> None:
    """A coordinator that goes on from what another one wrote down at this second."""
    kept = msgspec.json.encode(course.control.checkpoint(course.start_s + run_s))
    saved = msgspec.json.decode(kept, type=Checkpoint)
    made = replace(plan(), schedule=schedule_of(USERS, (60.0, USERS, "at_once")))
    made = replace(made, bootstrap=replace(made.bootstrap, respawn=True))
    course.control = RunControl.resume(made, saved, (), course.start_s + run_s + 1.0)


@pytest.mark.parametrize("step", range(4))
def test_a_move_goes_on_when_the_coordinator_is_started_again(step: int) -> None:
    course = respawning()
    course.everyone_reports(-1.0)
    acts: list[Callable[[], object]] = [
        lambda: moving(course),
        lambda: stand_by(course, 5.0),
        lambda: course.control.lives.hand_over(1, 8.0, course.start_s + 5.0),
        lambda: course.report(1, 6.0, drained=True),
    ]
    for number, act in enumerate(acts):
        act()
        if number == step:
            restarted(course, 6.0)
    assert course.control.lives.take_over(1, 1, course.start_s + 8.0)
    # its answer was lost
    assert course.control.lives.take_over(1, 1, course.start_s + 8.1)
    assert switches_of(course.report(1, 9.0, life=1))[-3:] == [(user, True) for user in PACKS[1]]
    assert course.control.situation.losses.every == ()
    assert course.control.lives.pack_moving(1, "10.0.0.8", 30.0) == 2


def test_what_a_process_was_told_before_a_restart_widens_what_it_may_have_done() -> None:
    course = respawning()
    course.everyone_reports(3.0, sent=4, askers=1)
    before = course.control.situation.words.of(1, 0)
    restarted(course, 3.5)
    lose(course, 5.0)
    (lost,) = course.control.situation.lost_processes
    assert (lost.word.sent, lost.word.at_run_s) == (before.sent, before.at_run_s)
    # it may have been answered until the restart, and told that everybody is to ask
    assert (lost.word.askers, lost.silent_at_s(15.0)) == (3, 4.5 + 15.0)
    # who reports again is known again
    course.report(0, 5.0, sent=6, askers=2)
    assert course.control.situation.words.of(0, 0).answered_by_run_s is None
