from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import pairwise

import orjson
import pytest

from raysim.core.control.messages import Orders, PackStatus, Totals
from raysim.users import pack as pack_module
from raysim.users.user import User
from tests.component.users.stage import KEY, Stage, flat, make_behaviour, make_brief
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import STREAM_HEAD, Peer, Script, ScriptedServer, answer, chunked, whole
from tests.unit.wire.chunks import ROLE, words

Serve = Callable[..., Awaitable[ScriptedServer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start scripted servers; at the end none of their connections may be open."""
    async with AsyncExitStack() as stack:

        async def begin(*scripts: Script) -> ScriptedServer:
            return await stack.enter_async_context(ScriptedServer(*scripts))

        yield begin


def url(server: ScriptedServer) -> str:
    return f"http://127.0.0.1:{server.port}"


class Held:
    """A script that begins an answer and ends it when told."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(STREAM_HEAD + chunked(ROLE, *words("a")))
            self.begun.set()
            released = asyncio.create_task(self.release.wait())
            gone = asyncio.create_task(peer.gone())
            await asyncio.wait([released, gone], return_when=asyncio.FIRST_COMPLETED)
            for task in (released, gone):
                task.cancel()
            await asyncio.wait([released, gone])
            if not self.release.is_set():
                return
            await peer.send(ANSWER.removeprefix(STREAM_HEAD))


# ── coming and going ──


async def test_nobody_asks_before_it_is_told_to(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 3))
    await stage.coordinator.until(lambda status: status.sequence >= 5)
    assert server.requests == []
    end = await stage.end()
    assert (end.totals, end.unsent_batches, end.cut_off) == (Totals(), 0, False)
    last = stage.coordinator.statuses[-1]
    assert (last.active, last.in_flight, last.drained) == (0, 0, True)


async def test_users_come_and_go_as_ordered(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 3, make_behaviour(think_s=flat(0.005, 0.01))))
    stage.coordinator.switch(0, 2)
    await stage.coordinator.until(lambda status: status.active == 2 and status.totals.success >= 4)
    stage.coordinator.switch(0, on=False)
    stage.coordinator.switch(99)
    await stage.coordinator.until(lambda status: status.active == 1)
    stage.coordinator.switch(0, 1)
    await stage.coordinator.until(lambda status: status.active == 3)
    before = stage.coordinator.statuses[-1].totals.success
    await stage.coordinator.until(lambda status: status.totals.success > before + 6)
    end = await stage.end()
    rows = stage.records.rows
    assert {row["user_id"] for row in rows} == {"user-org-1-1", "user-org-1-2", "user-org-1-3"}
    assert end.totals.requests == len(rows) == len(server.requests)
    assert stage.coordinator.gone == {}
    assert len(server.peers) == 3


async def test_reports_tell_how_the_pack_is(serve: Serve) -> None:
    held = Held()
    stage = Stage(make_brief(url(await serve(held)), 2))
    stage.coordinator.switch(0, 1)
    await stage.coordinator.until(lambda status: status.in_flight == 2)
    status = stage.coordinator.statuses[-1]
    assert (status.pack, status.active, status.drained) == (0, 2, False)
    assert (status.health.pack, status.health.node) == ("user/org-1/0", "node-1")
    assert status.health.rss_mib > 1
    assert [s.sequence for s in stage.coordinator.statuses] == list(range(1, len(stage.coordinator.statuses) + 1))
    held.release.set()
    await stage.end()


async def test_a_user_that_leaves_is_reported_until_the_coordinator_has_heard(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 1, make_behaviour(think_s=flat(0.05)), max_requests=3))
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.active == 1)
    stage.coordinator.error = ConnectionError("away for a moment")
    async with asyncio.timeout(5):
        while len(server.requests) < 3 or stage.pack._users[0].active:  # noqa: ASYNC110 - the pack has no event for it
            await asyncio.sleep(0.005)
    stage.coordinator.error = None
    await stage.all_gone()
    assert stage.coordinator.gone == {0: "request_limit"}
    assert sum(bool(status.gone) for status in stage.coordinator.statuses) == 1
    end = await stage.end()
    assert (end.totals.requests, end.cut_off) == (3, False)


async def test_the_last_report_waits_for_a_coordinator_that_is_away(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raysim.users.pack._LAST_PAUSE_S", 0.0)
    stage = Stage(make_brief(url(await serve(answer(ANSWER))), 1))
    await stage.coordinator.until(lambda status: status.sequence >= 2)
    report, failures = stage.coordinator.report, 3

    async def away_when_it_counts(status: PackStatus) -> Orders:
        nonlocal failures
        if status.drained and failures:
            failures -= 1
            raise ConnectionError("away for a moment")
        return await report(status)

    monkeypatch.setattr(stage.coordinator, "report", away_when_it_counts)
    end = await stage.end()
    assert (failures, end.cut_off) == (0, False)
    assert stage.coordinator.statuses[-1].drained


async def test_a_user_whose_code_fails_is_reported_and_the_others_go_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve(answer(ANSWER))
    original = User._consider_leaving

    def consider(self: User, reply: object, endpoint: object) -> None:
        if self.plan.index == 0:
            raise KeyError("a defect")
        original(self, reply, endpoint)  # type: ignore[arg-type]

    monkeypatch.setattr(User, "_consider_leaving", consider)
    stage = Stage(make_brief(url(server), 2, max_requests=4))
    stage.coordinator.switch(0, 1)
    await stage.all_gone()
    end = await stage.end()
    assert stage.coordinator.gone == {0: "crashed", 1: "request_limit"}
    assert (end.totals.requests, end.unsent_batches) == (5, 0)
    lines = [orjson.loads(line) for line in stage.records.log.splitlines()]
    (line,) = [line for line in lines if line["event"] == "user_left" and line["reason"] == "crashed"]
    assert line["level"] == "error"
    assert line["detail"].startswith("KeyError in test_pack.py:")


# ── the end ──


async def test_draining_lets_answers_finish(serve: Serve) -> None:
    held = Held()
    server = await serve(held)
    stage = Stage(make_brief(url(server), 2))
    stage.coordinator.switch(0, 1)
    await stage.coordinator.until(lambda status: status.in_flight == 2)
    stage.coordinator.stop(drain_s=5.0)
    await stage.coordinator.until(lambda status: status.active == 0 and status.in_flight == 2)
    held.release.set()
    end = await stage.ended()
    assert (end.totals.success, end.totals.requests) == (2, 2)
    assert len(server.requests) == 2
    last = stage.coordinator.statuses[-1]
    assert (last.drained, last.in_flight) == (True, 0)


async def test_what_drains_too_long_is_cancelled_and_recorded(serve: Serve) -> None:
    held = Held()
    server = await serve(held)
    stage = Stage(make_brief(url(server), 2))
    stage.coordinator.switch(0, 1)
    await stage.coordinator.until(lambda status: status.in_flight == 2)
    await held.begun.wait()
    await asyncio.sleep(0.02)
    end = await stage.end(drain_s=0.1)
    await server.all_closed()
    assert end.totals.cancelled == 2
    for row in stage.records.rows:
        assert (row["error_type"], row["http_status"], row["chunks"]) == ("cancelled", 200, 1)
        assert row["error_detail"]
        assert (row["token_source"], row["completion_tokens"]) == ("chunks", 1)
        assert row["cost_usd"] > 0
        assert row["end_ns"] >= row["last_token_ns"]
    assert stage.coordinator.statuses[-1].drained


async def test_a_second_order_may_shorten_the_drain(serve: Serve) -> None:
    stage = Stage(make_brief(url(await serve(Held()))))
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.in_flight == 1)
    stage.coordinator.stop(drain_s=3600.0)
    await stage.coordinator.until(lambda status: status.active == 0)
    end = await stage.end(drain_s=0.0)
    assert end.totals.cancelled == 1


async def test_a_user_that_is_still_connecting_does_not_hold_up_the_end(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve(answer(ANSWER, then="close"))
    stage = Stage(make_brief(url(server), 1, make_behaviour(think_s=flat(0.3))))
    connecting = asyncio.Event()

    async def stuck(_endpoint: object) -> int:
        connecting.set()
        await asyncio.Event().wait()
        return 0

    monkeypatch.setattr(stage.pack._users[0]._sender, "open", stuck)
    stage.coordinator.switch(0)
    async with asyncio.timeout(5):
        await connecting.wait()
    end = await stage.end(drain_s=0.0)
    assert (end.totals.requests, end.totals.success) == (1, 1)


async def test_an_answer_that_is_complete_when_it_is_cancelled_counts(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 1))
    user = stage.pack._users[0]
    client = user._sender._router.client
    original = client.send

    async def send(request: bytes, reader: object, timeouts: object) -> object:
        result = await original(request, reader, timeouts)  # type: ignore[arg-type]
        user.abort()
        await asyncio.sleep(0)
        return result

    client.send = send  # type: ignore[method-assign, assignment]
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.totals.requests == 1)
    end = await stage.end()
    assert (end.totals.success, end.totals.cancelled) == (1, 0)


# ── the lease ──


@pytest.mark.parametrize("how", ["unreachable", "hanging"])
async def test_without_a_coordinator_the_load_stops(serve: Serve, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_module, "_DRAIN_PATIENCE_S", 0.05)
    server = await serve(Held(), answer(ANSWER))
    stage = Stage(make_brief(url(server), 2, make_behaviour(think_s=flat(0.01)), lease_s=60.0), lease_s=0.25)
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.in_flight == 1)
    stage.coordinator.switch(1)
    await stage.coordinator.until(lambda status: status.totals.success >= 1)
    stage.coordinator.error = ConnectionError("gone") if how == "unreachable" else None
    stage.coordinator.hanging = how == "hanging"
    end = await stage.ended()
    asked = len(server.requests)
    await server.all_closed()
    assert end.cut_off
    assert end.totals.cancelled >= 1
    assert end.totals.requests == len(stage.records.rows) == asked
    assert b"lease_expired" in stage.records.log


async def test_a_coordinator_that_is_away_for_a_moment_stops_nothing(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 1, make_behaviour(think_s=flat(0.005))))
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.totals.success >= 1)
    stage.coordinator.error = TimeoutError()
    asked = len(server.requests)
    async with asyncio.timeout(5):
        while len(server.requests) < asked + 5:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.005)
    stage.coordinator.error = None
    end = await stage.end()
    assert not end.cut_off
    assert end.totals.success == len(server.requests)
    assert b"report_failed" in stage.records.log


async def test_the_patience_for_a_report_ends_with_the_lease(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hanging report must not prolong the lease that earlier failures have used up."""
    server = await serve(answer(ANSWER))
    patience: list[tuple[float, bool]] = []
    stage = Stage(make_brief(url(server), 1, lease_s=0.3), lease_s=0.3)
    original = stage.pack._report

    async def report(patience_s: float) -> bool:
        heard = await original(patience_s)
        patience.append((patience_s, heard))
        return heard

    monkeypatch.setattr(stage.pack, "_report", report)
    await stage.coordinator.until(lambda status: status.sequence >= 2)
    stage.coordinator.error = ConnectionError("gone")
    assert (await stage.ended()).cut_off
    failed = [patience_s for patience_s, heard in patience if not heard]
    assert len(failed) > 2
    # the last one is the farewell
    assert all(later < earlier for earlier, later in pairwise(failed[:-1]))
    assert failed[0] <= 0.3


# ── secrets ──


async def test_a_key_that_the_platform_quotes_is_not_recorded(serve: Serve) -> None:
    long_story = "x" * 170
    body = orjson.dumps({"error": {"message": f"Incorrect API key provided: {long_story} {KEY}", "type": "auth"}})
    server = await serve(answer(whole(body, "401 Unauthorized")))
    stage = Stage(make_brief(url(server)), debug=True)
    stage.coordinator.switch(0)
    await stage.all_gone()
    await stage.end()
    assert f"Bearer {KEY}".encode() in server.requests[0]
    (row,) = stage.records.rows
    assert row["error_detail"].startswith("401 Incorrect API key provided: ")
    assert len(row["error_detail"]) <= 200
    for length in range(6, len(KEY)):
        assert KEY[:length].encode() not in stage.records.everything


async def test_users_that_are_about_to_go_want_money_until_then(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    stage = Stage(make_brief(url(server), 1, make_behaviour(think_s=flat(60.0)), max_cost_usd=1.0))
    stage.coordinator.switch(0)
    await stage.coordinator.until(lambda status: status.active == 1)
    stage.coordinator.switch(0, on=False, after_s=60.0)
    seen = len(stage.coordinator.statuses)
    await stage.coordinator.until(lambda _: len(stage.coordinator.statuses) > seen + 5)
    leases = [status.lease for status in stage.coordinator.statuses[-3:]]
    assert all(lease is not None and lease.ahead > 0 for lease in leases)
    await stage.end()
