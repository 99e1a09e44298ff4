from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.reading import examine
from raysim.core.plan.build import plan_target
from raysim.core.plan.target_plan import AuthPlan, PlatformKind, TargetPlan
from raysim.core.records.outcome import ErrorKind
from raysim.preflight.page import Request
from raysim.preflight.services import ServicePage, judge_service, pages_of
from tests.component.preflight.said import ORGS, ROUTER, said, silent
from tests.unit.core.config.documents import document

READY = ServicePage("API router, ready", Request(ROUTER, "/page"))
ANY = ServicePage("server", Request(ROUTER, "/health"), optional=True)


@pytest.mark.parametrize(
    ("platform", "urls"),
    [
        (
            "aiaas",
            [
                f"{ORGS}/healthz",
                f"{ORGS}/readyz",
                f"{ROUTER}/v1/status/healthz",
                f"{ROUTER}/v1/status/readyz",
            ],
        ),
        ("litellm", [f"{ROUTER}/health/liveliness", f"{ROUTER}/health/readiness"]),
        ("static", [f"{ROUTER}/health"]),
    ],
)
def test_each_platform_has_its_pages(platform: PlatformKind, urls: list[str]) -> None:
    target = TargetPlan(platform, f"{ROUTER}/", ORGS, AuthPlan(), 1.0, 1.0, 1.0)
    assert [page.request.url for page in pages_of(target)] == urls


def test_services_that_the_scenario_names_are_asked_besides() -> None:
    targets = {"budgetServiceUrl": "http://budget:8082", "analyticsServiceUrl": "http://analytics:8083/"}
    scenario = examine(document(targets=targets)).scenario
    assert scenario is not None
    pages = pages_of(plan_target(scenario))
    assert [(page.name, page.request.url, page.optional) for page in pages[-2:]] == [
        ("budget service", "http://budget:8082/healthz", True),
        ("analytics service", "http://analytics:8083/healthz", True),
    ]


@pytest.mark.parametrize(
    ("status", "body", "verdict", "found"),
    [
        (200, {"status": "ok"}, "passed", "http://router.test/page answered 200"),
        (200, b"OK", "passed", "answered 200"),
        (204, b"", "passed", "answered 204"),
        (200, {"status": "healthy", "db": "Not connected"}, "passed", "answered 200"),
        (
            503,
            {"status": "degraded", "components": {"redis": "unavailable", "backends": "ok"}},
            "failed",
            "answered 503: not well: redis: unavailable",
        ),
        (503, {"components": {"db": {"status": "down"}, "kafka": {"status": "UP"}}}, "failed", "not well: db: down"),
        (503, {"status": "starting"}, "failed", "not well: starting"),
        (503, b"not ready\n yet\x1b[31m", "failed", "answered 503: not ready yet [31m"),
        (500, b"\xff\xfe", "failed", "answered 500"),
        (404, b"nope", "failed", "answered 404: nope"),
        (401, b"", "failed", "answered 401"),
    ],
)
def test_a_page_is_read_for_what_it_says(status: int, body: Any, verdict: str, found: str) -> None:
    check = judge_service(READY, said(status, body))
    assert (check.verdict, check.warns) == (verdict, False)
    assert found in check.found
    assert "\x1b" not in check.found


def test_a_service_that_is_up_and_unwell_is_a_warning() -> None:
    check = judge_service(READY, said(200, {"status": "degraded", "components": {"redis": "slow"}}))
    assert check.warns
    assert "redis: slow" in check.found


def test_many_components_do_not_flood_the_table() -> None:
    check = judge_service(READY, said(503, {"components": {f"part-{n}": "x" * 500 for n in range(900)}}))
    assert len(check.found) < 700


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "passed"),
        (401, "passed"),
        (403, "passed"),
        (404, "passed"),
        (405, "passed"),
        (500, "failed"),
        (503, "failed"),
    ],
)
def test_not_every_server_has_a_health_page(status: int, verdict: str) -> None:
    assert judge_service(ANY, said(status)).verdict == verdict


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:hunter2@other.test:8443/page?token=hunter2", "a redirect to https://other.test:8443/page"),
        ("/login?next=hunter2", "a redirect to /login"),
        ("", "a redirect"),
    ],
)
@pytest.mark.parametrize("page", [READY, ANY])
def test_redirects_are_not_followed_and_say_where_they_lead(page: ServicePage, location: str, shown: str) -> None:
    check = judge_service(page, said(302, location=location))
    assert check.verdict == "failed"
    assert check.found.endswith(shown)
    assert "hunter2" not in str(check)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ErrorKind.CONNECTION_REFUSED, "is it running, and is the address right?"),
        (ErrorKind.DNS, "is the host name right"),
        (ErrorKind.TLS, "spec.targets.tls"),
        (ErrorKind.TIMEOUT_CONNECT, "firewall"),
        (ErrorKind.TIMEOUT_TOTAL, "does not answer"),
        (ErrorKind.PROTOCOL, "http or https"),
        (ErrorKind.CONNECTION_RESET, "http or https"),
        (ErrorKind.INVALID_RESPONSE, "is it running"),
    ],
)
@pytest.mark.parametrize("page", [READY, ANY])
def test_silence_fails_with_advice_by_its_kind(page: ServicePage, error: ErrorKind, advice: str) -> None:
    check = judge_service(page, silent(error))
    assert check.verdict == "failed"
    assert check.found == f"{ROUTER}/page: {error}: details"
    assert advice in check.advice
