"""Can metrics be sent where they are to go? Is the Pushgateway ready, and are the credentials there?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from raysim.core.plan.metrics_plan import AccessPlan, MetricsPlan
from raysim.core.secret import Secret
from raysim.preflight.check import Check
from raysim.preflight.page import Caller, Page, Request
from raysim.preflight.services import ServicePage, judge_service
from raysim.wire.server_access import AccessError, ServerAccess

_GATEWAY = "Pushgateway"
_COLLECTOR = "OpenTelemetry collector"
_REFUSED = (401, 403)

#: makes a caller for the Pushgateway; raises AccessError
Opened = Callable[[MetricsPlan, Mapping[str, str]], Caller]


async def check_gateways(plan: MetricsPlan, environ: Mapping[str, str], opened: Opened) -> list[Check]:
    """What stands in the way of metrics; nothing where none are sent away.

    A collector of OpenTelemetry has no page to ask: of it the credential and the certificates are looked for.

    Args:
        plan: where metrics go.
        environ: where credentials are looked for.
        opened: makes the caller.
    """
    checks = [await _gateway(plan, environ, opened)] if plan.pushgateway_url else []
    if plan.otlp_url:
        checks += _collector(plan.otlp_access, environ, secure=plan.otlp_url.startswith("https:"))
    return checks


async def _gateway(plan: MetricsPlan, environ: Mapping[str, str], opened: Opened) -> Check:
    access = ServerAccess(plan.pushgateway_access, environ)
    try:
        shown = tuple((name, Secret(value)) for name, value in access.headers().items())
        call = opened(plan, environ)
    except AccessError as error:
        return Check(_GATEWAY, "failed", error.message, error.hint or "")
    page = await call(Request(plan.pushgateway_url, "/-/ready", secret_headers=shown))
    check = _judge(page, given=bool(shown))
    return replace(check, found=access.hidden(check.found))


def _judge(page: Page, *, given: bool) -> Check:
    if page.status in _REFUSED:
        found = f"{page.request.url} answered {page.status}: "
        if given:
            found += "the credential is not taken"
            return Check(_GATEWAY, "failed", found, "correct what spec.metrics.pushgatewayAuth refers to")
        return Check(_GATEWAY, "failed", f"{found}it wants a credential", "name it with spec.metrics.pushgatewayAuth")
    check = judge_service(ServicePage(_GATEWAY, page.request), page)
    return replace(check, advice=check.advice.replace("spec.targets.tls", "spec.metrics.tls"))


def _collector(plan: AccessPlan, environ: Mapping[str, str], *, secure: bool) -> list[Check]:
    access = ServerAccess(plan, environ)
    try:
        access.headers()
        if secure:
            access.context()
    except AccessError as error:
        return [Check(_COLLECTOR, "failed", error.message, error.hint or "")]
    return []
