"""One organisation that is served before all others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from raysim.simplatform.config import BackendConfig, Faults
from tests.component.simplatform.tenant import Tenant, ask, fast_config, make_tenant, until

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
