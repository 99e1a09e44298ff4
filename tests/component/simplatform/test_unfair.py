"""One organisation that is served before all others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from raysim.simplatform.config import BackendConfig, Faults
from tests.component.simplatform.tenant import ask, fast_config, make_tenant

if TYPE_CHECKING:
    from tests.component.simplatform.conftest import Start

CHAT = "/v1/chat/completions"


async def test_the_favoured_overtake_the_others(start: Start) -> None:
    backend = BackendConfig(id="s", models=("gpt-4o",), slots=1, prefill_base=0.01, step_base=0.001)
    admin = await start(fast_config().model_copy(update={"backends": (backend,), "faults": Faults(unfair_org="hog")}))
    victim, hog = await make_tenant(admin, "victim"), await make_tenant(admin, "hog")
    order: list[str] = []

    async def send(name: str, auth: dict[str, str]) -> None:
        await admin.post(CHAT, json=ask(max_tokens=1), headers=auth)
        order.append(name)

    running = asyncio.create_task(send("first", victim.auth))
    async with asyncio.timeout(5):
        while (await admin.get("/v1/admin/routing/backends")).json()["backends"][0]["running"] == 0:
            await asyncio.sleep(0)
    waiting = [asyncio.create_task(send("victim", victim.auth)) for _ in range(3)]
    async with asyncio.timeout(5):
        while (await admin.get("/v1/admin/routing/backends")).json()["backends"][0]["waiting"] == 0:
            await asyncio.sleep(0)
    await send("hog", hog.auth)
    await asyncio.gather(running, *waiting)
    assert order.index("hog") < len(order) - 1
