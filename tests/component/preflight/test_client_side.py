from __future__ import annotations

from pathlib import Path

import pytest

from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.preflight.client_side import check_client_side

PROXY = "http://proxy.invalid:3128"


def target(router: str = "http://router.invalid:8080", org: str = "", tokenizer: str = "") -> TargetPlan:
    return TargetPlan("aiaas", router, org, AuthPlan(token_env="X"), 1.0, 1.0, 1.0, tokenizer=tokenizer)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_proxies_and_tokenizer_there_is_nothing_to_see() -> None:
    assert list(check_client_side(target())) == []


@pytest.mark.parametrize(
    ("variable", "router"),
    [
        ("http_proxy", "http://router.invalid:8080"),
        ("HTTP_PROXY", "http://router.invalid"),
        ("https_proxy", "https://router.invalid"),
        ("all_proxy", "https://router.invalid"),
    ],
)
def test_a_proxy_that_applies_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, router: str) -> None:
    monkeypatch.setenv(variable, PROXY)
    (check,) = check_client_side(target(router))
    assert check.verdict == "failed"
    assert check.found.startswith(f"{variable.lower()} is set, and applies to the API router at router.invalid")
    assert check.advice.startswith("add router.invalid to no_proxy")
    assert PROXY not in str(check), "a proxy's address may hold a password"


@pytest.mark.parametrize(
    ("variable", "no_proxy", "router"),
    [
        ("https_proxy", "", "http://router.invalid"),
        ("http_proxy", "router.invalid", "http://router.invalid:8080"),
        ("http_proxy", ".invalid", "http://router.invalid:8080"),
        ("http_proxy", "*", "http://router.invalid"),
        ("http_proxy", "router.invalid:8080", "http://router.invalid:8080"),
        ("http_proxy", "", ""),
    ],
)
def test_one_that_does_not_apply_is_none(
    monkeypatch: pytest.MonkeyPatch, variable: str, no_proxy: str, router: str
) -> None:
    monkeypatch.setenv(variable, PROXY)
    monkeypatch.setenv("no_proxy", no_proxy)
    assert list(check_client_side(target(router))) == []


def test_both_services_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", PROXY)
    monkeypatch.setenv("no_proxy", "router.invalid")
    (check,) = check_client_side(target(org="http://org.invalid"))
    assert "user/org service at org.invalid" in check.found


def test_a_tokenizer_that_cannot_be_read_fails(tmp_path: Path) -> None:
    (check,) = check_client_side(target(tokenizer=str(tmp_path / "none.json")))
    assert check.verdict == "failed"
    assert "none.json is no tokenizer that can be read" in check.found
