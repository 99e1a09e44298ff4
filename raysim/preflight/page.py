"""One call to the platform, with what judging its answer takes. The only module here that opens connections."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from raysim.core.plan.metrics_plan import MetricsPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.secret import Secret
from raysim.preflight.check import Check
from raysim.wire.client import HttpClient
from raysim.wire.json_call import JsonAnswer, call_json
from raysim.wire.server_access import ServerAccess
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles

#: a service that needs longer than this to accept a connection is down for our purposes
CONNECT_TIMEOUT_S = 3.0
#: longest wait for a page
PAGE_TIMEOUT_S = 5.0

#: what tells preflight's calls from a run's in a platform's logs
REQUEST_ID = "raysim-preflight"

#: what to do about an answer that never came, by how it failed
UNREACHABLE_ADVICE: Mapping[ErrorKind, str] = {
    ErrorKind.DNS: "is the host name right, and known where the coordinator runs?",
    ErrorKind.TLS: "correct spec.targets.tls: caFile names a private authority, certFile proves who we are",
    ErrorKind.TIMEOUT_CONNECT: "does a firewall drop what is sent there, and are port and http or https right?",
    ErrorKind.TIMEOUT_TOTAL: "it takes connections and does not answer: is it overloaded, and is this its port?",
    ErrorKind.PROTOCOL: "is this its port, and is it http or https?",
    ErrorKind.CONNECTION_RESET: "is it http or https, and does a proxy stand in between?",
    ErrorKind.STREAM_INTERRUPTED: "is it http or https, and does a proxy stand in between?",
}
_NOT_SENT = "nothing was sent: the credential holds what cannot stand in a header"
_ELSE = "is it running, and is the address right?"


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. `secret` is sent as a bearer token and shown nowhere; an empty one is not sent.

    `secret_headers` are names and values of other headers, as little shown.
    """

    base: str
    path: str
    method: str = "GET"
    body: Any = None
    secret: Secret = field(default=Secret(""))
    timeout_s: float = PAGE_TIMEOUT_S
    secret_headers: tuple[tuple[str, Secret], ...] = ()

    @property
    def url(self) -> str:
        """The whole address, for messages."""
        return self.base.rstrip("/") + self.path


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, or why there is none. `before_s` and `after_s` are unix seconds around the exchange."""

    request: Request
    answer: JsonAnswer
    before_s: float
    after_s: float

    @property
    def reached(self) -> bool:
        """Something that speaks HTTP answered."""
        return self.answer.error is ErrorKind.NONE

    @property
    def status(self) -> int:
        """The HTTP status; 0 when nothing answered."""
        return self.answer.status if self.reached else 0

    @property
    def failure(self) -> str:
        """How the call failed, for a message."""
        return f"{self.request.url}: {self.answer.error}: {self.answer.detail}"

    @property
    def advice(self) -> str:
        """What to do when nothing answered."""
        return UNREACHABLE_ADVICE.get(self.answer.error, _ELSE)


class Caller(Protocol):
    """Makes one call. Never raises but when cancelled: what went wrong is in the page."""

    async def __call__(self, request: Request) -> Page:
        """The answer to `request`."""


def check_tls(target: TargetPlan) -> list[Check]:
    """A failed check when the files of `spec.targets.tls` cannot be used here; nothing otherwise."""
    try:
        WireCaller.of(target)
    except (OSError, ssl.SSLError) as error:
        files = (("caFile", target.tls_ca_file), ("certFile", target.tls_cert_file), ("keyFile", target.tls_key_file))
        named = ", ".join(f"{key} {path}" for key, path in files if path) or "the system's certificates"
        return [Check("TLS files", "failed", f"{named}: {error.strerror or error}", "correct spec.targets.tls")]
    return []


class WireCaller:
    """Calls over the wire client, each over a connection of its own.

    Args:
        tls: how servers are verified.
        context: made from `tls` once, since reading the system's certificates takes a while; None without https.
    """

    def __init__(self, tls: TlsFiles, context: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._context = context

    @classmethod
    def of(cls, target: TargetPlan) -> Self:
        """A caller for the services of `target`.

        Raises:
            OSError, ssl.SSLError: a file of `spec.targets.tls` cannot be used.
        """
        tls = TlsFiles(target.tls_verify, target.tls_ca_file, target.tls_cert_file, target.tls_key_file)
        return cls(tls, tls.context() if _secure(target.router_url, target.org_url) else None)

    @classmethod
    def of_gateway(cls, plan: MetricsPlan, environ: Mapping[str, str]) -> Self:
        """A caller for the Pushgateway of `plan`.

        Raises:
            AccessError: a file of `spec.metrics.tls` cannot be used.
        """
        access = ServerAccess(plan.pushgateway_access, environ)
        return cls(access.files, access.context() if _secure(plan.pushgateway_url) else None)

    async def __call__(self, request: Request) -> Page:
        """The answer to `request`."""
        timeouts = Timeouts(CONNECT_TIMEOUT_S, request.timeout_s, request.timeout_s)
        target = HttpTarget.of(request.base, tls=self._tls, timeouts=timeouts)
        client = HttpClient(target, context=self._context if target.tls else None)
        token = request.secret.reveal()
        headers = {"X-Request-ID": REQUEST_ID} | ({"Authorization": f"Bearer {token}"} if token else {})
        headers |= {name: value.reveal() for name, value in request.secret_headers}
        before_s = time()
        try:
            answer = await call_json(client, request.method, request.path, body=request.body, headers=headers)
        except ValueError:
            # a line break in it would end the header; the error's own text may quote the credential
            answer = JsonAnswer(0, b"", {}, ErrorKind.INVALID_RESPONSE, _NOT_SENT)
        finally:
            client.close()
        return Page(request, answer, before_s, time())


def _secure(*urls: str) -> bool:
    return any(urlsplit(url).scheme == "https" for url in urls)
