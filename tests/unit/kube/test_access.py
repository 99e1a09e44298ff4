"""What raysim's pods may do in the cluster."""

from __future__ import annotations

from raysim.kube.access import access, namespace


def test_pods_may_read_quotas_of_their_own_namespace_and_nothing_else() -> None:
    account, role, binding = access("load")
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["resourcequotas", "limitranges"], "verbs": ["get", "list"]}
    ]
    assert role["kind"] == "Role"
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": role["metadata"]["name"],
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account["metadata"]["name"], "namespace": "load"}]


def test_no_pod_gets_the_accounts_token_without_asking() -> None:
    account, _, _ = access("load")
    assert account["automountServiceAccountToken"] is False


def test_a_namespace_takes_restricted_pods_only() -> None:
    assert namespace("load")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
