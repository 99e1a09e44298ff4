"""Which implementation serves which platform."""

from __future__ import annotations

from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.tenancy.admin_calls import TokenSource
from raysim.tenancy.aiaas import AiaasPlatform
from raysim.tenancy.litellm import LitellmPlatform
from raysim.tenancy.port import TenantPlatform
from raysim.tenancy.static import KeySource, StaticPlatform
from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles

#: creating a user makes the platform hash twice; give such calls more time than a question
_CALL_TIMEOUT_S = 30.0
#: a call of the bootstrap that is not answered is tried again while there is time for that
_CALLS_IN_TIMEOUT = 10
_SHORTEST_CALL_S = 1.0


async def no_key() -> Secret:
    """What keepers of a static platform say for a user's key: they are not asked for one."""
    return Secret("")


def open_platform(
    target: TargetPlan,
    token: TokenSource,
    key: KeySource = no_key,
    *,
    mark: str = "",
    call_timeout_s: float = _CALL_TIMEOUT_S,
) -> TenantPlatform:
    """The platform's tenancy calls, over a connection of their own where there are calls at all.

    Args:
        target: the platform.
        token: gives the administrator's token, where the platform has one.
        key: gives the key of the user to be set up, where keys are brought along.
        mark: the run's, put on what is made, and on what may be taken over; "" takes over nothing.
        call_timeout_s: seconds until a call counts as not answered.
    """
    if target.platform == "static":
        return StaticPlatform(key)
    client = control_client(target, call_timeout_s)
    if target.platform == "litellm":
        return LitellmPlatform(client, token, mark=mark)
    return AiaasPlatform(client, token, mark=mark, has_budget_call=target.platform == "embedded")


def bootstrap_call_timeout_s(timeout_s: float) -> float:
    """How long one call may take when all of a user's setting up may take `timeout_s`."""
    return min(_CALL_TIMEOUT_S, max(_SHORTEST_CALL_S, timeout_s / _CALLS_IN_TIMEOUT))


def control_client(target: TargetPlan, call_timeout_s: float = _CALL_TIMEOUT_S) -> HttpClient:
    """A client for the service that makes tenants."""
    timeouts = Timeouts(min(target.connect_timeout_s, call_timeout_s), call_timeout_s, call_timeout_s)
    url = target.org_url or target.router_url
    return HttpClient(HttpTarget.of(url, tls=tls_files(target), timeouts=timeouts))


def tls_files(target: TargetPlan) -> TlsFiles:
    """The files that the target's TLS settings name."""
    return TlsFiles(target.tls_verify, target.tls_ca_file, target.tls_cert_file, target.tls_key_file)
