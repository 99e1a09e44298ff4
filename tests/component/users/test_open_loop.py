from __future__ import annotations

from raysim.core.plan.load import ArrivalPlan
from tests.component.users.stage import Stage, flat, make_behaviour, make_brief
from tests.component.users.test_pack import Held, Serve, serve, url
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import answer, whole

__all__ = ["serve"]

BY_THE_CLOCK = ArrivalPlan("constant", 100.0, 2)


async def test_requests_are_sent_when_they_are_due_and_not_by_themselves(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 2, make_behaviour(multi_turn_probability=1.0), arrivals=BY_THE_CLOCK))
    stage.coordinator.switch(0, 1)
    await stage.coordinator.until(lambda status: status.active == 2)
    stage.coordinator.arrive(0, 0.01, 0.03, 0.05)
    stage.coordinator.arrive(1, 0.02)
    await stage.coordinator.until(lambda status: status.totals.success == 4)
    end = await stage.end()
    rows = stage.records.rows
    assert (end.totals.requests, end.totals.unsent) == (4, 0)
    assert sorted(row["user_id"] for row in rows) == ["user-org-1-1"] * 3 + ["user-org-1-2"]
    first = [row for row in rows if row["user_id"] == "user-org-1-1"]
    dues = [row["due_unix_ns"] for row in first]
    assert [round((due - dues[0]) / 1e6) for due in dues] == [0, 20, 40]
    assert len({row["request_id"] for row in rows}) == len({row["question_hash"] for row in rows}) == 4
    # every question stands alone, and nobody thought
    assert {row["turn"] for row in rows} == {1}
    assert len({row["conversation_id"] for row in rows}) == 4
    assert all(row["think_s"] != row["think_s"] for row in rows)


async def test_nobody_waits_for_an_answer_until_too_many_are_under_way(serve: Serve) -> None:
    held = Held()
    server = await serve(held)
    stage = Stage(make_brief(url(server), 1, arrivals=BY_THE_CLOCK))
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.active == 1)
    stage.coordinator.arrive(0, 0.0, 0.01, 0.02, 0.03)
    late = stage.pack._users[0]._open_loop._late
    await stage.coordinator.until(lambda status: status.in_flight == len(server.requests) == len(late) == 2)
    held.release.set()
    await stage.coordinator.until(lambda status: status.totals.success == 4)
    await stage.end()
    rows = sorted(stage.records.rows, key=lambda row: row["due_unix_ns"])
    assert len(server.peers) == 2
    assert [row["held_ns"] > 0 for row in rows] == [False, False, True, True]
    assert all(row["sent_ns"] >= row["held_ns"] for row in rows)


async def test_what_was_late_when_the_run_ended_is_counted(serve: Serve) -> None:
    stage = Stage(make_brief(url(await serve(Held())), 1, arrivals=BY_THE_CLOCK))
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.active == 1)
    stage.coordinator.arrive(0, *[i / 1000 for i in range(7)])
    late = stage.pack._users[0]._open_loop._late
    await stage.coordinator.until(lambda status: status.in_flight == 2 and len(late) == 5)
    end = await stage.end(drain_s=0.05)
    assert (end.totals.cancelled, end.totals.unsent) == (2, 5)
    assert len(stage.records.rows) == 2


async def test_what_is_under_way_counts_towards_the_user_s_limit_of_requests(serve: Serve) -> None:
    held = Held()
    server = await serve(held)
    stage = Stage(make_brief(url(server), 1, max_requests=3, arrivals=BY_THE_CLOCK))
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.active == 1)
    stage.coordinator.arrive(0, *[i / 1000 for i in range(7)])
    await stage.coordinator.until(lambda status: status.in_flight == 2 and status.totals.unsent == 4)
    held.release.set()
    await stage.coordinator.until(lambda status: status.totals.success == 3)
    end = await stage.end()
    assert (end.totals.requests, end.totals.unsent) == (3, 4)
    assert stage.coordinator.gone == {0: "request_limit"}


async def test_an_arrival_that_is_told_twice_happens_once(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 1, arrivals=BY_THE_CLOCK))
    stage.coordinator.switch(0)
    stage.coordinator.arrive(0, 0.01, 0.02)
    # a coordinator that was started again does not know that the last one had told it
    stage.coordinator._arrivals *= 2
    stage.coordinator.arrive(0, 0.03)
    await stage.coordinator.until(lambda status: status.totals.success >= 3)
    end = await stage.end()
    assert (end.totals.requests, len(server.requests)) == (3, 3)


async def test_an_arrival_for_a_user_that_has_gone_is_counted(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 1, arrivals=BY_THE_CLOCK))
    stage.coordinator.arrive(0, 0.0, 0.0)
    await stage.coordinator.until(lambda status: status.totals.unsent == 2)
    # an order to come that is carried out in the same millisecond is in time
    stage.coordinator.switch(0)
    stage.coordinator.arrive(0, 0.0)
    await stage.coordinator.until(lambda status: status.totals.success == 1)
    end = await stage.end()
    assert (end.totals.requests, end.totals.unsent) == (1, 2)


async def test_a_key_that_is_refused_sends_its_user_away(serve: Serve) -> None:
    server = await serve(answer(whole(b"{}", "401 Unauthorized")))
    stage = Stage(make_brief(url(server), 1, make_behaviour(think_s=flat(0.0)), arrivals=BY_THE_CLOCK))
    stage.coordinator.switch(0)
    stage.coordinator.arrive(0, 0.01, 0.02)
    await stage.all_gone()
    await stage.end()
    assert stage.coordinator.gone == {0: "auth"}


async def test_every_request_that_was_due_is_sent_or_counted(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 2, max_requests=2, arrivals=BY_THE_CLOCK))
    stage.coordinator.switch(0, 1)
    await stage.coordinator.until(lambda status: status.active == 2)
    # two are all that the first may send, and it is gone when the last of them is due
    stage.coordinator.arrive(0, 0.0, 0.01, 0.02, 0.2)
    stage.coordinator.arrive(1, 0.0, 60.0)
    await stage.coordinator.until(lambda status: status.totals.arrived == 5)
    await stage.coordinator.until(lambda status: status.totals.requests == 3)
    end = await stage.end()
    assert stage.coordinator.gone == {0: "request_limit"}
    assert (end.totals.requests, end.totals.unsent, end.totals.arrived) == (3, 2, 5)
