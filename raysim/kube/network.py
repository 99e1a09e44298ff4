"""Who may speak to whom: nobody, but for Ray among itself, name lookup, and the addresses of the scenario."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from raysim.core.config.scenario import Scenario
from raysim.kube.manifest import Manifest, labels, manifest
from raysim.kube.pod import DASHBOARD_PORT

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: the address of cloud machines' own credentials, which no load test has to reach
_METADATA_ADDRESS = "169.254.169.254/32"
_NAMESPACE = "kubernetes.io/metadata.name"
_AGENT_PORT = 52365


@dataclass(frozen=True, slots=True, order=True)
class Destination:
    """An address that pods speak to. `namespace` is of a Service of the same Kubernetes cluster, "" elsewhere."""

    host: str
    port: int
    namespace: str = ""

    @classmethod
    def of(cls, url: str) -> Destination:
        """The destination of `url`, http or https. `NAME.NAMESPACE.svc` is a Service of the cluster."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        words = host.split(".")
        inside = words[1] if len(words) > 2 and words[2] == "svc" else ""  # noqa: PLR2004 - name, namespace, svc
        return cls(host, parts.port or _DEFAULT_PORTS.get(parts.scheme, 443), inside)

    def rule(self) -> dict[str, Any]:
        """The egress rule that allows it."""
        if self.namespace:
            # a policy sees the ports of pods, not those of the Service before them
            return {"to": [{"namespaceSelector": {"matchLabels": {_NAMESPACE: self.namespace}}}]}
        ports = [{"protocol": "TCP", "port": self.port}]
        try:
            address = ip_address(self.host)
        except ValueError:
            # policies know addresses, not names
            return {"to": _anywhere(), "ports": ports}
        return {"to": [{"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}], "ports": ports}


def network_policies(scenario: Scenario) -> list[Manifest]:
    """The policies of a run's namespace."""
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    cluster_dns = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    operator = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "kuberay-operator"}}}
    control = [{"protocol": "TCP", "port": port} for port in (DASHBOARD_PORT, _AGENT_PORT)]
    return [
        _policy("raysim-deny-all", {}, types=("Ingress", "Egress")),
        # Ray's processes speak to each other on ports that they choose
        _policy("raysim-ray", labels(), ingress=[{"from": [_raysim()]}], egress=[{"to": [_raysim()]}]),
        _policy("raysim-dns", labels(), egress=[{"to": [cluster_dns], "ports": dns}]),
        _policy("raysim-operator", labels("head"), ingress=[{"from": [operator], "ports": control}]),
        *_to_destinations("raysim-platform", labels(), _platform(scenario)),
        *_to_destinations("raysim-results", labels("head"), _results(scenario)),
        *_scrape(scenario),
        _policy("raysim-kubernetes-api", labels("head"), egress=[{"to": _anywhere(), "ports": _api_ports()}]),
    ]


def _scrape(scenario: Scenario) -> Iterator[Manifest]:
    """The run's metrics page, for whichever Prometheus of the cluster reads it: it holds no secret."""
    port = scenario.spec.metrics.listen
    if port is not None:
        allowed = {"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": port}]}
        yield _policy("raysim-scrape", labels("head"), ingress=[allowed])


def _anywhere() -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [_METADATA_ADDRESS]}}, {"ipBlock": {"cidr": "::/0"}}]


def _raysim() -> dict[str, Any]:
    return {"podSelector": {"matchLabels": labels()}}


def _api_ports() -> list[dict[str, Any]]:
    """The API of Kubernetes, which the head asks for quotas: behind its Service it may have another port."""
    return [{"protocol": "TCP", "port": port} for port in (443, 6443)]


def _platform(scenario: Scenario) -> Iterator[str | None]:
    targets = scenario.spec.targets
    if targets.platform == "embedded":
        return
    yield from (targets.api_router_url, targets.user_org_url)
    yield from (targets.budget_service_url, targets.analytics_service_url)
    for backend in targets.backends:
        yield backend.metrics_url


def _results(scenario: Scenario) -> Iterator[str | None]:
    """Where the head sends what was measured."""
    spec = scenario.spec
    yield from (spec.metrics.pushgateway_url, spec.metrics.otlp_url)
    if (spec.cleanup.export_results_to or "").startswith("s3://"):
        yield spec.cleanup.object_store.endpoint_url or "https://s3.amazonaws.com"


def _to_destinations(name: str, selected: dict[str, str], urls: Iterator[str | None]) -> list[Manifest]:
    destinations = sorted({Destination.of(url) for url in urls if url})
    rules: list[dict[str, Any]] = []
    for rule in (destination.rule() for destination in destinations):
        if rule not in rules:
            rules.append(rule)
    return [_policy(name, selected, egress=rules)] if rules else []


def _policy(
    name: str,
    selected: dict[str, str],
    *,
    ingress: list[dict[str, Any]] | None = None,
    egress: list[dict[str, Any]] | None = None,
    types: tuple[str, ...] = (),
) -> Manifest:
    spec: dict[str, Any] = {"podSelector": {"matchLabels": selected} if selected else {}}
    spec["policyTypes"] = list(types) or [
        kind for kind, rules in (("Ingress", ingress), ("Egress", egress)) if rules is not None
    ]
    if ingress is not None:
        spec["ingress"] = ingress
    if egress is not None:
        spec["egress"] = egress
    return manifest("networking.k8s.io/v1", "NetworkPolicy", name, spec=spec)
