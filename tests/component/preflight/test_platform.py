"""All checks of a platform together: over a fake, over the simulated platform, over servers that misbehave."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

import httpx
import pytest
import trustme

from raysim.actors.lenders import check_here, lend_token
from raysim.core.errors import PreflightError, RaysimError
from raysim.core.plan.metrics_plan import AccessPlan, MetricsPlan
from raysim.core.plan.run_plan import RunPlan
from raysim.core.plan.target_plan import AuthPlan, PlatformKind, TargetPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.secret import Secret
from raysim.preflight.check import Check, insist
from raysim.preflight.credentials import Lenders
from raysim.preflight.page import Request, WireCaller, check_tls
from raysim.preflight.platform import PlatformChecks, check_platform
from raysim.simplatform.config import Faults
from raysim.simplatform.server import start_platform
from raysim.tenancy.static import StaticKeys
from tests.component.preflight.said import ORGS, ROUTER, FakePlatform, plan_of
from tests.component.simplatform.tenant import fast_config
from tests.component.wire.conftest import Serve, serve
from tests.component.wire.scripted_server import Peer, Script, answer, whole

__all__ = ["serve"]

TOKEN = Secret("sk-hunter2")
ENVIRON = {"GATE": "for-hunter2"}
CHAT = "/v1/chat/completions"
MODELS = {"data": [{"id": "gpt-4o"}]}
WELL: dict[str, Any] = {
    **dict.fromkeys(("/healthz", "/readyz", "/v1/status/healthz", "/v1/status/readyz"), (200, {"status": "ok"})),
    "/v1/orgs": (200, []),
    "/v1/models": (200, MODELS),
}


def planned(platform: PlatformKind, router: str = ROUTER, orgs: str = ORGS, **auth: str) -> RunPlan:
    plan = plan_of(userBehavior={"modelPreferences": [{"model": "gpt-4o"}]}, users={"perOrg": {"min": 1, "max": 1}})
    target = TargetPlan(platform, router, orgs, AuthPlan(**(auth or {"token_env": "T"})), 1.0, 1.0, 1.0)
    return replace(plan, target=target)


async def checked(
    plan: RunPlan, answers: dict[str, Any], lenders: Lenders | None = None, *, probe: bool = True
) -> tuple[dict[str, Check], FakePlatform]:
    fake = FakePlatform(answers)
    lent = lenders or lend_token(TOKEN)
    checks = await PlatformChecks(plan, plan.target, lent, fake, lambda *_: fake, ENVIRON).all(probe=probe)
    assert len({check.name for check in checks}) == len(checks)
    assert "hunter2" not in str([str(check) for check in checks])
    return {check.name: check for check in checks}, fake


def verdicts(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.verdict for name, check in checks.items()}


async def test_a_platform_with_tenants_that_is_well() -> None:
    checks, fake = await checked(planned("aiaas"), WELL)
    assert verdicts(checks) == {
        "user/org service": "passed", "user/org service, ready": "passed", "API router": "passed",
        "API router, ready": "passed", "platform's clock": "skipped", "administrator": "passed", "models": "passed",
        "prices": "passed", "request to each model": "skipped",
    }  # fmt: skip
    # nothing was created, and only the call that needs the token carried it
    assert {request.method for request in fake.asked} == {"GET"}
    assert [request.path for request in fake.asked if request.secret != Secret("")] == ["/v1/orgs"]


async def test_a_service_that_is_gone_fails_once() -> None:
    gone = {**WELL, "/healthz": ErrorKind.DNS, "/readyz": ErrorKind.DNS, "/v1/orgs": ErrorKind.DNS}
    checks, _ = await checked(planned("aiaas"), gone)
    assert verdicts(checks)["user/org service"] == "failed"
    assert checks["user/org service, ready"].found == f"nothing answers at {ORGS}"
    assert checks["administrator"] == Check("administrator", "skipped", f"nothing answers at {ORGS}")
    assert verdicts(checks)["models"] == "passed"


@pytest.mark.parametrize(
    ("answer", "verdict", "found"),
    [
        ((200, b"OK"), "passed", "http://gateway:9091/-/ready answered 200"),
        ((503, b"starting"), "failed", "http://gateway:9091/-/ready answered 503: starting"),
        (ErrorKind.CONNECTION_REFUSED, "failed", "http://gateway:9091/-/ready: connection_refused: details"),
    ],
)
async def test_the_pushgateway_has_to_be_ready(answer: Any, verdict: str, found: str) -> None:
    plan = replace(planned("aiaas"), metrics=MetricsPlan(pushgateway_url="http://gateway:9091"))
    checks, _ = await checked(plan, {**WELL, "/-/ready": answer})
    assert (checks["Pushgateway"].verdict, checks["Pushgateway"].found) == (verdict, found)
    # its clock is nobody's business
    assert verdicts(checks)["platform's clock"] == "skipped"
    assert "Pushgateway" not in (await checked(planned("aiaas"), WELL))[0]


@pytest.mark.parametrize(
    ("access", "answer", "found"),
    [
        (AccessPlan("gate", token_env="GATE"), (200, b"OK"), "http://gateway:9091/-/ready answered 200"),
        (AccessPlan("gate", token_env="GATE"), (500, b"why for-hunter2?"), "/-/ready answered 500: why ***?"),
        (AccessPlan("gate", token_env="GATE"), 401, "/-/ready answered 401: the credential is not taken"),
        (AccessPlan(), 401, "/-/ready answered 401: it wants a credential"),
        (AccessPlan("gate", token_env="GONE"), 200, "gate.tokenEnv: the environment variable GONE is not set"),
        (AccessPlan("gate", token_file="/nowhere"), 200, "gate.tokenFile: /nowhere cannot be read: No such file"),
    ],
)  # fmt: skip
async def test_the_pushgateway_is_shown_its_credential(access: AccessPlan, answer: Any, found: str) -> None:
    metrics = MetricsPlan(pushgateway_url="http://gateway:9091", pushgateway_access=access)
    checks, fake = await checked(replace(planned("aiaas"), metrics=metrics), {**WELL, "/-/ready": answer})
    assert found in checks["Pushgateway"].found
    shown = [dict(request.secret_headers) for request in fake.asked if request.path == "/-/ready"]
    assert shown in ([], [{}], [{"Authorization": Secret("Bearer for-hunter2")}])
    # nobody else is shown it
    assert not any(request.secret_headers for request in fake.asked if request.path != "/-/ready")


async def test_a_credential_for_the_collector_that_is_not_there_fails() -> None:
    metrics = MetricsPlan(
        otlp_url="http://collector:4318", otlp_access=AccessPlan("otlp", headers=(("K", "GONE", ""),))
    )
    checks, _ = await checked(replace(planned("aiaas"), metrics=metrics), WELL)
    assert checks["OpenTelemetry collector"].found.startswith("otlp.headers[0].env: the environment variable GONE")


async def test_a_credential_that_is_not_there_fails_with_its_hint() -> None:
    async def nobody(refused: bool) -> Secret:
        raise RaysimError(f"T is not set {refused}", hint="set it")

    checks, fake = await checked(planned("aiaas"), WELL, Lenders(nobody, lend_token(TOKEN).keys))
    assert checks["administrator"] == Check("administrator", "failed", "T is not set False", "set it")
    assert "/v1/orgs" not in [request.path for request in fake.asked]


async def test_the_models_of_a_proxy_are_listed_to_the_administrator() -> None:
    listing = {"/v1/models": (200, MODELS), "/health/liveliness": 200, "/health/readiness": 200}
    checks, fake = await checked(planned("litellm", orgs=""), listing)
    assert verdicts(checks)["models"] == "passed"
    assert next(request for request in fake.asked if request.path == "/v1/models").secret == TOKEN


def with_keys(*keys: str) -> Lenders:
    return Lenders(lend_token(TOKEN).admin_token, lambda: StaticKeys(tuple(map(Secret, keys)), "the file KEYS"))


async def test_a_static_server_is_asked_once_for_each_model() -> None:
    usage = {"usage": {"prompt_tokens": 9, "completion_tokens": 16}}
    checks, fake = await checked(
        planned("static", orgs=""), {"/v1/models": (200, MODELS), CHAT: (200, usage)}, with_keys("sk-hunter2")
    )
    assert verdicts(checks) == {
        "server": "passed", "platform's clock": "skipped", "users' keys": "passed", "first key": "passed",
        "models": "passed", "prices": "passed", "request to gpt-4o": "passed",
    }  # fmt: skip
    assert [request.path for request in fake.asked if request.method == "POST"] == [CHAT]


async def test_no_probe_sends_nothing_that_costs() -> None:
    checks, fake = await checked(
        planned("static", orgs=""), {"/v1/models": (200, MODELS)}, with_keys("sk-hunter2"), probe=False
    )
    assert checks["request to each model"].found == "switched off (--no-probe, preflight.probe)"
    assert {request.method for request in fake.asked} == {"GET"}


async def test_a_model_that_is_not_listed_but_answers_is_a_warning() -> None:
    checks, _ = await checked(
        planned("static", orgs=""), {"/v1/models": (200, {"data": []}), CHAT: (200, {})}, with_keys("sk-hunter2")
    )
    assert checks["models"].warns
    assert "answers to the name" in checks["models"].advice


async def test_keys_that_are_not_there_leave_nothing_to_ask_with() -> None:
    def nothing() -> StaticKeys:
        raise RaysimError("KEYS is not set", hint="set it")

    lenders = Lenders(lend_token(TOKEN).admin_token, nothing)
    checks, fake = await checked(planned("static", orgs=""), {}, lenders)
    assert checks["users' keys"] == Check("users' keys", "failed", "KEYS is not set", "set it")
    assert {name for name, verdict in verdicts(checks).items() if verdict == "failed"} == {"users' keys"}
    assert [request.path for request in fake.asked] == ["/health"]


async def test_the_simulated_platform_passes_and_nothing_was_created_there() -> None:
    platform = await start_platform(fast_config(), "127.0.0.1", admin_token="sk-hunter2")
    plan = planned("aiaas", platform.url, platform.url, token_env="THE_TOKEN")
    right = await check_here(plan, {"THE_TOKEN": "sk-hunter2"}, probe=True)
    wrong = await check_here(plan, {"THE_TOKEN": "sk-hunter3"}, probe=True)
    absent = await check_here(plan, {}, probe=True)
    async with httpx.AsyncClient() as client:
        books = (await client.get(f"{platform.url}/sim/ledger")).json()["total"]
    await platform.close()
    insist(right)
    with pytest.raises(PreflightError, match=r"administrator: .*answered 401: the token is not taken .*THE_TOKEN"):
        insist(wrong)
    with pytest.raises(PreflightError, match=r"administrator: .*THE_TOKEN is not set"):
        insist(absent)
    assert (books["orgs"]["created"], books["requests"]["total"]) == (0, 0)


async def test_a_router_that_is_not_ready_names_its_components() -> None:
    platform = await start_platform(fast_config(faults=Faults(unready=True)), "127.0.0.1")
    checks = {
        check.name: check for check in await check_here(planned("aiaas", platform.url, platform.url), {}, probe=True)
    }
    await platform.close()
    assert checks["API router"].verdict == "passed"
    assert checks["API router, ready"].verdict == "failed"
    assert "not well: redis: unavailable" in checks["API router, ready"].found


async def login_checks(password: str) -> list[Check]:
    config = fast_config(admin={"email": "root@x.test", "password": "hunter2"})
    platform = await start_platform(config, "127.0.0.1")
    plan = planned("aiaas", platform.url, platform.url, email="root@x.test", password_env="PW")
    checks = await check_here(plan, {"PW": password}, probe=True)
    await platform.close()
    return checks


async def test_a_login_is_tried() -> None:
    insist(await login_checks("hunter2"))


async def test_a_login_that_is_refused_says_so_without_the_password() -> None:
    failed = [check for check in await login_checks("hunter3") if check.verdict == "failed"]
    assert [check.name for check in failed] == ["administrator"]
    assert "logging in as root@x.test failed: 400" in failed[0].found
    assert "hunter" not in str(failed[0])


async def never(peer: Peer) -> None:
    await peer.request()


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (never, ErrorKind.TIMEOUT_TOTAL),
        (answer(b"\x16\x03\x01 what is this?\r\n\r\n"), ErrorKind.PROTOCOL),
        (answer(b"", then="close"), ErrorKind.CONNECTION_RESET),
        (answer(b"", then="reset"), ErrorKind.CONNECTION_RESET),
        (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", then="close"), ErrorKind.STREAM_INTERRUPTED),
        (answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), ErrorKind.PROTOCOL),
    ],
)
async def test_what_misbehaves_is_told_by_its_kind(serve: Serve, script: Script, error: ErrorKind) -> None:
    server = await serve(script)
    url = f"http://127.0.0.1:{server.port}"
    call = WireCaller.of(replace(planned("static").target, router_url=url, org_url=""))
    page = await call(Request(url, "/health", timeout_s=0.1 if script is never else 5.0))
    assert page.answer.error is error
    assert page.failure.startswith(f"{url}/health: {error}: ")
    assert page.advice


async def test_a_certificate_that_nobody_vouches_for_fails_the_check(serve: Serve) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = await serve(answer(whole(b"{}")), context=context)
    plan = planned("static", f"https://127.0.0.1:{server.port}", "")
    checks = {check.name: check for check in await check_here(plan, {}, probe=True)}
    assert checks["server"].verdict == "failed"
    assert "tls: certificate not accepted" in checks["server"].found
    assert "spec.targets.tls" in checks["server"].advice
    assert server.requests == []


async def test_tls_files_that_are_not_there_fail_before_anything_is_sent() -> None:
    target = replace(planned("static").target, router_url="https://x", tls_ca_file="/nonexistent")
    assert [check.name for check in check_tls(target)] == ["TLS files"]
    assert check_tls(target)[0].found == "caFile /nonexistent: No such file or directory"
    plan = replace(planned("static"), target=target)
    checks = await check_platform(plan, target, with_keys(), probe=True)
    assert [(check.name, check.verdict) for check in checks] == [("TLS files", "failed"), ("platform", "skipped")]
    assert check_tls(replace(target, router_url="http://x")) == []


@pytest.mark.parametrize("token", ["two\r\nX-Evil: yes", "schlüssel-\N{SNOWMAN}"])
async def test_a_credential_that_cannot_be_sent_is_not(serve: Serve, token: str) -> None:
    server = await serve(answer(whole(b"[]")))
    url = f"http://127.0.0.1:{server.port}"
    call = WireCaller.of(replace(planned("static").target, router_url=url, org_url=""))
    page = await call(Request(url, "/v1/orgs", secret=Secret(token)))
    assert page.answer.error is ErrorKind.INVALID_RESPONSE
    assert token not in page.failure
    assert server.requests == []
