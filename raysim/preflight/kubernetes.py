"""Asks Kubernetes whether it lets the plan's pods in, where its client is installed and there is one to ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from raysim.kube.pod_need import ClusterNeed
from raysim.preflight.admission import Standing
from raysim.preflight.check import Check
from raysim.preflight.namespace import KubernetesError, check_namespace, not_answered, not_asked

if TYPE_CHECKING:
    from raysim.preflight.kubernetes_client import KubernetesNamespace

#: Kubernetes sets it in every pod
_IN_POD = "KUBERNETES_SERVICE_HOST"


def check_own_namespace(need: ClusterNeed, standing: Standing, environ: Mapping[str, str]) -> list[Check]:
    """Whether pods that the plan's cluster still lacks are let in; nothing outside of a pod.

    Args:
        need: what the plan's users need.
        standing: what there is of it: the Ray cluster that was joined.
        environ: the environment of the process.
    """
    if _IN_POD not in environ:
        return []
    if standing.workers >= need.replicas:
        return [Check("quotas", "passed", f"the plan's {need.replicas} worker pods are there; none is to come")]

    def opened() -> KubernetesNamespace:
        from raysim.preflight.kubernetes_client import open_own  # noqa: PLC0415 - an extra

        return open_own()

    return _ask(opened, need, standing)


def check_named_namespace(need: ClusterNeed, namespace: str, context: str | None) -> list[Check]:
    """Whether `namespace` lets a RayJob of the plan in, by kubectl's configuration; `context` as kubectl's."""

    def opened() -> KubernetesNamespace:
        from raysim.preflight.kubernetes_client import open_named  # noqa: PLC0415 - an extra

        return open_named(namespace, context)

    return _ask(opened, need, None)


def _ask(opened: Callable[[], KubernetesNamespace], need: ClusterNeed, standing: Standing | None) -> list[Check]:
    try:
        namespace = opened()
    except ModuleNotFoundError:
        return [not_asked(asked_for=standing is None)]
    except KubernetesError as error:
        return [not_answered(error, asked_for=standing is None)]
    try:
        return check_namespace(namespace, need, standing)
    finally:
        namespace.close()
