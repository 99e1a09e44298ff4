"""Are the pods that are still to come let into a namespace, and if not, what would be? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from raysim.kube.pod_need import ClusterNeed, PodNeed
from raysim.preflight.check import Check, Verdict
from raysim.preflight.limit_range import LimitRange, Refusal, refusals, with_defaults
from raysim.preflight.quota import Quota, shares, unstated

#: beyond this a worker distorts what its users measure, and users that share a process wait for each other
_MOST_USERS_EACH = 50
_PACKED = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """What is there of the plan's cluster: worker pods, and whether they have slots for all users."""

    workers: int
    enough: bool


def judge(
    name: str, quotas: Sequence[Quota], ranges: Sequence[LimitRange], need: ClusterNeed, standing: Standing | None
) -> list[Check]:
    """What the rules of the namespace `name` mean for the plan; arguments as for `check_namespace`."""
    pods = _to_come(need, ranges, standing)
    blocking = standing is None or not standing.enough
    if not quotas and not ranges:
        return [Check("quotas", "passed", f"namespace {name} has no quota and no limits")]
    less = _less(need, quotas, ranges) if standing is None else ""
    return [
        *(_check_quota(name, quota, pods, less, blocking=blocking, whole=standing is None) for quota in quotas),
        *_check_ranges(name, ranges, pods, blocking=blocking),
    ]


def _to_come(need: ClusterNeed, ranges: Sequence[LimitRange], standing: Standing | None) -> list[PodNeed]:
    pods = need.pods() if standing is None else (need.workers(need.replicas - standing.workers),)
    return [with_defaults(pod, ranges) for pod in pods]


def _check_quota(
    namespace: str, quota: Quota, pods: Sequence[PodNeed], less: str, *, blocking: bool, whole: bool
) -> Check:
    name, where = f"quota {quota.name}", f"namespace {namespace}"
    scopes, whose = ", ".join(quota.scopes), "the plan's pods" if whole else "the workers to come"
    if quota.applies is False:
        return Check(name, "passed", f"{where}: it counts other pods (scope {scopes})")
    if quota.applies is None:
        where += f", if it counts these pods (scope {scopes})"
    bad: Verdict = "failed" if blocking and quota.applies else "passed"
    refused = list(unstated(quota, pods))
    if refused:
        return Check(name, bad, f"{where}: {_joined(one.found for one in refused)}", _advice(refused))
    counted = shares(quota, pods, whole=whole)
    lacking = [share for share in counted if not share.fits]
    if lacking:
        raised = f"raise {' and '.join(share.wanted for share in lacking)}"
        advice = f"{less}, or {raised}" if less else raised
        return Check(name, bad, f"{where}: {_joined(share.lacking(whose) for share in lacking)}", advice)
    if not counted:
        return Check(name, "passed", f"{where}: it counts nothing that {whose} need")
    return Check(name, "passed", f"{where}: {whose} need {_joined(share.enough for share in counted)}")


def _check_ranges(
    namespace: str, ranges: Sequence[LimitRange], pods: Sequence[PodNeed], *, blocking: bool
) -> Iterator[Check]:
    for name in dict.fromkeys(item.name for item in ranges):
        found = [one for item in ranges if item.name == name for pod in pods for one in refusals(pod, item)]
        said = _joined(one.found for one in found) or "every container of the plan is within it"
        verdict: Verdict = "failed" if found and blocking else "passed"
        yield Check(f"limit range {name}", verdict, f"namespace {namespace}: {said}", _advice(found))


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


def _joined(sentences: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(sentences))


def _advice(found: Sequence[Refusal]) -> str:
    return _joined(one.advice for one in found)
