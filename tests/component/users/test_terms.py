"""Users whose terms change while they ask."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from raysim.core.control.messages import REQUEST_LIMIT
from raysim.core.control.terms import Pace, Terms
from raysim.core.plan.load import ArrivalPlan, LoadSchedule
from raysim.core.plan.run_plan import PackBrief
from tests.component.users.stage import Stage, flat, make_behaviour, make_brief
from tests.component.users.test_pack import Serve, serve, url
from tests.component.users.virtual_time import Life
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import answer

__all__ = ["serve"]


def terms_of(brief: PackBrief, version: int = 1) -> Terms:
    return Terms(version, brief.schedule, Pace.of(brief.behaviour), brief.limits)


async def test_a_pack_follows_new_terms_and_says_so(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    brief = make_brief(url(server), 2, make_behaviour(think_s=flat(0.005)))
    stage = Stage(brief)
    stage.coordinator.switch(0, 1)
    await stage.coordinator.until(lambda status: status.totals.success >= 4)
    assert {status.terms for status in stage.coordinator.statuses} == {0}
    (phase,) = brief.schedule.phases
    renamed = replace(brief, schedule=LoadSchedule((replace(phase, name="other"),), 2))
    stage.coordinator.terms = terms_of(renamed)
    await stage.coordinator.until(lambda status: status.terms == 1)
    seen = stage.coordinator.statuses[-1].totals.success
    await stage.coordinator.until(lambda status: status.totals.success >= seen + 4)
    # one who has asked more often than is allowed from now on goes at once
    limited = replace(renamed, limits=replace(brief.limits, max_requests_per_user=1))
    stage.coordinator.terms = terms_of(limited, 2)
    await stage.all_gone()
    assert stage.coordinator.gone == {0: REQUEST_LIMIT, 1: REQUEST_LIMIT}
    await stage.end()
    assert {row["phase"] for row in stage.records.rows} == {"sustained", "other"}


async def test_arrivals_begin_where_a_phase_gets_them(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    brief = make_brief(url(server), 1, make_behaviour(think_s=flat(3600.0)))
    stage = Stage(brief)
    stage.coordinator.switch(0)
    (phase,) = brief.schedule.phases
    opened = replace(phase, arrivals=ArrivalPlan("constant", 10.0, 2))
    stage.coordinator.terms = terms_of(replace(brief, schedule=LoadSchedule((opened,), 1)))
    await stage.coordinator.until(lambda status: status.terms == 1 and status.active == 1)
    stage.coordinator.arrive(0, 0.0, 0.01)
    await stage.coordinator.until(lambda status: status.totals.success == 2)
    end = await stage.end()
    assert end.totals.unsent == 0


def test_pauses_are_drawn_anew_and_one_that_has_begun_lasts_as_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(monkeypatch, think_s=flat(20.0), questions_per_session=flat(1000))
    known = life.user._brief

    async def course() -> None:
        life.user.start()
        life.user.activate()
        await asyncio.sleep(100.0)
        life.user.follow(replace(known, behaviour=replace(known.behaviour, think_s=flat(2.0))))
        await asyncio.sleep(100.0)
        life.user.end()
        await life.user.done()

    life.run(course)
    pauses = [record.think_planned_s for record in life.records[1:]]
    old = pauses.count(20.0)
    assert pauses == [20.0] * old + [2.0] * (len(pauses) - old)
    # what was drawn before the change is one more than what ended before it
    assert sum(record.due_unix_ns < 1_100 * 10**9 for record in life.records) == old
    assert len(pauses) - old > 25
