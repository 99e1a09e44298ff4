"""One request through the whole path, against the simulated platform."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from raysim.chat import ChatResult, chat
from raysim.core.config.scenario import Scenario
from raysim.core.errors import BootstrapError, InterruptedRunError
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import ABSENT
from raysim.simplatform.config import Faults
from raysim.simplatform.server import RunningPlatform, start_platform
from raysim.tenancy.aiaas import AiaasPlatform
from raysim.tenancy.port import Fate, TenancyError
from tests.component.simplatform.tenant import fast_config, make_tenant, until
from tests.component.wire.scripted_server import Peer, ScriptedServer
from tests.unit.core.plan.scenarios import STARTED, scenario_of

#: a platform sees each run's slugs once
NUMBERS = count(1)
ENVIRON = {"THE_TOKEN": "admin-token"}


def scenario(url: str, seed: int | None = None, **targets: Any) -> Scenario:
    auth = {"tokenEnv": "THE_TOKEN"}
    known = {"platform": "aiaas", "apiRouterUrl": url, "userOrgUrl": url, "auth": auth}
    return scenario_of(
        advanced={"seed": seed},
        targets=known | targets,
        userBehavior={"modelPreferences": [{"model": "gpt-4o"}], "maxTokensPerRequest": {"base": 30}},
    )


def keyed(url: str, **targets: Any) -> Scenario:
    return scenario(url, platform="static", userOrgUrl=None, auth=None, **targets)


async def ask(asked: Scenario, environ: dict[str, str] | None = None, **wishes: str) -> ChatResult:
    run_id = f"chat-{next(NUMBERS)}"
    return await chat(asked, run_id=run_id, started=STARTED, environ=environ or ENVIRON, **wishes)


async def served(**config: Any) -> RunningPlatform:
    return await start_platform(fast_config(**config), "127.0.0.1", admin_token=ENVIRON["THE_TOKEN"])


async def books(platform: RunningPlatform) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        total: dict[str, Any] = (await client.get(f"{platform.url}/sim/ledger")).json()["total"]
        return total


@pytest.mark.parametrize("deletes", [False, True])
async def test_a_tenant_is_made_used_and_removed(deletes: bool) -> None:
    platform = await served(deletes=deletes)
    result = await ask(scenario(platform.url))
    total = await books(platform)
    await platform.close()
    record = result.record
    assert record.error_type is ErrorKind.NONE
    assert result.text
    assert result.left == ()
    assert (record.prompt_tokens, record.completion_tokens) == (total["prompt_tokens"], total["completion_tokens"])
    assert record.cost_usd == pytest.approx(total["usd"])
    assert 0 <= record.sent_ns < record.first_token_ns <= record.last_token_ns <= record.end_ns
    assert record.connect_ns > 0
    assert total["requests"]["total"] == 1
    assert total["orgs"]["created"] == total["keys"]["created"] == 1
    assert (total["orgs"]["active"], total["users"]["active"], total["keys"]["active"]) == (0, 0, 0)


async def test_a_router_that_cannot_stream_is_asked_for_the_whole() -> None:
    platform = await served(mode="aiaas")
    failed = await ask(scenario(platform.url))
    whole = await ask(scenario(platform.url, streaming=False))
    total = await books(platform)
    await platform.close()
    assert (failed.record.error_type, failed.record.http_status) == (ErrorKind.HTTP_5XX, 502)
    assert whole.record.error_type is ErrorKind.NONE
    assert whole.text
    assert whole.record.first_token_ns == ABSENT
    assert total["keys"]["active"] == 0


async def test_it_asks_as_the_scenarios_chat_endpoint_does() -> None:
    endpoints = [{"name": "orgs"}, {"name": "chat", "path": "/v1/none", "expect": {"status": 404}}, {"name": "chat"}]
    result = await ask(scenario_of(endpoints=endpoints), {})
    assert (result.record.error_type, result.record.http_status) == (ErrorKind.NONE, 404)


async def test_it_asks_once_whatever_users_do_about_failures() -> None:
    platform = await served(faults=Faults(error_rate=1.0))
    targets = {"apiRouterUrl": platform.url, "userOrgUrl": platform.url, "auth": {"tokenEnv": "THE_TOKEN"}}
    handling = {"errorHandling": {"retryAttempts": 3, "circuitBreaker": {}}}
    result = await ask(scenario_of(targets=targets, userBehavior=handling))
    await platform.close()
    assert (result.record.error_type, result.record.attempts) == (ErrorKind.HTTP_5XX, 1)


async def test_the_embedded_platform_lives_as_long_as_the_request() -> None:
    result = await ask(scenario_of(userBehavior={"maxTokensPerRequest": {"base": 2}}), {})
    assert result.record.error_type is ErrorKind.NONE
    assert result.record.completion_tokens > 0
    assert result.left == ()


async def test_a_static_platform_is_asked_with_the_key_that_was_brought_along(tmp_path: Path) -> None:
    platform = await served()
    headers = {"Authorization": f"Bearer {platform.admin_token}"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers) as admin:
        tenant = await make_tenant(admin)
    path = tmp_path / "key"
    path.write_text(tenant.secret, encoding="utf-8")
    by_file = await ask(keyed(platform.url, apiKeys={"file": str(path)}))
    by_variable = await ask(keyed(platform.url, apiKeys={"env": "KEY"}), {"KEY": tenant.secret})
    without = await ask(keyed(platform.url))
    total = await books(platform)
    await platform.close()
    assert by_file.record.error_type is by_variable.record.error_type is ErrorKind.NONE
    assert without.record.error_type is ErrorKind.AUTH
    assert (total["orgs"]["created"], total["keys"]["active"]) == (1, 1)


async def test_model_and_prompt_can_be_chosen() -> None:
    platform = await served()
    chosen = await ask(scenario(platform.url), model="gpt-4o-mini", prompt="Why?")
    unknown = await ask(scenario(platform.url), model="nobody-knows-it")
    await platform.close()
    assert (chosen.question, chosen.record.model, chosen.priced) == ("Why?", "gpt-4o-mini", True)
    assert chosen.record.error_type is ErrorKind.NONE
    assert unknown.record.error_type is ErrorKind.HTTP_5XX
    assert not unknown.priced


async def test_a_seed_makes_the_first_question_the_same_every_time() -> None:
    platform = await served()
    asked = scenario(platform.url, seed=7)
    first, second = await ask(asked), await ask(asked)
    await platform.close()
    assert first.question == second.question


async def test_a_missing_credential_is_named() -> None:
    with pytest.raises(BootstrapError, match="THE_TOKEN is not set") as caught:
        await ask(scenario("http://127.0.0.1:9"), {"OTHER": "x"})
    assert "could not be removed" not in caught.value.message


async def test_a_server_that_is_not_there_ends_in_its_error() -> None:
    result = await ask(keyed("http://127.0.0.1:9"))
    assert result.record.error_type is ErrorKind.CONNECTION_REFUSED


async def test_what_cannot_be_removed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: AiaasPlatform, kind: str, org_id: str, item_id: str) -> Fate:
        raise TenancyError(f"{self}: {kind} {item_id} of {org_id} stays")

    monkeypatch.setattr(AiaasPlatform, "remove", refuse)
    platform = await served()
    result = await ask(scenario(platform.url))
    await platform.close()
    assert [name.split()[0] for name in result.left] == ["key", "user", "org"]


async def test_an_interrupted_request_leaves_no_tenant() -> None:
    asked = asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.gone()

    platform = await served()
    async with ScriptedServer(silent) as router:
        url = f"http://127.0.0.1:{router.port}"
        chatting = asyncio.create_task(ask(scenario(platform.url, apiRouterUrl=url)))
        await asked.wait()
        chatting.cancel()
        with pytest.raises(InterruptedRunError):
            await chatting
    async with httpx.AsyncClient(base_url=platform.url) as client:
        await until(
            client, "/sim/ledger", lambda said: said["total"]["keys"] == {"created": 1, "active": 0, "revoked": 1}
        )
    await platform.close()
