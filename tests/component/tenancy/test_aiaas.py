"""The AI-AAS adapter against the simulated platform, which has the real one's quirks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from raysim.core.plan.run_plan import UserPlan
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.secret import Secret
from raysim.simplatform.config import AdminConfig
from raysim.simplatform.server import RunningPlatform, start_platform
from raysim.tenancy import removal
from raysim.tenancy.bootstrap import bootstrap_user
from raysim.tenancy.credentials import AdminCredential
from raysim.tenancy.ledger import Ledger, Resource
from raysim.tenancy.port import Fate, TenancyError, TenantPlatform
from raysim.tenancy.removal import remove_owed
from raysim.tenancy.select import control_client, open_platform
from tests.component.simplatform.tenant import fast_config

USER = UserPlan(0, 1, "org-1", 1, "user-1", "user-1@loadtest.invalid", "gpt-4o", 7)


@pytest.fixture(params=[False, True], ids=["suspends", "deletes"])
async def platform(request: pytest.FixtureRequest) -> AsyncIterator[RunningPlatform]:
    admin = AdminConfig(email="admin@example.invalid", password="open sesame")
    running = await start_platform(fast_config(deletes=request.param, admin=admin), "127.0.0.1")
    yield running
    await running.close()


def target_of(platform: RunningPlatform, **auth: str) -> TargetPlan:
    return TargetPlan("embedded", platform.url, platform.url, AuthPlan(**auth), 2.0, 5.0, 10.0)


def keeper_of(platform: RunningPlatform) -> TenantPlatform:
    async def token(refused: bool) -> Secret:
        del refused
        return Secret(platform.admin_token)

    return open_platform(target_of(platform), token)


async def books(platform: RunningPlatform) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        total: dict[str, Any] = (await client.get(f"{platform.url}/sim/ledger")).json()["total"]
        return total


async def test_a_tenants_whole_life(platform: RunningPlatform) -> None:
    keeper = keeper_of(platform)
    ledger = Ledger()
    written: list[Resource] = []

    async def enter(*resources: Resource) -> None:
        written.extend(resources)
        for resource in resources:
            ledger.enter(resource)

    org_id = await keeper.create_org("org-1", "org-1-abc")
    await enter(Resource("org", org_id, org_id, "org-1"))
    assert await keeper.set_budget(org_id, 0.5)
    made = await bootstrap_user(keeper, org_id, USER, run_id="run-1", key_days=1, enter=enter)
    assert made.key.reveal() not in repr(written)
    assert made.user_id == next(resource.resource_id for resource in written if resource.kind == "user")
    assert [resource.kind for resource in ledger.owed()] == ["key", "user", "org"]
    before = await books(platform)
    assert (before["keys"]["active"], before["users"]["active"], before["orgs"]["active"]) == (1, 1, 1)

    async def settled(resources: list[Resource]) -> None:
        written.extend(resources)

    await remove_owed(ledger, [keeper], settled, timeout_s=10)
    after = await books(platform)
    assert (after["keys"]["active"], after["users"]["active"], after["orgs"]["active"]) == (0, 0, 0)
    assert ledger.owed() == []
    assert set(ledger.counts()) in ({"revoked", "suspended"}, {"revoked", "deleted"})
    keeper.close()


async def test_removing_twice_is_done(platform: RunningPlatform) -> None:
    keeper = keeper_of(platform)
    org_id = await keeper.create_org("org-1", "org-1-abc")
    user_id = await keeper.create_user(org_id, "user-1", "user-1@loadtest.invalid")
    key = await keeper.create_key(org_id, user_id, "label", None)
    for _ in range(2):
        assert await keeper.remove("key", org_id, key.key_id) is Fate.REVOKED
        assert await keeper.remove("user", org_id, user_id) in (Fate.DELETED, Fate.SUSPENDED)
    keeper.close()


async def test_a_duplicate_slug_is_a_clear_error(platform: RunningPlatform) -> None:
    keeper = keeper_of(platform)
    await keeper.create_org("org-1", "same")
    with pytest.raises(TenancyError, match="creating organisation same failed: 409") as caught:
        await keeper.create_org("org-1", "same")
    assert not caught.value.transient
    keeper.close()


async def test_login_gives_a_token_that_works(platform: RunningPlatform, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame\n", encoding="utf-8")
    target = target_of(platform, email="admin@example.invalid", password_file=str(password))
    login = control_client(target)
    credential = AdminCredential(target.auth, {}, login)
    keeper = open_platform(target, credential.token)
    assert await keeper.create_org("org-1", "by-login")
    keeper.close()
    login.close()


async def test_a_wrong_password_is_an_error_without_the_password(platform: RunningPlatform) -> None:
    target = target_of(platform, email="admin@example.invalid", password_env="THE_PASSWORD")
    login = control_client(target)
    credential = AdminCredential(target.auth, {"THE_PASSWORD": "wrong-secret"}, login)
    with pytest.raises(TenancyError, match=r"logging in as admin@example\.invalid failed: 400") as caught:
        await credential.token(False)
    assert "wrong-secret" not in str(caught.value)
    login.close()


async def test_a_refused_token_is_fetched_again(platform: RunningPlatform) -> None:
    asked: list[bool] = []

    async def token(refused: bool) -> Secret:
        asked.append(refused)
        return Secret(platform.admin_token if refused else "stale")

    keeper = open_platform(target_of(platform), token)
    assert await keeper.create_org("org-1", "after-renewal")
    assert asked == [False, True]
    keeper.close()


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({"token_env": "NOT_SET"}, "environment variable NOT_SET is not set"),
        ({"token_file": "/nonexistent/token"}, "/nonexistent/token cannot be read"),
    ],
)
async def test_a_missing_reference_names_itself(auth: dict[str, str], message: str) -> None:
    with pytest.raises(TenancyError, match=message):
        await AdminCredential(AuthPlan(**auth), {}, None).token(False)


class StubbornKeeper:
    """Fails every removal, transiently or for good."""

    def __init__(self, *, transient: bool) -> None:
        self.transient = transient
        self.calls = 0

    async def create_org(self, name: str, slug: str) -> str:
        raise AssertionError((name, slug))

    async def set_budget(self, org_id: str, limit_usd: float) -> bool:
        raise AssertionError((org_id, limit_usd))

    async def remove(self, kind: str, org_id: str, item_id: str) -> Fate:
        self.calls += 1
        raise TenancyError(f"removing {kind} {item_id} of {org_id} failed", transient=self.transient)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("transient", "calls"), [(False, 1), (True, 4)])
async def test_what_cannot_be_removed_remains_and_says_why(
    transient: bool, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "_FIRST_PAUSE_S", 0.0)
    ledger = Ledger([Resource("org", "o1", "o1", "org-1")])
    keeper = StubbornKeeper(transient=transient)

    async def settled(resources: list[Resource]) -> None:
        assert resources[0].detail == "removing org o1 of o1 failed"

    await remove_owed(ledger, [keeper], settled, timeout_s=30)
    assert keeper.calls == calls
    assert ledger.counts() == {"remaining": 1}
    assert len(ledger.owed()) == 1


async def test_without_time_everything_remains() -> None:
    ledger = Ledger([Resource("key", "k1", "o1", "user-1"), Resource("org", "o1", "o1", "org-1")])
    keeper = StubbornKeeper(transient=True)

    async def settled(resources: list[Resource]) -> None:
        assert resources[0].detail == "no time was left"

    await remove_owed(ledger, [keeper], settled, timeout_s=0)
    assert keeper.calls == 0
    assert ledger.counts() == {"remaining": 2}
