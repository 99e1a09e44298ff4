"""The LiteLLM adapter: its calls are those of `docs/platforms.md`; against the simulated platform in that manner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from raysim.core.plan.run_plan import TenantPlan, UserPlan
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.secret import Secret
from raysim.simplatform.config import Faults
from raysim.simplatform.server import RunningPlatform, start_platform
from raysim.tenancy import attempts as attempts_module
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.bootstrap import bootstrap_org, bootstrap_user, intended_org, intended_user, key_labels
from raysim.tenancy.ledger import Ledger, Resource
from raysim.tenancy.port import Fate, TenancyError, TenantPlatform
from raysim.tenancy.removal import RemovalTerms, remove_owed
from raysim.tenancy.select import open_platform
from raysim.wire.error_mapping import kind_of_response
from tests.component.simplatform.tenant import ask, fast_config
from tests.component.wire.scripted_server import ScriptedServer, answer, whole

MASTER = "sk-the-master-key"
TENANT = TenantPlan(1, "org-1", "org-1-abc123", 1, 0.5)
USER = UserPlan(0, 1, "org-1", 1, "user-1", "user-1+abc123@loadtest.invalid", "gpt-4o", 7)
LABELS = key_labels("run-1", USER, 1)


@pytest.fixture
async def proxy() -> AsyncIterator[RunningPlatform]:
    running = await start_platform(fast_config(mode="litellm", seed=5), "127.0.0.1", admin_token=MASTER)
    yield running
    await running.close()


async def master(refused: bool) -> Secret:
    del refused
    return Secret(MASTER)


def adapter(url: str, run_id: str = "run-1", **more: Any) -> TenantPlatform:
    target = TargetPlan("litellm", url, "", AuthPlan(), 2.0, 5.0, 10.0)
    return open_platform(target, master, mark=run_id, **more)


async def books(proxy: RunningPlatform) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        total: dict[str, Any] = (await client.get(f"{proxy.url}/sim/ledger")).json()["total"]
        return total


async def set_up(platform: TenantPlatform, ledger: Ledger) -> Secret:
    async def enter(resource: Resource) -> None:
        ledger.enter(resource)

    attempts = Attempts(float("inf"))
    ledger.enter(intended_org(TENANT))
    org_id = await bootstrap_org(platform, TENANT, attempts, enter)
    for resource in intended_user(USER, org_id, LABELS):
        ledger.enter(resource)
    made = await bootstrap_user(platform, org_id, USER, labels=LABELS, key_days=1, enter=enter, attempts=attempts)
    return made.keys[0]


async def remove(platform: TenantPlatform, ledger: Ledger) -> None:
    async def written(resources: list[Resource]) -> None:
        assert resources

    await remove_owed(ledger, [platform], written, RemovalTerms(10))


async def test_a_teams_whole_life(proxy: RunningPlatform) -> None:
    platform, ledger = adapter(proxy.url), Ledger()
    key = await set_up(platform, ledger)
    assert ledger.counts() == {"created": 3}
    assert ledger.find("org", "org-1")[0].detail == "budget of 0.5 USD"
    assert not any(secret in repr(ledger.owed()) for secret in (key.reveal(), MASTER))
    total = await books(proxy)
    assert (total["keys"]["active"], total["users"]["active"], total["orgs"]["active"]) == (1, 1, 1)
    listed = await platform.tagged()
    assert [(found.kind, found.run_id) for found in listed] == [("key", "run-1"), ("user", "run-1"), ("org", "run-1")]
    assert all(found.made_at > 1e9 for found in listed)
    await remove(platform, ledger)
    assert ledger.counts() == {"revoked": 1, "deleted": 2}
    total = await books(proxy)
    assert (total["keys"]["active"], total["users"]["active"], total["orgs"]["active"]) == (0, 0, 0)
    assert await platform.tagged() == []
    for resource in (*ledger.find("org", "org-1"), *ledger.find("user", "user-1"), *ledger.find("key", "user-1")):
        assert await platform.remove(resource.kind, resource.org_id, resource.resource_id) is Fate.GONE
    platform.close()


async def test_repeated_calls_find_what_the_first_made_and_strangers_are_left_alone(proxy: RunningPlatform) -> None:
    platform, ledger = adapter(proxy.url), Ledger()
    await set_up(platform, ledger)
    first = await set_up(platform, ledger)
    total = await books(proxy)
    assert (total["users"]["created"], total["orgs"]["created"]) == (1, 1)
    assert total["keys"] == {"created": 2, "active": 1, "revoked": 1}
    assert first.reveal()
    other = adapter(proxy.url, "run-2")
    with pytest.raises(TenancyError, match="it is not this run's, and is left alone"):
        await other.create_org(TENANT.name, TENANT.slug, None)
    with pytest.raises(TenancyError, match="it is not this run's, and is left alone"):
        await other.create_user(TENANT.slug, USER.name, USER.email)
    assert await other.find("user", "", USER.email) == ""
    for one in (platform, other):
        one.close()


async def test_lost_answers_leave_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "_FIRST_PAUSE_S", 0.0)
    faults = Faults(bootstrap_error_rate=0.2, bootstrap_timeout_after_create_rate=0.6)
    config = fast_config(mode="litellm", faults=faults, seed=5)
    proxy = await start_platform(config, "127.0.0.1", admin_token=MASTER)
    platform, ledger = adapter(proxy.url, call_timeout_s=0.05), Ledger()
    await set_up(platform, ledger)
    total = await books(proxy)
    assert (total["users"]["created"], total["orgs"]["created"], total["keys"]["active"]) == (1, 1, 1)
    assert total["keys"]["created"] > 1, "the fault struck"
    assert ledger.counts() == {"created": 3}
    platform.close()
    await proxy.close()


async def test_what_was_only_intended_is_found(proxy: RunningPlatform) -> None:
    platform = adapter(proxy.url)
    await platform.create_org(TENANT.name, TENANT.slug, None)
    await platform.create_user(TENANT.slug, USER.name, USER.email)
    ledger = Ledger([intended_org(TENANT), *intended_user(USER, TENANT.slug, LABELS)])
    await remove(platform, ledger)
    assert ledger.counts() == {"deleted": 2, "gone": 1}
    assert (await books(proxy))["users"]["active"] == 0
    platform.close()


async def test_a_spent_budget_is_told_by_its_type(proxy: RunningPlatform) -> None:
    platform, ledger = adapter(proxy.url), Ledger()
    key = await set_up(platform, ledger)
    async with httpx.AsyncClient(base_url=proxy.url, headers={"Authorization": f"Bearer {key.reveal()}"}) as client:
        served = await client.post("/v1/chat/completions", json=ask())
        assert served.status_code == 200
        assert served.headers["x-litellm-model-id"] in ("a", "b")
        admin = {"Authorization": f"Bearer {MASTER}"}
        await client.post("/team/update", json={"team_id": TENANT.slug, "max_budget": 0}, headers=admin)
        refused = await client.post("/v1/chat/completions", json=ask())
    assert refused.status_code == 422
    assert kind_of_response(422, {}, refused.content)[0] is ErrorKind.BUDGET_EXCEEDED
    platform.close()


@pytest.mark.parametrize("status", [400, 422, 429])
def test_the_type_counts_whatever_the_status(status: int) -> None:
    body = orjson.dumps({"error": {"message": "Budget has been exceeded!", "type": "budget_exceeded", "code": status}})
    assert kind_of_response(status, {}, body)[0] is ErrorKind.BUDGET_EXCEEDED


async def test_the_calls_are_those_of_the_contract() -> None:
    replies = iter(
        [
            b'{"team_id": "team-7"}',
            b'{"user_id": "user-7"}',
            b'{"key": "sk-7", "token_id": "hash-7", "expires": null}',
            b'{"deleted_keys": ["hash-7"]}',
            b'{"deleted": 1}',
            b'{"deleted": 1}',
        ]
    )
    async with ScriptedServer(lambda peer: _each(peer, replies)) as server:
        platform = adapter(f"http://127.0.0.1:{server.port}")
        assert (await platform.create_org("org-1", "org-1-abc", 2.5)).resource_id == "team-7"
        assert (await platform.create_user("team-7", "user-1", "a@b.invalid")).resource_id == "user-7"
        key = await platform.create_key("team-7", "user-7", "raysim run-1 user-1", 1)
        assert (key.key_id, key.secret.reveal()) == ("hash-7", "sk-7")
        fates = [await platform.remove(*what) for what in REMOVALS]
        platform.close()
        requests = server.requests
    assert fates == [Fate.REVOKED, Fate.DELETED, Fate.DELETED]
    assert [request.split(b" ")[1] for request in requests] == [
        *(b"/team/new", b"/user/new", b"/key/generate", b"/key/delete", b"/user/delete", b"/team/delete"),
    ]
    assert all(f"authorization: bearer {MASTER}".encode() in request.lower() for request in requests)
    team, user, generated, *deleted = (orjson.loads(request.split(b"\r\n\r\n", 1)[1]) for request in requests)
    assert (team["team_alias"], team["max_budget"], team["metadata"]["raysim_run"]) == ("org-1", 2.5, "run-1")
    assert (user["user_email"], user["teams"], user["auto_create_key"]) == ("a@b.invalid", ["team-7"], False)
    assert (generated["user_id"], generated["team_id"], generated["duration"]) == ("user-7", "team-7", "1d")
    assert generated["key_alias"] == "raysim run-1 user-1"
    assert deleted == [{"keys": ["hash-7"]}, {"user_ids": ["user-7"]}, {"team_ids": ["team-7"]}]


REMOVALS: tuple[tuple[Any, str, str], ...] = (
    ("key", "team-7", "hash-7"),
    ("user", "team-7", "user-7"),
    ("org", "team-7", "team-7"),
)


async def _each(peer: Any, replies: Any) -> None:
    for reply in replies:
        await peer.request()
        await peer.send(whole(reply))


async def test_a_proxy_without_its_database_is_quoted() -> None:
    said = b'{"error": {"message": "No db connected", "type": "None", "param": "None", "code": "500"}}'
    async with ScriptedServer(answer(whole(said, "500 Internal Server Error"))) as server:
        platform = adapter(f"http://127.0.0.1:{server.port}")
        with pytest.raises(TenancyError, match=r"creating team org-1-abc failed: 500 .*No db connected") as caught:
            await platform.create_org("org-1", "org-1-abc", None)
        platform.close()
    assert caught.value.transient


@pytest.mark.parametrize(
    ("status", "text", "unknown"),
    [
        ("400 Bad Request", "Team not found, passed team_id=t", True),
        ("400 Bad Request", "DB not connected. This endpoint needs a database", False),
        ("404 Not Found", "", True),
    ],
)
async def test_only_what_is_unknown_counts_as_gone(status: str, text: str, unknown: bool) -> None:
    reply = whole(orjson.dumps({"detail": {"error": text}}), status)
    async with ScriptedServer(answer(reply)) as server:
        platform = adapter(f"http://127.0.0.1:{server.port}")
        if unknown:
            assert await platform.remove("org", "t", "t") is Fate.GONE
        else:
            with pytest.raises(TenancyError, match="deleting org t failed: 400"):
                await platform.remove("org", "t", "t")
        platform.close()


async def test_the_simulated_proxy_lists_users_in_pages_and_refuses_strangers(proxy: RunningPlatform) -> None:
    platform = adapter(proxy.url)
    await set_up(platform, Ledger())
    platform.close()
    async with httpx.AsyncClient(base_url=proxy.url, headers={"Authorization": f"Bearer {MASTER}"}) as client:
        listed = (await client.get("/user/list?page=1&page_size=1")).json()
        assert listed == {"users": [{"user_id": USER.email}], "total": 1, "page": 1}
        refused = await client.get("/user/list", headers={"Authorization": "Bearer sk-wrong"})
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "auth_error")
        assert (await client.get("/health/liveliness")).status_code == 200
