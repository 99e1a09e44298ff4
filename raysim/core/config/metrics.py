"""`spec.metrics`: where live measurements go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import Field

from raysim.core.config.base import EnvName, Flag, Name, Part, Port, PositiveDuration, Url
from raysim.core.config.targets import TlsSpec
from raysim.core.metrics.family import LABELS, Group

if TYPE_CHECKING:
    from collections.abc import Iterator

#: labels that raysim's own series carry
RESERVED_LABELS = LABELS | {"job", "instance", "shard"}
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: raysim writes them itself
_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding"}
)


class HeaderSpec(Part):
    """A header whose value is a secret."""

    name: Name = Field(description="name of the header, such as X-Api-Key")
    env: EnvName | None = Field(None, description="environment variable that holds its value")
    file: str | None = Field(None, description="file that holds its value")

    def problems(self) -> Iterator[tuple[str, str]]:
        """No name of a header, one that has a meaning of its own, or not exactly one place for the value."""
        if not _HEADER.fullmatch(self.name):
            yield "name", "is no header's name; use letters, digits and -"
        elif self.name.lower() in _OWN_HEADERS:
            yield "name", "is a header that raysim sets itself"
        if (self.env is None) == (self.file is None):
            yield "", "give env or file, one of the two"


class MetricsAuthSpec(Part):
    """What a server of metrics is shown; never the secret itself.

    It is read where the metrics actor runs, on the node that starts the run, and again for every push.
    """

    token_env: EnvName | None = Field(None, description="environment variable that holds a bearer token")
    token_file: str | None = Field(None, description="file that holds a bearer token")
    username: Name | None = Field(None, description="name for basic authentication; its password is required then")
    password_env: EnvName | None = Field(None, description="environment variable that holds the password")
    password_file: str | None = Field(None, description="file that holds the password")
    headers: tuple[HeaderSpec, ...] = Field((), description="headers that hold secrets, such as a vendor's key")

    def problems(self) -> Iterator[tuple[str, str]]:
        """More than one credential for the same header, or half of one."""
        tokens = [key for key, value in (("tokenEnv", self.token_env), ("tokenFile", self.token_file)) if value]
        given = [*tokens, *(["username"] if self.username else [])]
        passwords = [value for value in (self.password_env, self.password_file) if value]
        if len(given) > 1:
            yield "", f"found {' and '.join(given)}; give one of tokenEnv, tokenFile, username"
        elif not given and not self.headers:
            yield "", "found no credential; give one of tokenEnv, tokenFile, username, headers"
        if self.username and len(passwords) != 1:
            yield "username", "give passwordEnv or passwordFile beside it, one of the two"
        elif passwords and not self.username:
            yield "username", "is required beside a password"
        if self.username and ":" in self.username:
            yield "username", "holds a colon, which no name for basic authentication can"
        names = [header.name.lower() for header in self.headers] + ["authorization"] * bool(given)
        for place, header in enumerate(self.headers):
            if names.count(header.name.lower()) > 1:
                yield f"headers[{place}].name", "is there twice"


class MetricsSpec(Part):
    """Where live measurements go. The run's directory always has them."""

    pushgateway_url: Url | None = Field(None, description="Pushgateway to push to; none by default")
    pushgateway_auth: MetricsAuthSpec | None = Field(
        None, description="what the Pushgateway is shown; nothing by default"
    )
    prometheus_url: Url | None = Field(
        None, description="Prometheus that links in the report lead to, as a browser reaches it"
    )
    export_interval: PositiveDuration = Field(
        10.0, description="time between exports, in seconds once read; a usual scrape interval"
    )
    capture: tuple[str, ...] = Field((), description="groups of metrics to export, see metrics.md; all by default")
    labels: dict[str, str] = Field(default_factory=dict, description="static labels added to every series")
    per_user: Flag = Field(
        default=True, description="whether each user has series of its own; off when there are too many"
    )
    otlp_url: Url | None = Field(None, description="OpenTelemetry collector to send to; none by default")
    otlp_auth: MetricsAuthSpec | None = Field(None, description="what the collector is shown; nothing by default")
    tls: TlsSpec = Field(
        default_factory=TlsSpec, description="how certificates of the Pushgateway and the collector are checked"
    )
    listen: Port | None = Field(None, description="port of a metrics page to scrape; none by default")

    def groups(self) -> tuple[Group, ...]:
        """The groups that `capture` picks: all when it names none."""
        picked = tuple(group for group in Group if group in self.capture)
        return picked or tuple(Group)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Labels that are none, or raysim's own; credentials for nobody."""
        for url, value, auth in (
            ("pushgatewayUrl", self.pushgateway_url, self.pushgateway_auth),
            ("otlpUrl", self.otlp_url, self.otlp_auth),
        ):
            if auth is not None and value is None:
                yield url.replace("Url", "Auth"), f"has no meaning without {url}"
        for label in self.labels:
            if not _LABEL.fullmatch(label) or label.startswith("__"):
                yield f"labels.{label}", "is no label name; use letters, digits and _"
            elif label in RESERVED_LABELS:
                yield f"labels.{label}", "is a label that raysim sets itself; choose another name"
