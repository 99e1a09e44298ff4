"""The platform as something to start: in a process of its own, or inside another event loop."""

from __future__ import annotations

import secrets
import ssl
from typing import TYPE_CHECKING

from raysim.core.errors import ConfigError, Problem
from raysim.simplatform.admin_access import AdminAccess
from raysim.simplatform.connection import HttpServer
from raysim.simplatform.fault_windows import FaultWindows
from raysim.simplatform.litellm import LitellmAdmin
from raysim.simplatform.openai_request import Endpoint
from raysim.simplatform.operations import Operations
from raysim.simplatform.org_service import OrgService
from raysim.simplatform.router import Router
from raysim.simplatform.state import PlatformState

if TYPE_CHECKING:
    from raysim.simplatform.config import PlatformConfig, TlsConfig
    from raysim.simplatform.http import Exchange, Request

#: from this size on the router refuses a body
_ROUTER_BODY_LIMIT = 65_536
_CONTROL_BODY_LIMIT = 1_048_576
_INFERENCE = {endpoint.value: endpoint for endpoint in Endpoint}


class PlatformApplication:
    """Sends each request to the part of the platform that answers it."""

    def __init__(self, state: PlatformState, access: AdminAccess) -> None:
        self._router = Router(state)
        self._operations = Operations(state)
        self._org_service = OrgService(state, access)
        self._litellm = LitellmAdmin(state, access) if state.config.mode == "litellm" else None

    def body_limit(self, path: str) -> int:
        """Bytes from which on a body to `path` is too large."""
        return _ROUTER_BODY_LIMIT if path in _INFERENCE else _CONTROL_BODY_LIMIT

    def handle(self, request: Request, exchange: Exchange) -> None:
        """Answer through `exchange`, now or later."""
        endpoint = _INFERENCE.get(request.path)
        if endpoint is not None:
            self._router.infer(endpoint, request, exchange)
        else:
            exchange.reply(
                (self._litellm.answer(request) if self._litellm is not None else None)
                or self._operations.answer(request)
                or self._org_service.answer(request)
            )


class RunningPlatform:
    """A platform that listens. Close it when it is no longer needed."""

    def __init__(self, server: HttpServer, state: PlatformState, url: str, admin_token: str) -> None:
        self._server = server
        self._state = state
        self._windows = FaultWindows(state)
        self.url = url
        #: the administrator's bearer token. A credential, if only a simulator's: do not log it
        self.admin_token = admin_token

    def begin_fault_windows(self, elapsed_s: float = 0.0) -> None:
        """The clock of `faultWindows` starts; its second 0 was `elapsed_s` seconds ago."""
        self._windows.begin(elapsed_s)

    async def close(self) -> None:
        """Stop listening, end every connection, forget everything."""
        self._windows.cancel()
        await self._server.close()
        self._state.close()


async def start_platform(
    config: PlatformConfig, host: str, port: int = 0, admin_token: str | None = None
) -> RunningPlatform:
    """Serve `config` on the running event loop.

    Args:
        config: what the platform is like.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        admin_token: a bearer token for the administrator that never expires; None makes one up.

    Raises:
        ConfigError: the TLS files cannot be used.
        OSError: the address cannot be had.
    """
    token = admin_token or f"sim-admin-{secrets.token_urlsafe(24)}"
    context = None if config.tls is None else _tls_context(config.tls)
    state = PlatformState(config)
    server = HttpServer(PlatformApplication(state, AdminAccess(config.admin, token)))
    actual = await server.listen(host, port, context)
    shown = f"[{host}]" if ":" in host else host
    return RunningPlatform(server, state, f"{'https' if context else 'http'}://{shown}:{actual}", token)


def _tls_context(config: TlsConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.cert_file, config.key_file)
    except (OSError, ssl.SSLError) as error:
        problem = Problem("tls", f"certFile {config.cert_file} with keyFile {config.key_file}: {error}")
        raise ConfigError([problem]) from error
    return context
