"""What a ResourceQuota leaves, and whether the pods to come fit into it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from raysim.kube.pod_need import Amounts, PodNeed
from raysim.preflight.limit_range import Refusal, amount_text

#: what a RayJob adds besides its pods
_OBJECTS = ("count/rayjobs.ray.io", "count/rayclusters.ray.io", "count/jobs.batch")
#: pods that leave one of these unstated are refused where a quota counts it (and so for no other resource)
_STATED = ("cpu", "memory")
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Quota:
    """A ResourceQuota: resource → how much there may be, and how much is used. `scopes` say which pods it counts."""

    name: str
    hard: Amounts
    used: Amounts = field(default_factory=dict)
    scopes: tuple[str, ...] = ()

    @property
    def applies(self) -> bool | None:
        """Whether raysim's pods are counted; None when that hangs on what an overlay or the cluster gives them."""
        if {"BestEffort", "Terminating", "CrossNamespacePodAffinity"} & set(self.scopes):
            # they state what they need, have no deadline of their own, and no affinity
            return False
        return True if set(self.scopes) <= {"NotBestEffort", "NotTerminating"} else None

    def left(self, resource: str) -> Decimal:
        """How much of `resource` may still be used."""
        return max(_ZERO, self.hard[resource] - self.used.get(resource, _ZERO))


@dataclass(frozen=True, slots=True)
class Share:
    """What the pods need of one resource that a quota counts, and what it leaves."""

    resource: str
    need: Decimal
    left: Decimal
    hard: Decimal

    @property
    def fits(self) -> bool:
        """Whether there is enough."""
        return self.need <= self.left

    def lacking(self, whose: str) -> str:
        """What is left and what `whose` pods need, for a message."""
        left, hard, need = (amount_text(self.resource, amount) for amount in (self.left, self.hard, self.need))
        return f"{left} of {hard} {self.resource} left, {whose} need {need}"

    @property
    def enough(self) -> str:
        """What is needed and left, for a message."""
        need, left = (amount_text(self.resource, amount) for amount in (self.need, self.left))
        return f"{need} of {left} {self.resource} left"

    @property
    def wanted(self) -> str:
        """To what the quota would have to be raised."""
        return f"{self.resource} to {amount_text(self.resource, self.hard - self.left + self.need)}"


def shares(quota: Quota, pods: Sequence[PodNeed], *, whole: bool) -> list[Share]:
    """What the pods need of each resource that the quota counts and that they have.

    Args:
        quota: one that counts them.
        pods: the pods to come.
        whole: whether the RayJob itself is still to come, too.
    """
    found = []
    for resource, hard in sorted(quota.hard.items()):
        need = _need(resource, pods, whole=whole)
        if need:
            found.append(Share(resource, need, quota.left(resource), hard))
    return found


def unstated(quota: Quota, pods: Sequence[PodNeed]) -> Iterator[Refusal]:
    """Pods that are refused because they do not say how much they need of what the quota counts."""
    for resource in sorted(quota.hard):
        part, name = _part(resource)
        for pod in pods if name in _STATED else ():
            if name not in (pod.limits if part == "limits" else pod.requests):
                worker = pod.name == "worker"
                where = f"workers.resources.{part}.{name}" if worker else f"the {pod.name}'s {part}.{name}"
                yield Refusal(f"it counts {resource}, and refuses pods without: {where} is not stated", f"set {where}")


def _need(resource: str, pods: Sequence[PodNeed], *, whole: bool) -> Decimal:
    if resource in ("pods", "count/pods"):
        return Decimal(sum(pod.count for pod in pods))
    if resource in _OBJECTS:
        return Decimal(whole)
    part, name = _part(resource)
    return sum(((pod.limits if part == "limits" else pod.requests).get(name, _ZERO) * pod.count for pod in pods), _ZERO)


def _part(resource: str) -> tuple[str, str]:
    """`limits.cpu` is ("limits", "cpu"); `cpu` is short for `requests.cpu`."""
    part, dot, name = resource.partition(".")
    return (part, name) if dot and part in ("requests", "limits") else ("requests", resource)
