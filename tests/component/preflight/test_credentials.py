from __future__ import annotations

from dataclasses import replace

import pytest

from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.secret import Secret
from raysim.preflight.credentials import admin_request, judge_admin, judge_key, judge_keys
from raysim.preflight.page import Request
from raysim.tenancy.static import StaticKeys
from tests.component.preflight.said import ORGS, ROUTER, said, silent

AIAAS = TargetPlan("aiaas", ROUTER, ORGS, AuthPlan(token_env="THE_TOKEN"), 1.0, 1.0, 1.0)
KEY = Secret("sk-hunter2")
KEYS = StaticKeys((KEY, KEY, Secret("other")), "the file KEYS")


@pytest.mark.parametrize(
    ("status", "body", "verdict", "words"),
    [
        (200, [], "passed", "the variable THE_TOKEN (spec.targets.auth.tokenEnv) is taken"),
        (401, b"bad token sk-hunter2", "failed", "the token is not taken"),
        (403, b"sk-hunter2", "failed", "no administrator"),
        (200, b"<html>sk-hunter2", "failed", "not with JSON"),
        (500, b"sk-hunter2", "passed", "answered 500"),
        (404, b"", "passed", "answered 404"),
    ],
)
def test_the_administrators_token_is_judged_and_never_shown(
    status: int, body: object, verdict: str, words: str
) -> None:
    check = judge_admin(AIAAS, said(status, body, request=admin_request(AIAAS, KEY)))
    assert check.verdict == verdict
    assert words in check.found
    assert "hunter2" not in str(check)
    # what could not be told is not claimed
    assert check.warns == (status in (404, 500))


@pytest.mark.parametrize(
    ("auth", "source"),
    [
        (AuthPlan(token_env="T"), "the variable T"),
        (AuthPlan(token_file="/t"), "the file /t"),
        (AuthPlan(email="root@x.test", password_env="P"), "the login of root@x.test"),
    ],
)
def test_a_refused_token_is_named_by_its_reference(auth: AuthPlan, source: str) -> None:
    assert source in judge_admin(replace(AIAAS, auth=auth), said(401)).advice


def test_the_harmless_call_of_each_platform() -> None:
    assert (admin_request(AIAAS, KEY).method, admin_request(AIAAS, KEY).url) == ("GET", f"{ORGS}/v1/orgs")
    proxy = admin_request(replace(AIAAS, platform="litellm", org_url=""), KEY)
    assert proxy.url.startswith(f"{ROUTER}/user/list")
    assert "hunter2" not in repr(proxy)


def test_keys_that_several_users_share_are_a_warning() -> None:
    shared = judge_keys(KEYS, 4)
    assert shared.warns
    assert "4 users share 3 keys in turn" in shared.found
    assert not judge_keys(StaticKeys((Secret("a"), Secret("b")), "x"), 2).warns
    assert not judge_keys(StaticKeys((), "x"), 2).warns


@pytest.mark.parametrize(
    ("status", "verdict"), [(200, "passed"), (401, "failed"), (403, "failed"), (404, "skipped"), (500, "skipped")]
)
def test_the_first_key_is_judged_and_never_shown(status: int, verdict: str) -> None:
    check = judge_key(said(status, b"sk-hunter2", request=Request(ROUTER, "/v1/models", secret=KEY)), KEYS)
    assert check.verdict == verdict
    assert "hunter2" not in str(check)
    if verdict == "failed":
        assert check.advice == "correct the key: the file KEYS"


def test_a_server_that_wants_a_key_and_gets_none() -> None:
    check = judge_key(said(401), StaticKeys((), ""))
    assert (check.verdict, check.advice) == ("failed", "name a key with spec.targets.apiKeys")
    assert judge_key(said(200), StaticKeys((), "")).found == "none is asked for"
    assert judge_key(silent(ErrorKind.DNS), KEYS).verdict == "failed"
