"""Where live metrics go, and which."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.metrics.family import Group


@dataclass(frozen=True, slots=True)
class AccessPlan:
    """How a server of metrics is entered: names of variables and paths of files, never a secret; empty for none.

    `where` is its place in the scenario. `headers` are (name, variable, file), with one of the two. TLS fields are
    paths to PEM files, empty for the system's own.
    """

    where: str = ""
    token_env: str = ""
    token_file: str = ""
    username: str = ""
    password_env: str = ""
    password_file: str = ""
    headers: tuple[tuple[str, str, str], ...] = ()
    tls_verify: bool = True
    tls_ca_file: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""


#: nothing is shown, and the system's certificates are trusted
OPEN_ACCESS = AccessPlan()


@dataclass(frozen=True, slots=True)
class MetricsPlan:
    """What is exported while a run goes on.

    `pushgateway_url` and `otlp_url` are empty for none, and their `…_access` is how they are entered; `listen` is 0 for
    no port; `prometheus_url` is where people look at them, "" for nowhere known; `interval_s` is the time between two
    exports; `labels` are put on every series; `per_user` is whether each user has series of its own; `retain` whether
    pushed metrics stay after the run.
    """

    pushgateway_url: str = ""
    pushgateway_access: AccessPlan = OPEN_ACCESS
    otlp_url: str = ""
    otlp_access: AccessPlan = OPEN_ACCESS
    prometheus_url: str = ""
    listen: int = 0
    interval_s: float = 10.0
    groups: tuple[Group, ...] = tuple(Group)
    labels: tuple[tuple[str, str], ...] = ()
    per_user: bool = True
    retain: bool = True

    @property
    def exports(self) -> bool:
        """Whether anything leaves the run's directory."""
        return bool(self.pushgateway_url or self.otlp_url or self.listen)
