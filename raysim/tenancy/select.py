"""Which implementation serves which platform."""

from __future__ import annotations

from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.tenancy.aiaas import AiaasPlatform, TokenSource
from raysim.tenancy.port import TenantPlatform
from raysim.tenancy.static import KeySource, StaticPlatform
from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles

#: creating a user makes the platform hash twice; give such calls more time than a question
_CALL_TIMEOUT_S = 30.0


async def no_key() -> Secret:
    """What keepers of a static platform say for a user's key: they are not asked for one."""
    return Secret("")


def open_platform(target: TargetPlan, token: TokenSource, key: KeySource = no_key) -> TenantPlatform:
    """The platform's tenancy calls, over a connection of their own where there are calls at all.

    Args:
        target: the platform.
        token: gives the administrator's token, where the platform has one.
        key: gives the key of the user to be set up, where keys are brought along.
    """
    if target.platform == "static":
        return StaticPlatform(key)
    return AiaasPlatform(control_client(target), token, has_budget_call=target.platform == "embedded")


def control_client(target: TargetPlan) -> HttpClient:
    """A client for the service that makes tenants."""
    timeouts = Timeouts(target.connect_timeout_s, _CALL_TIMEOUT_S, _CALL_TIMEOUT_S)
    return HttpClient(HttpTarget.of(target.org_url, tls=tls_files(target), timeouts=timeouts))


def tls_files(target: TargetPlan) -> TlsFiles:
    """The files that the target's TLS settings name."""
    return TlsFiles(target.tls_verify, target.tls_ca_file, target.tls_cert_file, target.tls_key_file)
