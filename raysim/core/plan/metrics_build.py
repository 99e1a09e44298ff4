"""From a scenario to where its metrics go."""

from __future__ import annotations

from dataclasses import replace

from raysim.core.config.metrics import MetricsAuthSpec
from raysim.core.config.scenario import Scenario
from raysim.core.config.targets import TlsSpec
from raysim.core.plan.metrics_plan import AccessPlan, MetricsPlan


def plan_metrics(scenario: Scenario) -> MetricsPlan:
    """Where the metrics of `scenario` go; what a clean-up needs to delete them."""
    spec = scenario.spec.metrics
    return MetricsPlan(
        pushgateway_url=(spec.pushgateway_url or "").rstrip("/"),
        pushgateway_access=_access(spec.pushgateway_auth, spec.tls, "spec.metrics.pushgatewayAuth"),
        otlp_url=(spec.otlp_url or "").rstrip("/"),
        otlp_access=_access(spec.otlp_auth, spec.tls, "spec.metrics.otlpAuth"),
        prometheus_url=(spec.prometheus_url or "").rstrip("/"),
        listen=spec.listen or 0,
        interval_s=spec.export_interval,
        groups=spec.groups(),
        labels=tuple(sorted(spec.labels.items())),
        per_user=spec.per_user,
        retain=scenario.spec.cleanup.retain_metrics,
    )


def _access(auth: MetricsAuthSpec | None, tls: TlsSpec, where: str) -> AccessPlan:
    found = AccessPlan(
        where,
        tls_verify=tls.verify,
        tls_ca_file=tls.ca_file or "",
        tls_cert_file=tls.cert_file or "",
        tls_key_file=tls.key_file or "",
    )
    if auth is None:
        return found
    return replace(
        found,
        token_env=auth.token_env or "",
        token_file=auth.token_file or "",
        username=auth.username or "",
        password_env=auth.password_env or "",
        password_file=auth.password_file or "",
        headers=tuple((header.name, header.env or "", header.file or "") for header in auth.headers),
    )
