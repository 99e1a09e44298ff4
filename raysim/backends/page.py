"""One metrics page over HTTP, within a second or two, or the reason why not."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from typing import Protocol

from raysim.core.backends.target import BackendTarget
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.secret import Secret
from raysim.wire.client import HttpClient
from raysim.wire.json_call import call_json
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles

#: a page that takes longer than this tells of a moment that is over
PAGE_TIMEOUT_S = 2.0
_HTTP_OK = 200


class PageError(Exception):
    """The page could not be had; says why, on one line."""


class PageSource(Protocol):
    """Where pages come from."""

    async def fetch(self, target: BackendTarget) -> str:
        """The text of the page of `target`, within a few seconds.

        Raises:
            PageError: it could not be had.
        """

    def close(self) -> None:
        """No more pages are needed."""


class WirePages:
    """Pages over the wire client; a connection to each backend is kept.

    Args:
        platform: whose TLS files hold for backends, too.
        environ: where bearer tokens are looked for.
    """

    def __init__(self, platform: TargetPlan, environ: Mapping[str, str] = os.environ) -> None:
        self._tls = TlsFiles(platform.tls_verify, platform.tls_ca_file, platform.tls_cert_file, platform.tls_key_file)
        self._environ = environ
        self._clients: dict[BackendTarget, HttpClient] = {}
        self._context: ssl.SSLContext | None = None

    async def fetch(self, target: BackendTarget) -> str:
        """The text of the page of `target`."""
        try:
            client = self._client(target)
            # a server that takes a connection and then trickles must not hold us either
            async with asyncio.timeout(PAGE_TIMEOUT_S + 1.0):
                answer = await call_json(client, "GET", "", headers={"Accept": "text/plain"} | self._credential(target))
        except TimeoutError:
            self._forget(target)
            raise PageError(f"no page within {PAGE_TIMEOUT_S:g} s") from None
        except (OSError, ssl.SSLError) as error:
            raise PageError(f"TLS files cannot be used: {error}") from error
        except ValueError:
            # its text may quote the credential
            raise PageError("the token holds what cannot stand in a header") from None
        if answer.error is not ErrorKind.NONE:
            self._forget(target)
            raise PageError(answer.text())
        if answer.status != _HTTP_OK:
            raise PageError(f"HTTP {answer.text()}")
        return answer.body.decode("utf-8", "replace")

    def _client(self, target: BackendTarget) -> HttpClient:
        client = self._clients.get(target)
        if client is None:
            timeouts = Timeouts(PAGE_TIMEOUT_S / 2, PAGE_TIMEOUT_S, PAGE_TIMEOUT_S)
            http = HttpTarget.of(target.metrics_url, tls=self._tls, timeouts=timeouts)
            if http.tls is not None and self._context is None:
                self._context = self._tls.context()
            client = HttpClient(http, context=self._context if http.tls is not None else None)
            self._clients[target] = client
        return client

    def _credential(self, target: BackendTarget) -> dict[str, str]:
        if not target.token_env:
            return {}
        token = self._environ.get(target.token_env, "").strip()
        if not token:
            raise PageError(f"environment variable {target.token_env} is not set")
        return {"Authorization": f"Bearer {Secret(token).reveal()}"}

    def _forget(self, target: BackendTarget) -> None:
        client = self._clients.pop(target, None)
        if client is not None:
            client.close()

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
