"""Credentials for a preflight that runs before there is a coordinator: read in this process, used, and forgotten."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from raysim.actors.user_keys import UserKeys
from raysim.core.plan.run_plan import RunPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.preflight.check import Check
from raysim.preflight.credentials import Lenders
from raysim.preflight.page import CONNECT_TIMEOUT_S, PAGE_TIMEOUT_S
from raysim.preflight.platform import check_platform
from raysim.tenancy.credentials import AdminCredential
from raysim.tenancy.select import tls_files
from raysim.tenancy.static import StaticKeys
from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget, Timeouts


async def check_here(plan: RunPlan, environ: Mapping[str, str], *, probe: bool) -> list[Check]:
    """Ask the plan's platform everything, with the credentials that this process can read."""
    async with _lenders(plan.target, environ) as lenders:
        return await check_platform(plan, plan.target, lenders, probe=probe)


def lend_token(token: Secret) -> Lenders:
    """Lenders for an embedded platform, whose administrator's token whoever started it knows."""

    async def lend(refused: bool) -> Secret:  # noqa: FBT001 - tenancy.admin_calls.TokenSource
        del refused
        return token

    return Lenders(lend, _no_keys)


def _no_keys() -> StaticKeys:
    raise RuntimeError("only users of a static platform bring keys along")


@asynccontextmanager
async def _lenders(target: TargetPlan, environ: Mapping[str, str]) -> AsyncIterator[Lenders]:
    login = _login_client(target) if target.auth.email else None
    try:
        yield Lenders(AdminCredential(target.auth, environ, login).token, UserKeys(target, environ).read)
    finally:
        if login is not None:
            login.close()


def _login_client(target: TargetPlan) -> HttpClient | None:
    """A client with preflight's patience; None when TLS files cannot be used, which is a check of its own."""
    timeouts = Timeouts(CONNECT_TIMEOUT_S, PAGE_TIMEOUT_S, PAGE_TIMEOUT_S)
    try:
        return HttpClient(HttpTarget.of(target.org_url, tls=tls_files(target), timeouts=timeouts))
    except (OSError, ssl.SSLError):
        return None
