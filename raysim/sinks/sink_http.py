"""Calls to the server behind a sink: one connection each, no proxy, with what the server is to be shown."""

from __future__ import annotations

import os
from collections.abc import Mapping

import httpx

from raysim.core.plan.metrics_plan import AccessPlan
from raysim.sinks.metrics_sink import SinkError
from raysim.wire.server_access import AccessError, ServerAccess

#: sending that takes longer than this has failed; one that is under way keeps later ones back
TIMEOUT_S = 5.0
_LONGEST_QUOTE = 200


class SinkHttp:
    """Calls one server.

    Args:
        url: its address, for messages.
        access: how it is entered.
        client: for tests.
        environ: where credentials are looked for.
        timeout_s: longest wait for an answer; TIMEOUT_S by default.
    """

    def __init__(
        self,
        url: str,
        access: AccessPlan,
        client: httpx.Client | None = None,
        environ: Mapping[str, str] = os.environ,
        timeout_s: float | None = None,
    ) -> None:
        self._url = url
        self._access = ServerAccess(access, environ)
        self._client = client
        self._timeout_s = timeout_s or TIMEOUT_S

    def call(
        self, method: str, url: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The answer, whatever its status.

        Raises:
            SinkError: there is none.
        """
        try:
            if self._client is None:
                self._client = self._open()
            secret = self._access.headers()
            return self._client.request(method, url, content=content, headers={**(headers or {}), **secret})
        except AccessError as error:
            raise SinkError(str(error)) from error
        except httpx.TimeoutException as error:
            raise SinkError(f"{self._url} did not answer within {self._timeout_s:g} s") from error
        except httpx.HTTPError as error:
            raise SinkError(
                f"{self._url} cannot be reached: {self.quoted(str(error)) or type(error).__name__}"
            ) from error

    def quoted(self, text: str) -> str:
        """What a server said, on one line, shortened, without what it was shown."""
        return " ".join(self._access.hidden(text).split())[:_LONGEST_QUOTE]

    def _open(self) -> httpx.Client:
        # a proxy for the world outside has no business between a load generator and its gateway, and calls are too far
        # apart for a connection to be of use to the next one
        limits = httpx.Limits(max_keepalive_connections=0)
        secure = self._url.startswith("https:")
        verify = self._access.context() if secure else False
        return httpx.Client(timeout=self._timeout_s, trust_env=False, limits=limits, verify=verify)
