"""Does an OpenAI-compatible server answer, and take the key?

Uses the wire client: the coordinator asks, and whoever holds its handle imports what it imports.
"""

from __future__ import annotations

import ssl

from raysim.core.plan.target_plan import TargetPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.secret import Secret
from raysim.preflight.check import Check
from raysim.wire.client import HttpClient
from raysim.wire.json_call import call_json
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles

_TIMEOUT_S = 5.0
_UNAUTHORIZED = 401
_SERVER_ERROR = 500
_PATH = "/v1/models"


async def check_router(target: TargetPlan, key: Secret, source: str) -> Check:
    """Whether the server answers, and takes the key (which `source` names) or asks for none.

    Not all of them list their models: any answer below 500 but 401 shows that the server is there.
    """
    tls = TlsFiles(target.tls_verify, target.tls_ca_file, target.tls_cert_file, target.tls_key_file)
    timeouts = Timeouts(_TIMEOUT_S, _TIMEOUT_S, _TIMEOUT_S)
    try:
        client = HttpClient(HttpTarget.of(target.router_url, tls=tls, timeouts=timeouts))
    except (OSError, ssl.SSLError) as error:
        return Check("TLS files", "failed", str(error), "correct spec.targets.tls")
    headers = {"Authorization": f"Bearer {key.reveal()}"} if key.reveal() else {}
    try:
        answer = await call_json(client, "GET", _PATH, headers=headers)
    finally:
        client.close()
    url = target.router_url.rstrip("/") + _PATH
    if answer.error is not ErrorKind.NONE:
        advice = "is it running, and is the address right?"
        return Check("server", "failed", f"{url}: {answer.error}: {answer.detail}", advice)
    # what a server says may quote the key: its status is enough
    found = f"{url} answered {answer.status}"
    if answer.status == _UNAUTHORIZED:
        advice = f"correct the key: {source}" if headers else "name a key with spec.targets.apiKeys"
        return Check("server", "failed", f"{found}, it does not take the key" if headers else found, advice)
    if answer.status >= _SERVER_ERROR:
        return Check("server", "failed", found, "wait until the server is ready")
    return Check("server", "passed", found)
