"""What a scenario says by itself: its hash, its worst case, what it wants that nobody checks yet."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from raysim.core.plan.estimate import Estimate
from raysim.kube.pod_need import ClusterNeed
from raysim.preflight.check import Check

_SHOWN = 16
#: fewer characters could be met by accident
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class Expectations:
    """What preflight needs to know beyond the plan.

    `known` are checks that could be made from the scenario alone; `nodes_wanted` how many worker nodes it plans for;
    `probe` whether each model may be sent a tiny request; `need` the pods that a cluster for its users has.
    """

    known: tuple[Check, ...]
    nodes_wanted: int
    probe: bool
    need: ClusterNeed


def scenario_hash(resolved: str) -> str:
    """The hash of a scenario as resolved: its YAML with overrides applied and every default spelled out."""
    return sha256(resolved.encode()).hexdigest()[:_SHOWN]


def check_hash(found: str, expected: str | None) -> Check:
    """Whether the scenario is still the one that was planned, such as in a ConfigMap that someone may have changed."""
    if expected is None:
        return Check("scenario", "passed", f"hash {found}")
    wanted = expected.strip().lower()
    if len(wanted) >= _FEWEST and found.startswith(wanted):
        return Check("scenario", "passed", f"hash {found}, as expected")
    if len(wanted) < _FEWEST:
        return Check("scenario", "failed", f"{expected!r} is too short a hash", "give what `raysim plan` prints")
    advice = "it was changed since it was planned, or other --set or RAYSIM_SET values hold: look at `raysim plan`"
    return Check("scenario", "failed", f"hash {found}, expected {wanted}", advice)


def check_cost(needs: Estimate, limit_usd: float | None) -> Check:
    """The worst case against the limit. Information: the bound is often ten times too high."""
    worst = "unknown, since think time can be 0" if needs.worst_case_usd is None else f"${needs.worst_case_usd:.2f}"
    if limit_usd is None:
        bounded = needs.worst_case_usd is not None
        advice = "" if bounded else "set limits.maxCostUsd: nothing else bounds what this run can cost"
        return Check("cost", "passed", f"worst case {worst}, no limit", advice)
    reached = needs.worst_case_usd is None or needs.worst_case_usd > limit_usd
    effect = "which may end the run early" if reached else "which cannot be reached"
    return Check("cost", "passed", f"worst case {worst}, limit ${limit_usd:g}, {effect}")
