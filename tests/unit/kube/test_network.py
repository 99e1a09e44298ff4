from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.scenario import Scenario
from raysim.kube.network import network_policies
from tests.unit.kube.scenarios import scenario_of

ANYWHERE = [
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}},
    {"ipBlock": {"cidr": "::/0"}},
]
AIAAS: dict[str, Any] = {
    "apiRouterUrl": "https://router.example.com",
    "userOrgUrl": "http://user-org.platform.svc.cluster.local:8081",
}


def policies(scenario: Scenario) -> dict[str, dict[str, Any]]:
    return {policy["metadata"]["name"]: policy["spec"] for policy in network_policies(scenario)}


def test_the_page_of_metrics_is_open_to_whoever_scrapes_in_the_cluster() -> None:
    opened = policies(scenario_of(metrics={"listen": 9400}))["raysim-scrape"]
    assert opened["ingress"] == [{"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 9400}]}]
    assert (
        opened["podSelector"]["matchLabels"] == policies(scenario_of())["raysim-operator"]["podSelector"]["matchLabels"]
    )


def test_nobody_may_do_anything_that_no_policy_allows() -> None:
    denied = policies(scenario_of())["raysim-deny-all"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_an_embedded_platform_needs_no_way_out() -> None:
    assert set(policies(scenario_of())) == {
        "raysim-deny-all",
        "raysim-ray",
        "raysim-dns",
        "raysim-operator",
        "raysim-kubernetes-api",
    }


def test_the_platform_is_reached_by_name_by_service_and_by_address() -> None:
    found = policies(scenario_of(targets={**AIAAS, "budgetServiceUrl": "http://10.1.2.3:8082"}))["raysim-platform"]
    assert found["policyTypes"] == ["Egress"]
    assert found["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"protocol": "TCP", "port": 8082}]},
        {"to": ANYWHERE, "ports": [{"protocol": "TCP", "port": 443}]},
        {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "platform"}}}]},
    ]


def test_results_leave_from_the_head_alone() -> None:
    found = policies(
        scenario_of(
            metrics={"pushgatewayUrl": "http://pushgateway.monitoring.svc:9091"},
            cleanup={"exportResultsTo": "s3://bucket/{testRunId}/"},
        )
    )["raysim-results"]
    assert found["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "head"
    assert len(found["egress"]) == 2


@pytest.mark.parametrize(
    ("url", "port"), [("http://example.com", 80), ("https://example.com", 443), ("http://[::1]:9000/x", 9000)]
)
def test_ports_are_those_of_the_addresses(url: str, port: int) -> None:
    found = policies(scenario_of(targets={"platform": "static", "apiRouterUrl": url}))["raysim-platform"]
    assert [rule["ports"] for rule in found["egress"]] == [[{"protocol": "TCP", "port": port}]]
