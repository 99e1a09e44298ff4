"""Does the platform answer, and does it call itself ready?"""

from __future__ import annotations

import ssl

import httpx

from raysim.core.plan.target_plan import TargetPlan
from raysim.preflight.check import Check
from raysim.wire.target import TlsFiles

_TIMEOUT_S = 5.0
_HTTP_ERROR = 400


def check_platform(target: TargetPlan) -> list[Check]:
    """Health and readiness of the user/org service and of the router, where the platform has such pages.

    A static one need not have any; `check_router` says whether it answers.
    """
    if target.platform == "static":
        return []
    try:
        tls = TlsFiles(target.tls_verify, target.tls_ca_file, target.tls_cert_file, target.tls_key_file)
        context: ssl.SSLContext | bool = tls.context() if "https:" in target.router_url + target.org_url else True
    except (OSError, ssl.SSLError) as error:
        return [Check("TLS files", "failed", str(error), "correct spec.targets.tls")]
    with httpx.Client(timeout=_TIMEOUT_S, verify=context, trust_env=False) as client:
        return [
            _probe(client, "user/org service", target.org_url, "/healthz"),
            _probe(client, "user/org service, ready", target.org_url, "/readyz"),
            _probe(client, "API router", target.router_url, "/v1/status/healthz"),
            _probe(client, "API router, ready", target.router_url, "/v1/status/readyz"),
        ]


def _probe(client: httpx.Client, name: str, base: str, path: str) -> Check:
    url = base.rstrip("/") + path
    try:
        response = client.get(url)
    except httpx.HTTPError as error:
        return Check(
            name, "failed", f"{url}: {error or type(error).__name__}", "is it running, and is the address right?"
        )
    found = f"{url} answered {response.status_code}"
    if response.status_code < _HTTP_ERROR:
        return Check(name, "passed", found)
    return Check(name, "failed", f"{found}: {response.text[:120].strip()}", "wait until the service says it is ready")
