"""A tenant of the platform under test, made over HTTP as any client would make it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from raysim.simplatform.config import BackendConfig, ModelConfig, OutputTokens, PlatformConfig
from raysim.simplatform.http import Exchange, Request
from raysim.simplatform.openai_request import Endpoint
from raysim.simplatform.router import Router
from raysim.simplatform.state import PlatformState

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

QUESTION = [{"role": "user", "content": "What is a queue?"}]
ANSWER_TOKENS = OutputTokens(min=6, max=12)


def fast_config(**changes: Any) -> PlatformConfig:
    """A platform whose answers take a few milliseconds."""
    quick = {"prefill_base": 0.001, "prefill_per_token": 0.0, "step_base": 0.001, "step_per_sequence": 0.0}
    settings: dict[str, Any] = {
        "models": (
            ModelConfig(id="gpt-4o", output_tokens=ANSWER_TOKENS),
            ModelConfig(id="gpt-4o-mini", output_tokens=ANSWER_TOKENS),
            ModelConfig(id="text-embedding-3-small", kind="embedding"),
        ),
        "backends": (
            BackendConfig(id="a", models=("gpt-4o", "gpt-4o-mini"), **quick),
            BackendConfig(id="b", models=("gpt-4o",), **quick),
            BackendConfig(id="e", models=("text-embedding-3-small",), **quick),
        ),
    }
    return PlatformConfig(**(settings | changes))


@dataclass
class Tenant:
    """An organisation with one active user and a key."""

    org_id: str
    slug: str
    user_id: str
    key_id: str
    secret: str

    @property
    def auth(self) -> dict[str, str]:
        return {"X-API-Key": self.secret}


async def make_tenant(admin: httpx.AsyncClient, slug: str = "acme") -> Tenant:
    org = (await admin.post("/v1/orgs", json={"name": slug.title(), "slug": slug})).json()
    users = f"/v1/orgs/{org['orgId']}/users"
    invite = await admin.post(f"/v1/orgs/{org['orgId']}/invites", json={"email": f"ann@{slug}.invalid"})
    user_id = invite.json()["inviteId"]
    await admin.patch(f"{users}/{user_id}", json={"status": "active"})
    key = (await admin.post(f"{users}/{user_id}/api-keys", json={})).json()
    return Tenant(org["orgId"], slug, user_id, key["apiKeyId"], key["secret"])


def ask(**changes: Any) -> dict[str, Any]:
    """A chat request."""
    return {"model": "gpt-4o", "messages": QUESTION} | changes


def events(text: str) -> list[dict[str, Any]]:
    """The JSON events of a complete stream; checks that it ends as it should."""
    lines = [line for line in text.split("\n\n") if line]
    assert lines.pop() == "data: [DONE]"
    return [orjson.loads(line.removeprefix("data: ")) for line in lines]


async def ledger(client: httpx.AsyncClient) -> dict[str, Any]:
    books: dict[str, Any] = (await client.get("/sim/ledger", params={"requests": 1})).json()
    return books


async def until(client: httpx.AsyncClient, path: str, holds: Callable[[Any], bool]) -> None:
    """Ask again until the answer is as expected."""
    async with asyncio.timeout(5):
        while True:
            if holds((await client.get(path)).json()):
                return


@dataclass
class FakeLine:
    """A connection that keeps each write."""

    writes: list[bytes] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def answered(self, *, close: bool) -> None:
        assert not close
        self.ended.set()

    def reset(self) -> None:
        self.ended.set()


async def writes(config: PlatformConfig, body: dict[str, Any]) -> list[bytes]:
    """Every single write of the answer to one chat request."""
    state = PlatformState(config)
    org = state.accounts.create_org(name="Acme", slug="acme", metadata={}, now=0.0)
    account = state.accounts.create_service_account(org, name="ci", now=0.0)
    _, secret = state.accounts.create_key(org, account, expires_in_days=None, now=0.0)
    request = Request("POST", Endpoint.CHAT.value, "", {"x-api-key": secret}, orjson.dumps(body))
    line = FakeLine()
    Router(state).infer(Endpoint.CHAT, request, Exchange(line, request))
    async with asyncio.timeout(10):
        await line.ended.wait()
    state.close()
    return line.writes
