from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from raysim.core.control.last_words import LastWord, LastWords, LostProcess
from raysim.core.control.messages import Arrival, Orders, PackHealth, PackStatus, Switch, Totals
from raysim.core.control.slots import SlotBlock
from raysim.core.control.terms import Terms
from raysim.core.plan.run_plan import LimitPlan
from tests.unit.core.control.course import plan

LIMITS = LimitPlan(None, None, 30.0, 10, False, None, None, 15.0, 30.0)
SAID = LastWord(0, 0, at_run_s=10.0, sequence=7, sent=40, unsure=2, askers=5)


def status(sequence: int, **values: Any) -> PackStatus:
    health = PackHealth("pack", "node", 0.1, 0.1, 60.0)
    defaults: dict[str, Any] = {"pack": 0, "totals": Totals(), "active": 0, "in_flight": 0, "drained": False}
    return PackStatus(sequence=sequence, health=health, **(defaults | values))


def orders(**values: Any) -> Orders:
    return Orders(0.0, 0.0, 15.0, 1.0, **values)


@pytest.mark.parametrize(
    ("word", "until_s", "cycle_s", "closed", "most"),
    [
        # 40 sent, 2 in doubt; each of 5 users: one at once, and one more after each whole cycle of 2 s
        (SAID, 10.0, 2.0, True, 47),
        (SAID, 13.9, 2.0, True, 52),
        (SAID, 14.0, 2.0, True, 57),
        # less time than none is none
        (SAID, 9.0, 2.0, True, 47),
        # users in an open loop ask only when they are told to
        (SAID, 14.0, 2.0, False, 42),
        (replace(SAID, arrivals=3), 14.0, 2.0, False, 45),
        (replace(SAID, arrivals=3), 14.0, 2.0, True, 60),
        (replace(SAID, askers=0), 14.0, 0.0, True, 42),
        # nothing is known of how fast they can ask: only a cap bounds them
        (SAID, 14.0, 0.0, True, math.inf),
        (replace(SAID, slots=4), 14.0, 0.0, True, 46),
        (replace(SAID, slots=4, allowance=1), 14.0, 2.0, True, 43),
        # who never reported was never told to ask
        (LastWord(0, 0), 14.0, 2.0, True, 0),
    ],
)
def test_the_most_that_may_have_been_sent(
    word: LastWord, until_s: float, cycle_s: float, closed: bool, most: float
) -> None:
    assert word.most_sent(until_s, cycle_s, closed_loop=closed) == most


def test_the_last_report_counts_and_not_one_that_it_overtook() -> None:
    words = LastWords(1.0)
    words.hear(status(2, sent=20, unsure=1, askers=3, taken_run_s=4.9), 5.0, LIMITS)
    words.hear(status(1, sent=10, askers=9), 5.1, LIMITS)
    assert words.of(0, 0) == LastWord(0, 0, at_run_s=4.9, sequence=2, sent=20, unsure=1, askers=3)
    assert words.of(0, 1) == LastWord(0, 1)


def test_what_a_process_was_told_since_belongs_to_what_it_may_do() -> None:
    capped = replace(LIMITS, max_requests_per_second=10.0)
    words = LastWords(1.0)
    first = status(1, askers=2, taken_run_s=3.0)
    words.hear(first, 3.0, capped)
    words.answer(
        first,
        orders(
            switches=(Switch(7, 4.0, on=True), Switch(8, 4.0, on=False)),
            arrivals=(Arrival(1, 3.5), Arrival(1, 5.5)),
            slots=SlotBlock(3.0, 6, 0.1),
        ),
    )
    word = words.of(0, 0)
    assert (word.askers, word.arrivals, word.slots) == (3, 2, 6)
    # the next report shows what became of it; an arrival that is still to come was not forgotten
    words.hear(status(2, askers=3, taken_run_s=4.0), 4.0, capped)
    word = words.of(0, 0)
    assert (word.askers, word.arrivals, word.slots) == (3, 1, 0)


def test_what_users_have_left_is_counted_over_their_lives() -> None:
    limited = replace(LIMITS, max_requests_per_user=10)
    words = LastWords(1.0)
    words.hear(status(1, accepted=((0, 9), (1, 12), (2, 0))), 5.0, limited)
    assert words.of(0, 0).allowance == 11
    words.hear(status(1, life=1, accepted=((0, 3),)), 9.0, limited)
    assert words.accepted([0, 2, 5]) == ((0, 9), (2, 0))


@pytest.mark.parametrize(
    ("certain", "at_s", "silent_s"), [(True, 12.0, 12.0), (False, 12.0, 25.0), (True, 40.0, 25.0), (False, 40.0, 25.0)]
)
def test_a_process_is_silent_once_it_is_dead_or_its_lease_is_over(certain: bool, at_s: float, silent_s: float) -> None:
    assert LostProcess((0,), at_s, certain, SAID, 1.0).silent_at_s(15.0) == silent_s


def test_a_lost_process_may_still_be_heard() -> None:
    words = LastWords(1.0)
    words.hear(status(1, sent=5, askers=3), 5.0, LIMITS)
    assert words.lose(0, 0, [2, 1], 7.0, certain=False).sent == 5
    words.hear(status(2, sent=8), 8.0, LIMITS)
    words.lose(0, 0, [2, 1], 20.0, certain=True)
    (lost,) = words.lost
    assert (lost.users, lost.at_run_s, lost.certain, lost.word.sent) == ((1, 2), 7.0, False, 8)


def test_other_terms_may_have_other_limits_and_shorter_thoughts() -> None:
    capped = replace(LIMITS, max_requests_per_second=10.0, max_requests_per_user=10)
    words = LastWords(2.0)
    said = status(1, accepted=((0, 4),))
    words.hear(said, 5.0, capped)
    assert (words.of(0, 0).slots, words.of(0, 0).allowance) == (0, 6)
    words.lose(0, 0, [0], 6.0, certain=True)
    words.follow(0.5)
    words.follow(3.0)
    words.answer(said, orders(terms=Terms.of(plan())))
    (lost,) = words.lost
    assert (lost.word.slots, lost.word.allowance, lost.thought_s) == (None, None, 0.5)
    # it does not follow the terms in force yet: what holds for it is not known
    words.hear(status(2, accepted=((0, 5),)), 7.0, None)
    assert (words.of(0, 0).slots, words.of(0, 0).allowance) == (None, None)
