"""What a pack reports in case it is the last that is heard of it."""

from __future__ import annotations

from dataclasses import replace

from tests.component.users.stage import Stage, make_brief
from tests.component.users.test_pack import Held, Serve, serve, url
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import answer

__all__ = ["serve"]


async def test_what_was_sent_is_counted_before_and_after_it_is_recorded(serve: Serve) -> None:
    held = Held()
    server = await serve(held)
    stage = Stage(make_brief(url(server), 1, max_requests=3))
    stage.coordinator.switch(0)
    await held.begun.wait()
    await stage.coordinator.until(lambda status: status.sent == 1)
    status = stage.coordinator.statuses[-1]
    assert (status.totals.requests, status.unsure, status.askers, status.accepted) == (0, 0, 1, ((0, 1),))
    assert status.taken_run_s is not None
    assert status.taken_run_s > 0
    held.release.set()
    await stage.all_gone()
    await stage.end()
    last = stage.coordinator.statuses[-1]
    assert (last.sent, last.unsure, last.askers, last.accepted) == (3, 0, 0, ((0, 3),))
    assert last.totals.requests == 3


async def test_what_could_not_be_sent_is_no_request_that_the_platform_got(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    brief = make_brief(url(server), 1, max_requests=1)
    await server.__aexit__(None, None, None)
    stage = Stage(brief)
    stage.coordinator.switch(0)
    await stage.all_gone()
    await stage.end()
    last = stage.coordinator.statuses[-1]
    assert (last.totals.requests, last.totals.error, last.sent, last.unsure) == (1, 1, 0, 0)


async def test_a_limit_of_requests_holds_over_a_users_lives(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    brief = replace(make_brief(url(server), 2, max_requests=5), accepted=((0, 3), (1, 5)))
    stage = Stage(brief)
    stage.coordinator.switch(0, 1)
    await stage.all_gone()
    await stage.end()
    assert stage.coordinator.gone == {0: "request_limit", 1: "request_limit"}
    assert [row["user_id"] for row in stage.records.rows] == ["user-org-1-1"] * 2
    assert stage.coordinator.statuses[-1].accepted == ((0, 5), (1, 5))
