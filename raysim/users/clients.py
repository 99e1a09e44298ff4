"""Connections to the platform: all to one server share a TLS context, all of a pack share one loan of the token."""

from __future__ import annotations

from raysim.core.plan.run_plan import PackBrief
from raysim.users.loan import TokenLoan
from raysim.users.ports import CoordinatorPort
from raysim.users.sender import OrgAccess
from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles


def router_of(brief: PackBrief) -> HttpTarget:
    """Where a brief's users send their questions."""
    return _target(brief, brief.target.router_url)


def _target(brief: PackBrief, url: str) -> HttpTarget:
    target = brief.target
    tls = TlsFiles(target.tls_verify, target.tls_ca_file, target.tls_cert_file, target.tls_key_file)
    timeouts = Timeouts(target.connect_timeout_s, target.first_token_timeout_s, target.total_timeout_s)
    return HttpTarget.of(url, tls=tls, timeouts=timeouts, keep_alive=target.keep_alive)


class Clients:
    """Makes connections to one server.

    Args:
        target: the server.
    """

    def __init__(self, target: HttpTarget) -> None:
        self._target = target
        self._context = target.tls.context() if target.tls else None

    def new(self) -> HttpClient:
        """A connection, not opened yet."""
        return HttpClient(self._target, context=self._context)


class OrgService:
    """Gives users access to the organisation service.

    Args:
        brief: has its address.
        coordinator: lends the token.
    """

    def __init__(self, brief: PackBrief, coordinator: CoordinatorPort) -> None:
        self._clients = Clients(_target(brief, brief.target.org_url))
        self._loan = TokenLoan(coordinator.admin_token)

    def access(self) -> OrgAccess:
        """One user's way to it."""
        return OrgAccess(self._clients.new(), self._loan)
