"""One organisation that is served before all others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from raysim.simplatform.config import BackendConfig, Faults
from raysim.simplatform.http import Exchange, Request
from raysim.simplatform.openai_request import Endpoint
from raysim.simplatform.router import Router
from raysim.simplatform.state import PlatformState
from tests.component.simplatform.tenant import FakeLine, Tenant, ask, fast_config, make_tenant, until

if TYPE_CHECKING:
    from tests.component.simplatform.conftest import Start

CHAT = "/v1/chat/completions"


async def test_the_favoured_overtake_the_others(start: Start) -> None:
    backend = BackendConfig(id="s", models=("gpt-4o",), slots=1, prefill_base=0, step_base=0.001)
    admin = await start(fast_config().model_copy(update={"backends": (backend,), "faults": Faults(unfair_org="hog")}))
    victim, hog = await make_tenant(admin, "victim"), await make_tenant(admin, "hog")
    order: list[str] = []

    async def send(tenant: Tenant) -> None:
        await admin.post(CHAT, json=ask(max_tokens=1), headers=tenant.auth)
        order.append(tenant.slug)

    async def waiting(number: int) -> None:
        await until(admin, "/v1/admin/routing/backends", lambda answer: answer["backends"][0]["waiting"] == number)

    endless = ask(stream=True, ignore_eos=True, max_tokens=100_000)
    async with asyncio.TaskGroup() as tasks, admin.stream("POST", CHAT, json=endless, headers=victim.auth):
        for number in (1, 2, 3):
            tasks.create_task(send(victim))
            await waiting(number)
        tasks.create_task(send(hog))
        await waiting(4)
    assert order == ["hog", "victim", "victim", "victim"]


async def test_a_name_is_as_good_as_a_slug() -> None:
    # the slug of a tenant that a run makes carries the run's id
    async def longest_step(unfair: str) -> float:
        backend = BackendConfig(id="s", models=("gpt-4o",), prefill_base=0)
        config = fast_config(backends=(backend,), faults=Faults(unfair_org=unfair, unfair_weight=1000))
        state = PlatformState(config)
        org = state.accounts.create_org(name="tenant-3", slug="tenant-3-ab12", metadata={}, now=0.0)
        account = state.accounts.create_service_account(org, name="ci", now=0.0)
        _, secret = state.accounts.create_key(org, account, expires_in_days=None, now=0.0)
        request = Request("POST", CHAT, "", {"x-api-key": secret}, orjson.dumps(ask()))
        Router(state).infer(Endpoint.CHAT, request, Exchange(FakeLine(), request))
        engine = state.backends[0].engine
        ready = engine.next_event()
        assert ready is not None
        engine.advance(ready)
        ends = engine.next_event()
        state.close()
        assert ends is not None
        return ends - ready

    ordinary = await longest_step("tenant-4")
    for spelling in ("tenant-3", "tenant-3-ab12"):
        assert await longest_step(spelling) == pytest.approx(ordinary + 999 * 0.00006, rel=1e-3)
