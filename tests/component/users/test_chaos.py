"""What `advanced.chaos` does to requests: said of each, and never held against the platform."""

from __future__ import annotations

import pytest

from raysim.core.behaviour.chaos import ChaosPlan
from raysim.core.control.messages import Totals
from raysim.users import user as user_module
from tests.component.users.stage import Row, Stage, make_behaviour, make_brief
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import Peer, ScriptedServer


async def always(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(ANSWER)


async def _run(server: ScriptedServer, chaos: ChaosPlan | None, requests: int) -> tuple[Totals, list[Row]]:
    brief = make_brief(f"http://127.0.0.1:{server.port}", 1, make_behaviour(chaos=chaos), max_requests=requests)
    stage = Stage(brief)
    stage.coordinator.switch(0)
    await stage.all_gone()
    return (await stage.end()).totals, stage.records.rows


async def test_what_is_made_to_fail_is_not_sent_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_module, "_FIRST_BACKOFF_S", 0.001)
    async with ScriptedServer(always) as server:
        totals, rows = await _run(server, ChaosPlan(1.0), 3)
        assert not server.requests
    assert [(row["error_type"], row["attempts"], row["cost_usd"]) for row in rows] == [("injected", 0, 0.0)] * 3
    assert (totals.requests, totals.error, totals.cancelled) == (3, 0, 3)


async def test_a_delay_lies_before_sending_and_is_said() -> None:
    async with ScriptedServer(always) as server:
        _, rows = await _run(server, ChaosPlan(0.0, 20.0, 10.0), 3)
        assert len(server.requests) == 3
    for row in rows:
        assert row["error_type"] == ""
        assert 10_000_000 <= row["injected_ns"] <= row["sent_ns"]
    assert len({row["injected_ns"] for row in rows}) == 3


async def test_without_chaos_nothing_is_injected() -> None:
    async with ScriptedServer(always) as server:
        _, rows = await _run(server, None, 1)
    assert [row["injected_ns"] for row in rows] == [-1]
