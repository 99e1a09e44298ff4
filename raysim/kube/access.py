"""Who the pods are and what they may ask of Kubernetes: the quotas of their own namespace, and nothing else."""

from __future__ import annotations

from raysim.kube.manifest import Manifest, manifest
from raysim.kube.pod import SERVICE_ACCOUNT

#: the role that lets the head read quotas; preflight names it to whoever lacks the right
ROLE = "raysim"


def namespace(name: str) -> Manifest:
    """A namespace whose pods have to be as restricted as raysim's are."""
    found = manifest("v1", "Namespace", name)
    found["metadata"]["labels"] |= {
        f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
    }
    return found


def access(namespace_name: str) -> list[Manifest]:
    """Account, role and binding in that namespace. The account's token is mounted in the head alone."""
    rules = [{"apiGroups": [""], "resources": ["resourcequotas", "limitranges"], "verbs": ["get", "list"]}]
    subject = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": namespace_name}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ROLE}
    return [
        manifest("v1", "ServiceAccount", SERVICE_ACCOUNT, automountServiceAccountToken=False),
        manifest("rbac.authorization.k8s.io/v1", "Role", ROLE, rules=rules),
        manifest("rbac.authorization.k8s.io/v1", "RoleBinding", ROLE, subjects=[subject], roleRef=role),
    ]
