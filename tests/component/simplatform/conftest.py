from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.server import start_platform
from tests.component.simplatform.contract import breaches
from tests.component.simplatform.tenant import Tenant, fast_config, make_tenant

Start = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start platforms; the answer is an administrator's client of each, whose every answer is held to the contract."""
    broken: list[str] = []

    async def judge(response: httpx.Response) -> None:
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            await response.aread()
            broken.extend(breaches(response))

    async with AsyncExitStack() as stack:

        async def begin(config: PlatformConfig | None = None, **changes: Any) -> httpx.AsyncClient:
            platform = await start_platform(config or fast_config(**changes), "127.0.0.1")
            stack.push_async_callback(platform.close)
            headers = {"Authorization": f"Bearer {platform.admin_token}"}
            return await stack.enter_async_context(
                httpx.AsyncClient(base_url=platform.url, headers=headers, event_hooks={"response": [judge]})
            )

        yield begin
    assert broken == []


@pytest.fixture
async def admin(start: Start) -> httpx.AsyncClient:
    return await start()


@pytest.fixture
async def tenant(admin: httpx.AsyncClient) -> Tenant:
    return await make_tenant(admin)
