"""Failed requests that are sent again, and targets that are left alone after failures."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import httpx
import pytest

from raysim.core.control.circuit import CircuitPolicy
from raysim.core.control.retry import RetryPolicy
from raysim.simplatform.config import Faults, LimitsConfig
from raysim.simplatform.server import start_platform
from raysim.users import user as user_module
from tests.component.simplatform.tenant import fast_config, ledger, make_tenant
from tests.component.users.stage import Row, Stage, flat, make_behaviour, make_brief
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import STREAM_HEAD, Peer, Script, ScriptedServer, answer, chunked, whole
from tests.unit.wire.chunks import ROLE, words

AT_ONCE = RetryPolicy(attempts=3, backoff_s=0.0)
OOPS = whole(b'{"error":"x"}', "500 Oops")

Begin = Callable[..., Awaitable["Scene"]]


class Scene:
    """A pack of one user before a scripted server."""

    def __init__(
        self, server: ScriptedServer, max_requests: int, timeouts: tuple[float, float, float], **fields: Any
    ) -> None:
        self.server = server
        behaviour = make_behaviour(**fields)
        url = f"http://127.0.0.1:{server.port}"
        self.stage = Stage(make_brief(url, 1, behaviour, max_requests=max_requests, timeouts=timeouts))
        self.user = self.stage.pack._users[0]
        self.stage.coordinator.switch(0)

    async def rows(self) -> list[Row]:
        """Everything recorded once the user has asked all it may."""
        await self.stage.all_gone()
        await self.stage.end()
        return self.stage.records.rows

    async def requested(self, count: int) -> None:
        """Wait until the server got so many requests."""
        async with asyncio.timeout(5):
            while len(self.server.requests) < count:  # noqa: ASYNC110 - the server gives no signal
                await asyncio.sleep(0.002)


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    async with AsyncExitStack() as stack:

        async def start(
            *scripts: Script,
            requests: int = 1,
            timeouts: tuple[float, float, float] = (2.0, 5.0, 5.0),
            **fields: Any,
        ) -> Scene:
            server = await stack.enter_async_context(ScriptedServer(*scripts))
            return Scene(server, requests, timeouts, **fields)

        yield start


def say(*responses: bytes) -> Script:
    """Answer the first requests of a connection so, and the rest like the last."""

    async def play(peer: Peer) -> None:
        number = 0
        while True:
            await peer.request()
            await peer.send(responses[min(number, len(responses) - 1)])
            number += 1

    return play


async def test_a_request_is_sent_again_until_it_is_answered(begin: Begin) -> None:
    scene = await begin(say(OOPS, OOPS, ANSWER), retry=AT_ONCE)
    (row,) = await scene.rows()
    assert (row["error_type"], row["attempts"], row["http_status"]) == ("", 3, 200)
    first, *again = scene.server.requests
    assert again == [first, first]


async def test_times_are_those_of_the_last_attempt_but_what_was_felt_covers_all(begin: Begin) -> None:
    busy = whole(b'{"error":"x","retry_after_seconds":0.08}', "429 Too Many Requests")
    scene = await begin(say(busy, ANSWER), retry=RetryPolicy(1, 0.0, honour_retry_after=True))
    (row,) = await scene.rows()
    assert (row["error_type"], row["attempts"]) == ("", 2)
    assert 0.079e9 <= row["sent_ns"] <= row["first_byte_ns"] <= row["first_token_ns"] <= row["end_ns"]


async def test_the_last_failure_is_the_requests(begin: Begin) -> None:
    busy = whole(b"", "503 Busy")
    scene = await begin(say(OOPS, OOPS, OOPS, busy), retry=AT_ONCE)
    (row,) = await scene.rows()
    assert (row["error_type"], row["attempts"], row["http_status"]) == ("overloaded", 4, 503)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (say(whole(b"", "400 Bad")), "http_4xx"),
        (say(whole(b"", "401 No")), "auth"),
        (say(whole(b'{"code":"BUDGET_EXCEEDED"}', "429 Too Many Requests")), "budget_exceeded"),
        (say(whole(b'{"code":"QUOTA_EXCEEDED"}', "402 Pay")), "quota_exceeded"),
        (answer(STREAM_HEAD + chunked(ROLE, *words("a")), b"", then="close"), "stream_interrupted"),
        (answer(STREAM_HEAD + chunked(ROLE), b"", then="close"), "stream_interrupted"),
        (say(whole(b"<html>", "200 OK")), "invalid_response"),
    ],
)
async def test_what_asking_again_cannot_change_is_asked_once(begin: Begin, script: Script, error: str) -> None:
    scene = await begin(script, retry=AT_ONCE)
    (row,) = await scene.rows()
    assert (row["error_type"], row["attempts"]) == (error, 1)
    assert len(scene.server.requests) == 1


async def test_no_byte_in_time_is_sent_again(begin: Begin) -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()

    scene = await begin(silent, answer(ANSWER), retry=AT_ONCE, timeouts=(2.0, 0.1, 5.0))
    (row,) = await scene.rows()
    assert (row["error_type"], row["attempts"]) == ("", 2)


async def test_a_byte_but_no_token_in_time_is_not_sent_again(begin: Begin) -> None:
    async def slow(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM_HEAD)

    scene = await begin(slow, retry=AT_ONCE, timeouts=(2.0, 0.1, 5.0))
    (row,) = await scene.rows()
    assert (row["error_type"], row["attempts"]) == ("timeout_first_token", 1)


@pytest.mark.parametrize("how", ["deactivate", "abort"])
async def test_a_user_that_goes_does_not_wait_for_a_retry(begin: Begin, how: str) -> None:
    scene = await begin(
        say(whole(b'{"error":"x"}', "503 Busy", "Retry-After: 50")),
        retry=RetryPolicy(5, 50.0, honour_retry_after=True),
        requests=9,
    )
    await scene.requested(1)
    await asyncio.sleep(0.01)
    getattr(scene.user, how)()
    await scene.stage.coordinator.until(lambda status: status.totals.requests == 1)
    await scene.stage.end()
    (row,) = scene.stage.records.rows
    assert (row["error_type"], row["attempts"]) == ("overloaded", 1)
    assert len(scene.server.requests) == 1


# ── the circuit breaker ──


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_module, "_FIRST_BACKOFF_S", 0.02)


@pytest.mark.usefixtures("eager")
async def test_an_open_circuit_sends_nothing_until_its_probe(begin: Begin) -> None:
    scene = await begin(
        answer(OOPS, then="close"),
        answer(OOPS, then="close"),
        answer(ANSWER),
        circuit=CircuitPolicy(2, 0.3),
        think_s=flat(0.01),
        requests=30,
    )
    rows = await scene.rows()
    kinds = [row["error_type"] for row in rows]
    unsent = kinds.count("circuit_open")
    assert unsent >= 2
    assert kinds == ["http_5xx"] * 2 + ["circuit_open"] * unsent + [""] * (28 - unsent)
    for row in rows[2 : 2 + unsent]:
        assert (row["attempts"], row["sent_ns"], row["http_status"], row["cost_usd"]) == (0, -1, -1, 0.0)
        assert row["error_detail"].startswith("not sent: open for 0.")
    dues = [row["due_unix_ns"] for row in rows]
    assert all(after - before >= 0.019e9 for before, after in pairwise(dues[1 : 2 + unsent]))
    # a late loop may send the probe well after it was due
    assert dues[2 + unsent] + rows[2 + unsent]["sent_ns"] - dues[1] >= 0.3e9
    assert rows[2 + unsent]["connect_ns"] > 0, "something connected while the circuit was open"
    # one may be sent while the server closes its connection: it is sent again, and never was read
    assert sum(row["attempts"] for row in rows) - len(scene.server.requests) in (0, 1, 2)
    assert len(scene.server.peers) == 3


@pytest.mark.usefixtures("eager")
async def test_a_probe_that_fails_opens_it_again(begin: Begin) -> None:
    scene = await begin(answer(OOPS), circuit=CircuitPolicy(3, 0.05), requests=12)
    kinds = "".join("x" if row["error_type"] == "http_5xx" else "." for row in await scene.rows())
    assert kinds.startswith("xxx.")
    assert "xx" not in kinds[3:]
    assert "x" in kinds[4:]


@pytest.mark.usefixtures("eager")
async def test_an_open_circuit_ends_the_retries(begin: Begin) -> None:
    scene = await begin(answer(OOPS), circuit=CircuitPolicy(3, 60.0), retry=RetryPolicy(9, 0.0), requests=2)
    first, second = await scene.rows()
    assert (first["error_type"], first["attempts"]) == ("http_5xx", 3)
    assert (second["error_type"], second["attempts"]) == ("circuit_open", 0)
    assert len(scene.server.requests) == 3


@pytest.mark.usefixtures("eager")
async def test_refusals_do_not_open_it(begin: Begin) -> None:
    busy = whole(b"", "429 Too Many Requests", "Retry-After: 0")
    scene = await begin(answer(busy), circuit=CircuitPolicy(1, 60.0), requests=5)
    assert {row["error_type"] for row in await scene.rows()} == {"rate_limited"}


@pytest.mark.usefixtures("eager")
async def test_unsent_requests_are_errors(begin: Begin) -> None:
    scene = await begin(answer(OOPS), circuit=CircuitPolicy(1, 60.0), requests=4)
    await scene.rows()
    total = scene.stage.coordinator.statuses[-1].totals
    assert (total.requests, total.error, total.refused) == (4, 4, 0)


# ── the platform's books ──


@pytest.mark.parametrize(
    ("platform", "policy"),
    [
        ({"faults": Faults(error_rate=0.4)}, RetryPolicy(4, 0.0)),
        ({"faults": Faults(error_rate=0.3, error_status=503)}, RetryPolicy(1, 0.01)),
        ({"faults": Faults(reset_rate=0.3)}, RetryPolicy(4, 0.0)),
        ({"faults": Faults(error_rate=0.2, reset_rate=0.2, cut_stream_rate=0.2)}, RetryPolicy(4, 0.0)),
        ({"limits": LimitsConfig(key_requests_per_second=50.0, key_burst=2)}, RetryPolicy(6, 0.05)),
    ],
)
@pytest.mark.usefixtures("eager")
async def test_attempts_and_dollars_are_the_platforms(platform: dict[str, Any], policy: RetryPolicy) -> None:
    running = await start_platform(fast_config(**platform), "127.0.0.1")
    headers = {"Authorization": f"Bearer {running.admin_token}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers) as admin:
        tenant = await make_tenant(admin)
        behaviour = make_behaviour(retry=policy, circuit=CircuitPolicy(1000, 1.0))
        stage = Stage(make_brief(running.url, 2, behaviour, max_requests=15), keys=[tenant.secret] * 2)
        stage.coordinator.switch(0, 1)
        await stage.all_gone()
        await stage.end()
        books = await ledger(admin)
    await running.close()
    rows = stage.records.rows
    seen = Counter(entry["request_id"] for entry in books["requests"])
    assert {row["request_id"]: row["attempts"] for row in rows} == dict(seen)
    assert sum(row["attempts"] for row in rows) == books["total"]["requests"]["total"] > len(rows) == 30
    assert sum(row["error_type"] == "" for row in rows) == books["total"]["requests"]["served"]
    assert math.isclose(sum(row["cost_usd"] for row in rows), books["total"]["usd"], rel_tol=1e-12)
