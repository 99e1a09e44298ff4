"""What a namespace makes of a container that states too little, and which containers it refuses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from raysim.core.quantity import format_memory, format_number
from raysim.kube.pod_need import Amounts, PodNeed

#: raysim's pods have one container each, so that bounds of a pod are bounds of a container
_KINDS = ("Container", "Pod")


@dataclass(frozen=True, slots=True)
class LimitRange:
    """One item of a LimitRange: bounds for whatever is of its kind, each resource → amount."""

    name: str
    kind: str
    least: Amounts = field(default_factory=dict)
    most: Amounts = field(default_factory=dict)
    default_limit: Amounts = field(default_factory=dict)
    default_request: Amounts = field(default_factory=dict)
    most_ratio: Amounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why pods would be refused, and what to do about it."""

    found: str
    advice: str


def amount_text(resource: str, amount: Decimal) -> str:
    """`amount` of `resource` as people write it."""
    return format_memory(amount) if resource.endswith(("memory", "storage")) else format_number(amount)


def with_defaults(pod: PodNeed, ranges: Sequence[LimitRange]) -> PodNeed:
    """The pod as it is admitted: what it does not state itself, the namespace's defaults state."""
    requests, limits = dict(pod.requests), dict(pod.limits)
    for item in ranges:
        if item.kind == "Container":
            limits = {**item.default_limit, **limits}
            requests = {**item.default_request, **requests}
    return replace(pod, requests=requests, limits=limits)


def refusals(pod: PodNeed, item: LimitRange) -> Iterator[Refusal]:
    """Why a namespace with that item refuses the pod; nothing when it does not."""
    if item.kind not in _KINDS:
        return
    for resource, least in item.least.items():
        yield from _too_little(pod, resource, least)
    for resource, most in item.most.items():
        yield from _too_much(pod, resource, most)
    for resource, ratio in item.most_ratio.items():
        request, limit = pod.requests.get(resource), pod.limits.get(resource)
        if not request or not limit or limit / request > ratio:
            found = f"{_where(pod, 'limits', resource)} may be at most {format_number(ratio)} times the request"
            yield Refusal(f"{found}, found {_said(resource, limit)} and {_said(resource, request)}", _advice(pod, ""))


def _too_little(pod: PodNeed, resource: str, least: Decimal) -> Iterator[Refusal]:
    bound = amount_text(resource, least)
    for part, stated in (("requests", pod.requests), ("limits", pod.limits)):
        amount = stated.get(resource)
        if (amount is None and part == "requests") or (amount is not None and amount < least):
            where = _where(pod, part, resource)
            yield Refusal(f"{where} must be at least {bound}, found {_said(resource, amount)}", _advice(pod, where))


def _too_much(pod: PodNeed, resource: str, most: Decimal) -> Iterator[Refusal]:
    bound = amount_text(resource, most)
    for part, stated in (("requests", pod.requests), ("limits", pod.limits)):
        amount = stated.get(resource)
        if (amount is None and part == "limits") or (amount is not None and amount > most):
            where = _where(pod, part, resource)
            yield Refusal(f"{where} may be at most {bound}, found {_said(resource, amount)}", _advice(pod, where))


def _where(pod: PodNeed, part: str, resource: str) -> str:
    return f"workers.resources.{part}.{resource}" if pod.name == "worker" else f"the {pod.name}'s {part}.{resource}"


def _said(resource: str, amount: Decimal | None) -> str:
    return "none" if amount is None else amount_text(resource, amount)


def _advice(pod: PodNeed, where: str) -> str:
    if pod.name == "worker":
        return f"set {where or 'workers.resources'} within that, or have the LimitRange changed"
    return f"patch the {pod.name}'s resources in an overlay, or have the LimitRange changed"
