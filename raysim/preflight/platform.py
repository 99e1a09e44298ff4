"""Does the platform answer, and does it call itself ready?"""

from __future__ import annotations

import ssl

import httpx

from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.preflight.check import Check
from raysim.wire.target import TlsFiles

_TIMEOUT_S = 5.0
_HTTP_ERROR = 400
_SERVER_ERROR = 500
_UNAUTHORIZED = 401


def check_platform(target: TargetPlan) -> list[Check]:
    """Health and readiness of the user/org service and of the router, where the platform has such pages.

    Of a static platform `check_router` says whether it answers; it needs a key.
    """
    if target.platform == "static":
        return []
    try:
        context = _context(target)
    except (OSError, ssl.SSLError) as error:
        return [_bad_files(error)]
    with httpx.Client(timeout=_TIMEOUT_S, verify=context, trust_env=False) as client:
        return [
            _probe(client, "user/org service", target.org_url, "/healthz"),
            _probe(client, "user/org service, ready", target.org_url, "/readyz"),
            _probe(client, "API router", target.router_url, "/v1/status/healthz"),
            _probe(client, "API router, ready", target.router_url, "/v1/status/readyz"),
        ]


def check_router(target: TargetPlan, key: Secret, source: str) -> Check:
    """Whether an OpenAI-compatible server answers, and takes the key (which `source` names) or asks for none.

    Not all of them list their models: any answer below 500 but 401 shows that the server is there.
    """
    try:
        context = _context(target)
    except (OSError, ssl.SSLError) as error:
        return _bad_files(error)
    url = target.router_url.rstrip("/") + "/v1/models"
    headers = {"Authorization": f"Bearer {key.reveal()}"} if key.reveal() else {}
    try:
        response = httpx.get(url, headers=headers, timeout=_TIMEOUT_S, verify=context, trust_env=False)
    except httpx.HTTPError as error:
        return _unreachable("server", url, error)
    found = f"{url} answered {response.status_code}"
    if response.status_code == _UNAUTHORIZED:
        advice = f"correct the key: {source}" if headers else "name a key with spec.targets.apiKeys"
        return Check("server", "failed", f"{found}, it does not take the key" if headers else found, advice)
    if response.status_code >= _SERVER_ERROR:
        return Check("server", "failed", found, "wait until the server is ready")
    return Check("server", "passed", found)


def _context(target: TargetPlan) -> ssl.SSLContext | bool:
    tls = TlsFiles(target.tls_verify, target.tls_ca_file, target.tls_cert_file, target.tls_key_file)
    return tls.context() if "https:" in target.router_url + target.org_url else True


def _bad_files(error: OSError) -> Check:
    return Check("TLS files", "failed", str(error), "correct spec.targets.tls")


def _unreachable(name: str, url: str, error: httpx.HTTPError) -> Check:
    return Check(name, "failed", f"{url}: {error or type(error).__name__}", "is it running, and is the address right?")


def _probe(client: httpx.Client, name: str, base: str, path: str) -> Check:
    url = base.rstrip("/") + path
    try:
        response = client.get(url)
    except httpx.HTTPError as error:
        return _unreachable(name, url, error)
    found = f"{url} answered {response.status_code}"
    if response.status_code < _HTTP_ERROR:
        return Check(name, "passed", found)
    return Check(name, "failed", f"{found}: {response.text[:120].strip()}", "wait until the service says it is ready")
