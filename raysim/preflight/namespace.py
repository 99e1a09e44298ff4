"""Does a namespace of Kubernetes let the plan's pods in: its quotas, its limits, and the rights of whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from raysim.core.errors import RaysimError
from raysim.kube.access import ROLE
from raysim.kube.pod_need import ClusterNeed
from raysim.preflight.admission import Standing, judge
from raysim.preflight.check import Check
from raysim.preflight.limit_range import LimitRange
from raysim.preflight.quota import Quota

#: what applying a rendered scenario creates in the namespace: (API group, resource)
_APPLIED = (
    ("", "configmaps"),
    ("", "serviceaccounts"),
    ("networking.k8s.io", "networkpolicies"),
    ("ray.io", "rayjobs"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
)
_INSTALL = "use raysim's image, which has it, or `pip install 'raysim[kube]'`"


class KubernetesError(RaysimError):
    """The API of Kubernetes did not tell what it was asked. `forbidden` when the asker lacks the right."""

    def __init__(self, message: str, *, hint: str | None = None, forbidden: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.forbidden = forbidden


class Namespace(Protocol):
    """A namespace, as far as its rules for pods go. Each method raises KubernetesError and nothing else."""

    name: str

    def quotas(self) -> Sequence[Quota]:
        """Its ResourceQuotas."""

    def limit_ranges(self) -> Sequence[LimitRange]:
        """Every item of its LimitRanges."""

    def may_create(self, group: str, resource: str) -> bool:
        """Whether the asker may create such objects in it."""


def forbidden(who: str, what: str, namespace: str) -> KubernetesError:
    """The one line for a missing right, with the Role that gives it."""
    return KubernetesError(
        f"{who} may not list {what} in namespace {namespace}",
        hint=f"apply access.yaml of `raysim kube render` there: its Role `{ROLE}` gives that right",
        forbidden=True,
    )


def not_asked(*, asked_for: bool) -> Check:
    """Says that nobody could ask, for want of the client; a failure where somebody wanted to."""
    found = "not checked: reading them from Kubernetes takes raysim's extra `kube`, which is not installed"
    return Check("quotas", "failed" if asked_for else "skipped", found, _INSTALL)


def not_answered(error: KubernetesError, what: str = "quotas", *, asked_for: bool) -> Check:
    """Says why nothing is known. Only what somebody asked for by name fails for that, and no missing right does."""
    failed = asked_for and not error.forbidden
    return Check(what, "failed" if failed else "skipped", f"not checked: {error.message}", error.hint or "")


def check_namespace(namespace: Namespace, need: ClusterNeed, standing: Standing | None) -> list[Check]:
    """Whether the pods that are still to come are let in.

    Args:
        namespace: whom to ask.
        need: what the plan's users need.
        standing: the part of it that is there already; None when nothing is, and a RayJob is to bring all.

    Returns:
        checks that fail only when the run cannot begin: pods beyond what its users need are worth a warning.
    """
    untold: list[Check] = []
    ranges: Sequence[LimitRange] = ()
    try:
        ranges = namespace.limit_ranges()
    except KubernetesError as error:
        if not error.forbidden:
            # nor would it tell anything else
            return [not_answered(error, asked_for=standing is None)]
        untold.append(not_answered(error, "limit ranges", asked_for=standing is None))
    try:
        quotas = namespace.quotas()
    except KubernetesError as error:
        return [*untold, not_answered(error, asked_for=standing is None)]
    checks = [*untold, *judge(namespace.name, quotas, ranges, need, standing)]
    return checks if standing else [*checks, _check_rights(namespace)]


def _check_rights(namespace: Namespace) -> Check:
    """Whether whoever asks may apply what `raysim kube render` writes; somebody else may do it for them."""
    try:
        denied = [resource for group, resource in _APPLIED if not namespace.may_create(group, resource)]
    except KubernetesError as error:
        return Check("rights", "skipped", f"not checked: {error.message}", error.hint or "")
    if denied:
        found = f"you may not create {', '.join(denied)} in namespace {namespace.name}"
        return Check("rights", "passed", found, "have them applied by somebody who may, or be given the right")
    return Check("rights", "passed", f"you may create in namespace {namespace.name} what a rendered scenario holds")
