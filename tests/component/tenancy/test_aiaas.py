"""The AI-AAS adapter against the simulated platform, which has the real one's quirks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from raysim.core.plan.run_plan import TenantPlan, UserPlan
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.secret import Secret
from raysim.simplatform.config import AdminConfig, Faults
from raysim.simplatform.server import RunningPlatform, start_platform
from raysim.tenancy import attempts as attempts_module
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.bootstrap import bootstrap_org, bootstrap_user, intended_org, intended_user, key_labels
from raysim.tenancy.credentials import AdminCredential
from raysim.tenancy.ledger import Ledger, Resource
from raysim.tenancy.port import Fate, TenancyError, TenantPlatform
from raysim.tenancy.removal import RemovalTerms, remove_owed
from raysim.tenancy.select import control_client, open_platform
from tests.component.simplatform.tenant import fast_config

DONE = {Fate.DELETED, Fate.SUSPENDED}
USER = UserPlan(0, 1, "org-1", 1, "user-1", "user-1@loadtest.invalid", "gpt-4o", 7)


@pytest.fixture(params=[False, True], ids=["suspends", "deletes"])
async def platform(request: pytest.FixtureRequest) -> AsyncIterator[RunningPlatform]:
    admin = AdminConfig(email="admin@example.invalid", password="open sesame")
    running = await start_platform(fast_config(deletes=request.param, admin=admin), "127.0.0.1")
    yield running
    await running.close()


def target_of(platform: RunningPlatform, **auth: str) -> TargetPlan:
    return TargetPlan("embedded", platform.url, platform.url, AuthPlan(**auth), 2.0, 5.0, 10.0)


def keeper_of(platform: RunningPlatform, run_id: str = "run-1", **more: Any) -> TenantPlatform:
    async def token(refused: bool) -> Secret:
        del refused
        return Secret(platform.admin_token)

    return open_platform(target_of(platform), token, mark=run_id, **more)


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

    attempts = Attempts(float("inf"))
    org_id = await bootstrap_org(keeper, TenantPlan(1, "org-1", "org-1-abc", 1, 0.5), attempts, enter)
    labels = key_labels("run-1", USER, 2)
    made = await bootstrap_user(keeper, org_id, USER, labels=labels, key_days=1, enter=enter, attempts=attempts)
    assert [key.reveal() in repr(written) for key in made.keys] == [False, False]
    assert made.user_id == next(resource.resource_id for resource in written if resource.kind == "user")
    assert [resource.kind for resource in ledger.owed()] == ["key", "key", "user", "org"]
    assert ledger.find("org", "org-1")[0].detail == "budget of 0.5 USD"
    before = await books(platform)
    assert (before["keys"]["active"], before["users"]["active"], before["orgs"]["active"]) == (2, 1, 1)

    async def settled(resources: list[Resource]) -> None:
        written.extend(resources)

    await remove_owed(ledger, [keeper], settled, RemovalTerms(10))
    after = await books(platform)
    assert (after["keys"]["active"], after["users"]["active"], after["orgs"]["active"]) == (0, 0, 0)
    assert ledger.owed() == []
    assert set(ledger.counts()) in ({"revoked", "suspended"}, {"revoked", "deleted"})
    keeper.close()


async def test_removing_twice_is_done(platform: RunningPlatform) -> None:
    keeper = keeper_of(platform)
    org_id = (await keeper.create_org("org-1", "org-1-abc", None)).resource_id
    user_id = (await keeper.create_user(org_id, "user-1", "user-1@loadtest.invalid")).resource_id
    key = await keeper.create_key(org_id, user_id, "label", None)
    assert await keeper.is_usable("user", org_id, user_id)
    for fates in (DONE, DONE | {Fate.GONE}):
        assert await keeper.remove("key", org_id, key.key_id) is Fate.REVOKED
        assert await keeper.remove("user", org_id, user_id) in fates
        assert await keeper.is_usable("key", org_id, key.key_id) is False
        assert await keeper.is_usable("user", org_id, user_id) is False
    for fates in (DONE, DONE | {Fate.GONE}):
        assert await keeper.remove("org", org_id, org_id) in fates
        assert await keeper.is_usable("org", org_id, org_id) is False
    assert await keeper.remove("org", "no-such-org", "no-such-org") is Fate.GONE
    keeper.close()


async def test_what_this_run_made_is_taken_over_and_nothing_else(platform: RunningPlatform) -> None:
    keeper = keeper_of(platform)
    made = await keeper.create_org("org-1", "same", None)
    assert await keeper.create_org("org-1", "same", None) == made
    for stranger in ("run-2", ""):
        other = keeper_of(platform, stranger)
        with pytest.raises(TenancyError, match=r"creating organisation same failed: 409 .* not this run's") as caught:
            await other.create_org("org-1", "same", None)
        assert not caught.value.transient
        assert await other.find("org", "", "same") == ""
        other.close()
    assert await keeper.find("org", "", "same") == made.resource_id
    assert await keeper.find("org", "", "another") == ""
    user = await keeper.create_user(made.resource_id, "user-1", "user-1@loadtest.invalid")
    assert await keeper.create_user(made.resource_id, "user-1", "user-1@loadtest.invalid") == user
    keeper.close()


async def test_a_user_who_cannot_be_found_again_is_invited_under_another_address() -> None:
    running = await start_platform(fast_config(lookups=False), "127.0.0.1")
    keeper = keeper_of(running)
    org_id = (await keeper.create_org("org-1", "same", None)).resource_id
    first = await keeper.create_user(org_id, "user-1", "user-1+abc@loadtest.invalid")
    assert await keeper.create_user(org_id, "user-1", "user-1+abc@loadtest.invalid") == first, (
        "whom it invited it knows"
    )
    forgetful = keeper_of(running)
    second = await forgetful.create_user(org_id, "user-1", "user-1+abc@loadtest.invalid")
    forgetful.close()
    assert second.resource_id != first.resource_id
    assert second.note == "invited without an answer, and left as invited: user-1+abc@loadtest.invalid"
    assert await keeper.find("user", org_id, "user-1+abc@loadtest.invalid") is None
    assert not await keeper.discard_keys(org_id, first.resource_id, ())
    keeper.close()
    await running.close()


async def test_bootstrap_survives_failures_and_lost_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "_FIRST_PAUSE_S", 0.0)
    faults = Faults(bootstrap_error_rate=0.3, bootstrap_timeout_after_create_rate=0.3)
    running = await start_platform(fast_config(faults=faults, seed=5), "127.0.0.1")
    ledger = Ledger()

    async def enter(resource: Resource) -> None:
        ledger.enter(resource)

    users = [replace(USER, index=n, name=f"user-{n}", email=f"user-{n}@loadtest.invalid") for n in range(12)]
    keeper = keeper_of(running, call_timeout_s=0.05)
    org_id = await bootstrap_org(keeper, TenantPlan(1, "org-1", "one", 12, None), Attempts(float("inf")), enter)
    for user in users:
        labels = key_labels("run-1", user, 1)
        attempts = Attempts(float("inf"))
        await bootstrap_user(keeper, org_id, user, labels=labels, key_days=1, enter=enter, attempts=attempts)
    total = await books(running)
    assert total["keys"]["created"] > 12, "the fault struck"
    assert total["keys"]["active"] == total["users"]["created"] == total["users"]["active"] == 12
    assert total["orgs"]["created"] == 1
    assert ledger.counts() == {"created": 25}
    keeper.close()
    await running.close()


async def test_what_was_intended_and_made_without_an_answer_is_found_and_removed(platform: RunningPlatform) -> None:
    keeper = keeper_of(platform)
    org_id = (await keeper.create_org("org-1", "org-1-abc", None)).resource_id
    await keeper.create_user(org_id, USER.name, USER.email)
    never = replace(USER, name="user-2", email="user-2@loadtest.invalid")
    ledger = Ledger(
        [
            intended_org(TenantPlan(1, "org-1", "org-1-abc", 2, None)),
            intended_org(TenantPlan(2, "org-2", "org-2-abc", 1, None)),
            *intended_user(USER, org_id, ("raysim run-1 user-1",)),
            *intended_user(never, org_id, ("raysim run-1 user-2",)),
        ]
    )

    async def written(resources: list[Resource]) -> None:
        del resources

    await remove_owed(ledger, [keeper, keeper_of(platform)], written, RemovalTerms(10))
    assert ledger.owed() == []
    fates = {(r.kind, r.name): r.fate for name in ("org-1", "org-2") for r in ledger.find("org", name)}
    assert fates[("org", "org-2")] == "gone"
    assert fates[("org", "org-1")] in DONE
    assert ledger.find("user", "user-1")[0].fate in DONE
    assert {r.fate for r in ledger.find("key", "user-1") + ledger.find("key", "user-2")} == {"gone"}
    assert (await books(platform))["users"]["active"] == 0
    keeper.close()


async def test_login_gives_a_token_that_works(platform: RunningPlatform, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame\n", encoding="utf-8")
    target = target_of(platform, email="admin@example.invalid", password_file=str(password))
    login = control_client(target)
    credential = AdminCredential(target.auth, {}, login)
    keeper = open_platform(target, credential.token)
    assert await keeper.create_org("org-1", "by-login", None)
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
    assert await keeper.create_org("org-1", "after-renewal", None)
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

    async def find(self, kind: str, org_id: str, label: str) -> str | None:
        raise AssertionError((kind, org_id, label))

    async def is_usable(self, kind: str, org_id: str, item_id: str) -> bool | None:
        raise AssertionError((kind, org_id, item_id))

    async def remove(self, kind: str, org_id: str, item_id: str) -> Fate:
        self.calls += 1
        raise TenancyError(f"removing {kind} {item_id} of {org_id} failed", transient=self.transient)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("transient", "calls"), [(False, 1), (True, 4)])
async def test_what_cannot_be_removed_remains_and_says_why(
    transient: bool, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts_module, "_FIRST_PAUSE_S", 0.0)
    ledger = Ledger([Resource("org", "o1", "o1", "org-1")])
    keeper = StubbornKeeper(transient=transient)

    async def settled(resources: list[Resource]) -> None:
        assert resources[0].detail.startswith("removing org o1 of o1 failed")

    await remove_owed(ledger, [keeper], settled, RemovalTerms(30))
    assert keeper.calls == calls
    assert ledger.counts() == {"remaining": 1}
    assert len(ledger.owed()) == 1


async def test_without_time_everything_remains() -> None:
    ledger = Ledger([Resource("key", "k1", "o1", "user-1"), Resource("org", "o1", "o1", "org-1")])
    keeper = StubbornKeeper(transient=True)

    async def settled(resources: list[Resource]) -> None:
        assert resources[0].detail == "no time was left"

    await remove_owed(ledger, [keeper], settled, RemovalTerms(0))
    assert keeper.calls == 0
    assert ledger.counts() == {"remaining": 2}
