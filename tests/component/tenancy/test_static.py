"""A platform without tenants of its own: keys are brought along, nothing is created."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from raysim.actors.user_keys import UserKeys
from raysim.core.plan.run_plan import UserPlan
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.secret import Secret
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.bootstrap import MadeUser, bootstrap_user
from raysim.tenancy.ledger import Resource
from raysim.tenancy.port import Made, TenancyError
from raysim.tenancy.select import open_platform
from raysim.tenancy.static import StaticKeys

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
    assert await platform.create_org("org-1", "org-1-abc", 1.0) == Made("")
    attempts = Attempts(float("inf"))
    made = await bootstrap_user(platform, "", USER, labels=("k",), key_days=1, enter=enter, attempts=attempts)
    assert made == MadeUser("", (Secret("key-one"),))
    assert await platform.find("org", "", "org-1-abc") == ""
    assert await platform.is_usable("org", "", "") is None
    assert await platform.tagged() == []
    with pytest.raises(TenancyError, match="key k1 was not created by a run"):
        await platform.remove("key", "", "k1")
    platform.close()


def test_keys_are_read_once_and_lent_to_each_user() -> None:
    environ = {"THE_KEYS": "key-one\nkey-two"}
    keys = UserKeys(FROM_ENV, environ)
    assert keys.of(1) == Secret("key-two")
    environ.clear()
    assert keys.read().of(0) == Secret("key-one")
