"""A platform without tenants of its own: keys are brought along, nothing is created."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from raysim.actors.user_keys import UserKeys
from raysim.core.errors import PreflightError
from raysim.core.plan.run_plan import UserPlan
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.secret import Secret
from raysim.preflight.check import Check, insist
from raysim.preflight.platform import check_platform
from raysim.preflight.router import check_router
from raysim.simplatform.server import start_platform
from raysim.tenancy.bootstrap import MadeUser, bootstrap_user
from raysim.tenancy.ledger import Resource
from raysim.tenancy.port import TenancyError
from raysim.tenancy.select import open_platform
from raysim.tenancy.static import StaticKeys
from tests.component.simplatform.tenant import fast_config
from tests.component.wire.scripted_server import Peer, ScriptedServer

USER = UserPlan(0, 1, "org-1", 1, "user-1", "user-1@loadtest.invalid", "gpt-4o", 7)
TARGET = TargetPlan("static", "http://127.0.0.1:9", "", AuthPlan(), 1.0, 1.0, 1.0)
FROM_ENV = replace(TARGET, key_env="THE_KEYS")


def keys_in(text: str) -> StaticKeys:
    return StaticKeys.read(FROM_ENV, {"THE_KEYS": text})


def test_keys_go_to_users_in_their_order_and_are_shared_in_turn(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# two of them\nkey-one\n\n  key-two\r\n", encoding="utf-8")
    keys = StaticKeys.read(replace(TARGET, key_file=str(path)), {})
    assert [keys.of(user).reveal() for user in range(3)] == ["key-one", "key-two", "key-one"]
    assert str(path) in keys.source


@pytest.mark.parametrize(
    ("text", "users", "words"),
    [
        ("k1", 5, "5 users share 1 key in turn"),
        ("k1\nk2", 5, "5 users share 2 keys in turn"),
        ("k1\nk2", 2, "a key for each of 2 users"),
        ("k1\nk2\nk3", 2, "a key for each of 2 users, 1 to spare"),
    ],
)
def test_how_keys_are_shared_is_said(text: str, users: int, words: str) -> None:
    assert keys_in(text).shared_by(users) == words


def test_without_a_reference_there_are_no_keys() -> None:
    keys = StaticKeys.read(TARGET, {})
    assert keys.of(3) == Secret("")
    assert keys.shared_by(4) == "4 users without a key"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (FROM_ENV, "spec.targets.apiKeys.env: the environment variable THE_KEYS is not set where"),
        (replace(TARGET, key_file="/nonexistent/keys"), "spec.targets.apiKeys.file: /nonexistent/keys cannot be read"),
    ],
)
def test_a_missing_reference_names_itself(target: TargetPlan, message: str) -> None:
    with pytest.raises(TenancyError, match=message):
        StaticKeys.read(target, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("key-one\nhunter2 hunter2", "THE_KEYS holds no key on line 2"),
        ("schlüssel-hunter2", "THE_KEYS holds no key on line 1"),
        ("# hunter2", "THE_KEYS holds no key"),
    ],
)
def test_what_cannot_be_a_key_is_refused_unseen(text: str, message: str) -> None:
    with pytest.raises(TenancyError, match=message) as caught:
        keys_in(text)
    assert "hunter2" not in repr(caught.value)


async def test_nothing_is_created_and_nothing_entered() -> None:
    async def token(refused: bool) -> Secret:
        raise AssertionError(refused)

    async def key() -> Secret:
        return Secret("key-one")

    async def enter(resource: Resource) -> None:
        raise AssertionError(resource)

    platform = open_platform(TARGET, token, key)
    assert await platform.create_org("org-1", "org-1-abc") == ""
    assert not await platform.set_budget("", 1.0)
    made = await bootstrap_user(platform, "", USER, run_id="run-1", key_days=1, enter=enter)
    assert made == MadeUser("", Secret("key-one"))
    with pytest.raises(TenancyError, match="key k1 was not created by a run"):
        await platform.remove("key", "", "k1")
    platform.close()


async def test_a_server_that_lists_its_models_passes() -> None:
    platform = await start_platform(fast_config(), "127.0.0.1")
    target = replace(FROM_ENV, router_url=platform.url)
    keys = UserKeys(target, 2, {"THE_KEYS": "key-one"})
    checks = await keys.check()
    await platform.close()
    assert [str(check) for check in checks] == [
        "users' keys: 2 users share 1 key in turn",
        f"server: {platform.url}/v1/models answered 200",
    ]
    assert keys.of(1) == Secret("key-one")
    assert check_platform(target) == []


async def test_a_missing_key_fails_the_preflight() -> None:
    checks = await UserKeys(FROM_ENV, 2, {}).check()
    with pytest.raises(PreflightError, match=r"users' keys: .* THE_KEYS is not set .* → set it"):
        insist(checks)


async def test_a_platform_with_tenants_needs_no_keys() -> None:
    assert await UserKeys(replace(TARGET, platform="aiaas"), 2, {}).check() == []


async def _answered(status: str, key: str) -> tuple[Check, bytes]:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(key)}\r\n\r\n{key}".encode())

    async with ScriptedServer(script) as server:
        target = replace(TARGET, router_url=f"http://127.0.0.1:{server.port}/base")
        check = await check_router(target, Secret(key), "the file KEYS")
        return check, server.requests[0]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("200 OK", "passed"), ("404 Not Found", "passed"), ("401 Unauthorized", "failed"), ("503 Busy", "failed")],
)
async def test_a_server_is_judged_by_its_status(status: str, verdict: str) -> None:
    check, request = await _answered(status, "sk-hunter2")
    assert check.verdict == verdict
    assert "hunter2" not in str(check)
    assert request.startswith(b"GET /base/v1/models ")
    assert b"authorization: bearer sk-hunter2" in request.lower()


async def test_a_refused_key_is_named_by_its_source() -> None:
    check, _ = await _answered("401 Unauthorized", "sk-hunter2")
    assert check.advice == "correct the key: the file KEYS"


async def test_without_a_key_none_is_sent() -> None:
    check, request = await _answered("401 Unauthorized", "")
    assert b"authorization" not in request.lower()
    assert check.advice == "name a key with spec.targets.apiKeys"


async def test_a_server_that_is_not_there_fails_by_name() -> None:
    check = await check_router(TARGET, Secret(""), "")
    assert check.verdict == "failed"
    assert "127.0.0.1:9" in check.found


async def test_missing_tls_files_fail_before_anything_is_sent() -> None:
    check = await check_router(replace(TARGET, router_url="https://x", tls_ca_file="/nonexistent"), Secret(""), "")
    assert check.name == "TLS files"
    assert check.verdict == "failed"
