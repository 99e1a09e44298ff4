"""Does a namespace of Kubernetes let the plan's pods in: its quotas, its limits, and the rights of whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from raysim.core.errors import RaysimError
from raysim.kube.access import ROLE
from raysim.kube.pod_need import ClusterNeed, PodNeed
from raysim.preflight.check import Check
from raysim.preflight.limit_range import LimitRange, Refusal, refusals, with_defaults
from raysim.preflight.quota import Quota, Share, shares, unstated

#: beyond this a worker distorts what its users measure, and users that share a process wait for each other
_MOST_USERS_EACH = 50
_PACKED = 20
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


@dataclass(frozen=True, slots=True)
class Standing:
    """What is there of the plan's cluster: worker pods, and whether they have slots for all users."""

    workers: int
    enough: bool


def not_asked(*, in_pod: bool) -> Check:
    """Says that nobody could ask, for want of the client."""
    where = "this pod's namespace" if in_pod else "the namespace"
    return Check("quotas", "skipped", f"those of {where} were not checked: the extra `kube` is not installed", _INSTALL)


def not_answered(error: KubernetesError, *, asked_for: bool) -> Check:
    """Says why nothing is known. Only what somebody asked for by name fails for that."""
    failed = asked_for and not error.forbidden
    return Check("quotas", "failed" if failed else "skipped", f"not checked: {error.message}", error.hint or "")


def check_namespace(namespace: Namespace, need: ClusterNeed, standing: Standing | None) -> list[Check]:
    """Whether the pods that are still to come are let in.

    Args:
        namespace: whom to ask.
        need: what the plan's users need.
        standing: the part of it that is there already; None when nothing is, and a RayJob is to bring all.

    Returns:
        checks that fail only when the run cannot begin: pods beyond what its users need are worth a warning.
    """
    try:
        ranges, quotas = list(namespace.limit_ranges()), list(namespace.quotas())
        checks = judge(namespace.name, quotas, ranges, need, standing)
        return checks if standing else [*checks, _check_rights(namespace)]
    except KubernetesError as error:
        return [not_answered(error, asked_for=standing is None)]


def judge(
    name: str, quotas: Sequence[Quota], ranges: Sequence[LimitRange], need: ClusterNeed, standing: Standing | None
) -> list[Check]:
    """What the rules of the namespace `name` mean for the plan; arguments as for `check_namespace`."""
    pods = _to_come(need, ranges, standing)
    if standing and not pods:
        return [Check("quotas", "passed", f"the plan's {need.replicas} worker pods are there; none is to come")]
    verdict = Verdicts(blocking=standing is None or not standing.enough)
    if not quotas and not ranges:
        return [Check("quotas", "passed", f"namespace {name} has no quota and no limits")]
    less = _less(need, quotas, ranges) if standing is None else ""
    return [
        *(_check_quota(name, quota, pods, verdict, less, whole=standing is None) for quota in quotas),
        *_check_ranges(name, ranges, pods, verdict),
    ]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What it means when pods do not fit: the end of the run, or something to know."""

    blocking: bool

    def bad(self, name: str, found: str, advice: str) -> Check:
        """A check that did not go well."""
        return Check(name, "failed" if self.blocking else "passed", found, advice)


def _to_come(need: ClusterNeed, ranges: Sequence[LimitRange], standing: Standing | None) -> list[PodNeed]:
    missing = need.replicas - standing.workers if standing else need.replicas
    pods = need.pods() if standing is None else (need.workers(missing),) if missing > 0 else ()
    return [with_defaults(pod, ranges) for pod in pods]


def _check_quota(
    namespace: str, quota: Quota, pods: Sequence[PodNeed], verdict: Verdicts, less: str, *, whole: bool
) -> Check:
    name = f"quota {quota.name}"
    if quota.applies is False:
        return Check(name, "passed", f"namespace {namespace}: it counts other pods ({', '.join(quota.scopes)})")
    if quota.applies is None:
        verdict = Verdicts(blocking=False)
    where = f"namespace {namespace}"
    if quota.applies is None:
        where += f", if it counts these pods (scope {', '.join(quota.scopes)})"
    refused = list(unstated(quota, pods))
    if refused:
        return verdict.bad(name, f"{where}: {_joined([one.found for one in refused])}", _advice(refused))
    counted = shares(quota, pods, whole=whole)
    lacking = [share for share in counted if not share.fits]
    if lacking:
        raised = f"raise {' and '.join(share.wanted for share in lacking)}"
        return verdict.bad(name, f"{where}: {_lacking(lacking)}", f"{less}, or {raised}" if less else raised)
    found = _joined([share.enough for share in counted]) or "it counts nothing that the pods need"
    return Check(name, "passed", f"{where}: the plan's pods need {found}" if counted else f"{where}: {found}")


def _check_ranges(
    namespace: str, ranges: Sequence[LimitRange], pods: Sequence[PodNeed], verdict: Verdicts
) -> list[Check]:
    checks = []
    for name in dict.fromkeys(item.name for item in ranges):
        found = [one for item in ranges if item.name == name for pod in pods for one in refusals(pod, item)]
        where = f"namespace {namespace}"
        if found:
            said = _joined(list(dict.fromkeys(one.found for one in found)))
            checks.append(verdict.bad(f"limit range {name}", f"{where}: {said}", _advice(found)))
        else:
            checks.append(Check(f"limit range {name}", "passed", f"{where}: every container of the plan is within it"))
    return checks


def _check_rights(namespace: Namespace) -> Check:
    """Whether whoever asks may apply what `raysim kube render` writes; somebody else may do it for them."""
    denied = [resource for group, resource in _APPLIED if not namespace.may_create(group, resource)]
    if denied:
        found = f"you may not create {', '.join(denied)} in namespace {namespace.name}"
        return Check("rights", "passed", found, "have them applied by somebody who may, or be given the right")
    return Check("rights", "passed", f"you may create in namespace {namespace.name} what a rendered scenario holds")


def _less(need: ClusterNeed, quotas: Sequence[Quota], ranges: Sequence[LimitRange]) -> str:
    """What to change in the scenario so that it fits everywhere; "" when neither fewer nor smaller pods do."""

    def fits(other: ClusterNeed) -> bool:
        pods = _to_come(other, ranges, None)
        counting = [quota for quota in quotas if quota.applies]
        return all(share.fits for quota in counting for share in shares(quota, pods, whole=True)) and not any(
            True for pod in pods for item in ranges for _ in refusals(pod, item)
        )

    for replicas in range(need.replicas - 1, 0, -1):
        fewer = need.with_workers(replicas=replicas)
        if fewer.users_each > _MOST_USERS_EACH:
            break
        if fits(fewer):
            return f"lower workers.replicas to {replicas} ({fewer.users_each} users each)"
    packed = need.with_workers(users_per_actor=min(_PACKED, need.users_each))
    return f"set workers.usersPerActor: {packed.scenario.spec.workers.users_per_actor}" if fits(packed) else ""


def _lacking(lacking: Sequence[Share]) -> str:
    return _joined([share.lacking for share in lacking])


def _joined(sentences: Sequence[str]) -> str:
    return "; ".join(sentences)


def _advice(found: Sequence[Refusal]) -> str:
    return _joined(list(dict.fromkeys(one.advice for one in found)))


def forbidden(who: str, what: str, namespace: str) -> KubernetesError:
    """The one line for a missing right, with the Role that gives it."""
    return KubernetesError(
        f"{who} may not list {what} in namespace {namespace}",
        hint=f"apply access.yaml of `raysim kube render` there: its Role `{ROLE}` gives that right",
        forbidden=True,
    )
