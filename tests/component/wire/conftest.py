from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import uvloop

from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles
from tests.component.wire.scripted_server import Script, ScriptedServer

QUICK = Timeouts(connect_s=2.0, first_token_s=2.0, total_s=2.0)

Serve = Callable[..., Awaitable[ScriptedServer]]
Connect = Callable[..., HttpClient]


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """User actors run on uvloop where it is there, else on asyncio's own loop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True, scope="module")
def nothing_forgotten() -> Iterator[None]:
    """What was left open complains when it is collected, and that is an error."""
    yield
    gc.collect()


@pytest.fixture
async def clients() -> AsyncIterator[list[HttpClient]]:
    """Clients to close before the servers look whether anything was left open."""
    opened: list[HttpClient] = []
    yield opened
    for client in opened:
        client.close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start scripted servers; at the end none of their connections may be open."""
    async with AsyncExitStack() as stack:

        async def begin(*scripts: Script, **settings: object) -> ScriptedServer:
            return await stack.enter_async_context(ScriptedServer(*scripts, **settings))  # type: ignore[arg-type]

        yield begin


@pytest.fixture
def connect(serve: Serve, clients: list[HttpClient]) -> Connect:  # noqa: ARG001 - clients end before servers
    """Make clients of a server."""

    def make(
        server: ScriptedServer, *, timeouts: Timeouts = QUICK, tls: TlsFiles | None = None, host: str = "127.0.0.1"
    ) -> HttpClient:
        scheme = "http" if tls is None else "https"
        client = HttpClient(HttpTarget.of(f"{scheme}://{host}:{server.port}", tls=tls, timeouts=timeouts))
        clients.append(client)
        return client

    return make
