from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from raysim.simplatform.config import Faults
from raysim.simplatform.faults import FaultDice
from tests.component.simplatform.tenant import Tenant, ask, fast_config, ledger, until, writes

CHAT = "/v1/chat/completions"

if TYPE_CHECKING:
    from tests.component.simplatform.conftest import Start


async def switch(admin: httpx.AsyncClient, **faults: Any) -> None:
    (await admin.put("/sim/faults", json=faults)).raise_for_status()


async def test_faults_are_read_changed_and_checked(admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/sim/faults")).json()["errorRate"] == 0.0
    changed = await admin.put("/sim/faults", json={"errorRate": 0.5, "latency": {"base": "20ms"}})
    assert changed.json()["latency"]["base"] == 0.02
    assert (await admin.get("/sim/faults")).json() == changed.json()
    for wrong in ({"errorRate": 2}, {"errorrate": 1}, {"errorStatus": 404}):
        refused = await admin.put("/sim/faults", json=wrong)
        assert refused.status_code == 400
        assert next(iter(wrong)) in refused.text


@pytest.mark.parametrize(("status", "code"), [(500, "ROUTING_ERROR"), (502, "BACKEND_ERROR"), (503, "BACKEND_ERROR")])
async def test_errors(admin: httpx.AsyncClient, tenant: Tenant, status: int, code: str) -> None:
    await switch(admin, errorRate=1, errorStatus=status)
    refused = await admin.post(CHAT, json=ask(stream=True), headers=tenant.auth)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    books = await ledger(admin)
    assert books["total"]["requests"]["failed_error"] == 1
    assert books["total"]["usd"] == 0.0


async def test_resets(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await switch(admin, resetRate=1)
    with pytest.raises(httpx.ReadError):
        await admin.post(CHAT, json=ask(), headers=tenant.auth)
    assert (await ledger(admin))["total"]["requests"]["failed_reset"] == 1


async def test_cut_streams_are_billed_for_what_was_written(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await switch(admin, cutStreamRate=1)
    parts: list[str] = []

    async def read() -> None:
        async with admin.stream("POST", CHAT, json=ask(stream=True), headers=tenant.auth) as answer:
            async for part in answer.aiter_text():
                parts.append(part)  # noqa: PERF401 - what came before the cut is kept

    with pytest.raises(httpx.RemoteProtocolError):
        await read()
    text = "".join(parts)
    (entry,) = (await ledger(admin))["requests"]
    assert entry["status"] == "failed_cut"
    assert entry["completion_tokens"] == text.count('"content":') - 1
    assert entry["completion_tokens"] >= 1
    assert "[DONE]" not in text
    assert (await admin.post(CHAT, json=ask(), headers=tenant.auth)).status_code == 200


async def test_a_burst_is_one_write() -> None:
    (write,) = await writes(fast_config(faults=Faults(burst=True)), ask(stream=True))
    assert write.startswith(b"HTTP/1.1 200 OK")
    assert write.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert write.count(b'"content":" ') >= 5


async def test_latency_is_added(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await switch(admin, latency={"base": "60ms", "jitter": "5ms"})
    began = time.monotonic()
    await admin.post(CHAT, json=ask(), headers=tenant.auth)
    assert time.monotonic() - began >= 0.055


async def test_a_client_that_leaves_during_the_latency_is_booked(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await switch(admin, latency={"base": "1h"})
    with pytest.raises(httpx.ReadTimeout):
        await admin.post(CHAT, json=ask(), headers=tenant.auth, timeout=httpx.Timeout(5, read=0.05))
    await until(admin, "/sim/ledger", lambda books: books["total"]["requests"]["cancelled"] == 1)


async def test_slow_tokens(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await switch(admin, slowTokens=50)
    began = time.monotonic()
    await admin.post(CHAT, json=ask(max_tokens=2), headers=tenant.auth)
    assert time.monotonic() - began >= 2 * 50 * 0.001


async def test_bootstrap_errors_create_nothing(admin: httpx.AsyncClient) -> None:
    await switch(admin, bootstrapErrorRate=1)
    refused = await admin.post("/v1/orgs", json={"name": "A", "slug": "a"})
    assert refused.status_code == 500
    assert refused.headers["content-type"].startswith("text/plain")
    assert (await ledger(admin))["total"]["orgs"]["created"] == 0


async def test_bootstrap_time_outs_create(admin: httpx.AsyncClient) -> None:
    await switch(admin, bootstrapTimeoutAfterCreateRate=1)
    with pytest.raises(httpx.ReadTimeout):
        await admin.post("/v1/orgs", json={"name": "A", "slug": "a"}, timeout=httpx.Timeout(5, read=0.05))
    assert (await ledger(admin))["total"]["orgs"]["created"] == 1


async def test_bootstrap_can_be_slow(start: Start) -> None:
    admin = await start(bootstrap_delay=0.04)
    await admin.post("/v1/orgs", json={"name": "A", "slug": "a"})
    began = time.monotonic()
    await admin.post("/v1/orgs/a/invites", json={"email": "ann@a.invalid"})
    assert time.monotonic() - began >= 0.04
    await switch(admin, bootstrapDelay="30ms")
    began = time.monotonic()
    await admin.post("/v1/orgs", json={"name": "B", "slug": "b"})
    assert time.monotonic() - began >= 0.03


async def test_reset_goes_back_to_the_configured_faults(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    await switch(admin, errorRate=1)
    assert (await admin.post("/sim/reset")).status_code == 204
    assert (await admin.get("/sim/faults")).json()["errorRate"] == 0.0
    assert (await ledger(admin))["total"]["orgs"]["created"] == 0
    assert (await admin.post(CHAT, json=ask(), headers=tenant.auth)).status_code == 401


def test_dice_are_seeded_and_keep_their_rate() -> None:
    faults = Faults(error_rate=0.3, reset_rate=0.5, cut_stream_rate=0.2)
    draws = [
        [dice.inference(streamed=True, tokens=10) for _ in range(2000)]
        for dice in (FaultDice(faults, 7), FaultDice(faults, 7), FaultDice(faults, 8))
    ]
    assert draws[0] == draws[1] != draws[2]
    assert sum(d.error_status == 500 for d in draws[0]) / 2000 == pytest.approx(0.3, abs=0.04)
    cuts = {d.cut_after for d in draws[0] if d.cut_after}
    assert cuts == set(range(1, 10))


def test_one_fault_does_not_move_another() -> None:
    alone = FaultDice(Faults(reset_rate=0.5), 7)
    together = FaultDice(Faults(reset_rate=0.5, error_rate=0.5), 7)
    for _ in range(200):
        one, other = (dice.inference(streamed=True, tokens=10) for dice in (alone, together))
        assert one.reset == other.reset


@pytest.mark.parametrize("jitter", [0.0, 0.02, 1.0])
def test_latency_stays_in_its_interval(jitter: float) -> None:
    dice = FaultDice(Faults.model_validate({"latency": {"base": 0.05, "jitter": jitter}}), 1)
    delays = [dice.inference(streamed=False, tokens=1).delay_s for _ in range(500)]
    assert all(max(0.0, 0.05 - jitter) <= delay <= 0.05 + jitter for delay in delays)
    assert (len(set(delays)) == 1) is (jitter == 0.0)
