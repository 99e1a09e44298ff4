"""A tenant of the platform under test, made over HTTP as any client would make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from raysim.simplatform.config import BackendConfig, ModelConfig, OutputTokens, PlatformConfig

if TYPE_CHECKING:
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
