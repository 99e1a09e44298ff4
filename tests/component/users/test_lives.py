"""Pauses, sessions and conversations of a user, over hours that pass at once."""

from __future__ import annotations

import math
from itertools import groupby, pairwise

import numpy as np
import pytest

from raysim.core.behaviour.distributions import Distribution
from raysim.core.records.outcome import ErrorKind
from tests.component.users.stage import flat
from tests.component.users.virtual_time import Life

S = 1_000_000_000


@pytest.mark.parametrize(
    "think",
    [
        Distribution("uniform", 1.0, 5.0),
        Distribution("gaussian", 1.0, 5.0),
        Distribution("exponential", 0.5, 12.0),
        Distribution("lognormal", 0.0, 60.0, base=3.0, variance=2.0),
    ],
    ids=lambda think: think.kind,
)
def test_what_a_user_really_pauses_is_what_is_configured(monkeypatch: pytest.MonkeyPatch, think: Distribution) -> None:
    records = Life(monkeypatch, think_s=think).live(requests=5000)
    first, *others = records
    assert math.isnan(first.think_s)
    actual = np.array([record.think_s for record in others])
    planned = np.array([record.think_planned_s for record in others])
    # never early by more than the timers' step, never late: this loop has all the time in the world
    assert np.abs(actual - planned).max() < 0.0011
    assert actual.mean() == pytest.approx(think.mean(), rel=0.03)
    assert actual.std() == pytest.approx(think.std(), rel=0.05)
    assert planned.min() >= think.low
    assert planned.max() <= think.high
    # what each record says of the pause after it is the pause before the next one
    assert [record.think_next_s for record in records[:-1]] == planned.tolist()


def test_a_pause_that_is_cut_short_is_known_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    records = Life(monkeypatch, think_s=flat(2.0, 6.0)).live(seconds=100.0)
    assert 2.0 <= records[-1].think_next_s <= 6.0


def test_a_user_that_was_sent_away_while_it_asked_does_not_think(monkeypatch: pytest.MonkeyPatch) -> None:
    records = Life(monkeypatch, think_s=flat(1.0), answer_s=1000.0).live(seconds=20.0)
    assert len(records) == 1
    assert math.isnan(records[0].think_next_s)


def test_sessions_end_by_their_questions_and_the_next_begins_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = Distribution("uniform", 2.0, 4.0)
    life = Life(monkeypatch, think_s=flat(1.0, 3.0), questions_per_session=questions, multi_turn_probability=1.0,
                turns=flat(9))  # fmt: skip
    records = life.live(requests=600)
    sessions = [list(group) for _, group in groupby(records, key=lambda record: record.session)]
    assert [session[0].session for session in sessions] == list(range(1, len(sessions) + 1))
    sizes = [len(session) for session in sessions[:-1]]
    assert set(sizes) == {2, 3, 4}
    assert sum(sizes) / len(sizes) == pytest.approx(3.0, rel=0.1)
    for before, after in pairwise(sessions):
        # nobody starts a session in the breath in which the last one ended
        assert 1.0 <= after[0].think_planned_s <= 3.0
        assert after[0].turn == 1
        assert after[0].conversation_id not in {record.conversation_id for record in before}


def test_sessions_end_by_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(
        monkeypatch,
        think_s=flat(1.0, 3.0),
        questions_per_session=flat(1000),
        session_duration_s=flat(20.0),
    )
    records = life.live(requests=400)
    sessions = [list(group) for _, group in groupby(records, key=lambda record: record.session)]
    assert len(sessions) > 30
    for session, following in pairwise(sessions):
        began_ns = session[0].due_unix_ns
        assert session[-1].due_unix_ns - began_ns < 20 * S + S // 100
        # the question that came too late for it opened the next one
        assert following[0].due_unix_ns - began_ns >= 20 * S - S // 100


def test_turns_of_conversations_follow_their_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Distribution("uniform", 2.0, 5.0)
    life = Life(monkeypatch, questions_per_session=flat(10_000), multi_turn_probability=0.4, turns=turns)
    records = life.live(requests=6000)
    lengths = [len(list(group)) for _, group in groupby(records, key=lambda record: record.conversation_id)][:-1]
    several = [length for length in lengths if length > 1]
    assert len(several) / len(lengths) == pytest.approx(0.4, abs=0.05)
    assert set(several) == {2, 3, 4, 5}
    assert np.mean(several) == pytest.approx(3.5, rel=0.05)


def test_a_pause_stretched_by_a_failure_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(monkeypatch, think_s=flat(0.1, 0.2))
    life.sender.error = ErrorKind.HTTP_5XX
    records = life.live(requests=6)
    assert all(math.isnan(record.think_s) for record in records)
    assert all(0.1 <= record.think_next_s <= 0.2 for record in records)
