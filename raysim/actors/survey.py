"""What the nodes of a cluster offer, asked of the nodes themselves; and the platform as seen from one of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from raysim.actors.cluster import Cluster, Member
from raysim.actors.lenders import check_here
from raysim.core.plan.estimate import Estimate
from raysim.core.plan.run_plan import RunPlan
from raysim.preflight.admission import Standing
from raysim.preflight.capacity import CANNOT_RUN_ADVICE, Node, check_answers, check_capacity, check_machine
from raysim.preflight.check import Check
from raysim.preflight.clock import judge_node_clocks
from raysim.preflight.machine import Machine, look_around

#: a node has to start a process to answer: a second or two of CPU, of which a worker pod has half a core
_TIMEOUT_S = 20.0
#: for the checks of the platform, each of which has its own time-out, and the start of the process that makes them
_PLATFORM_TIMEOUT_S = 30.0
#: how late a node's answer may get here
_CLOCK_ERROR_S = 0.5


@dataclass(slots=True)
class _Answers:
    """What came back: by node id what it is like and how far its clock is ahead, or why it did not answer."""

    machines: dict[str, Machine] = field(default_factory=dict)
    ahead_s: dict[str, float] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def check_cluster(cluster: Cluster, plan: RunPlan, needs: Estimate, nodes_wanted: int) -> list[Check]:
    """Does the plan fit the cluster? One that was started for this run is this machine."""
    if cluster.own:
        return check_machine(plan, needs, look_around(), nodes_wanted)
    asked = [node for node in cluster.members if node.user_slots or node.node_id == cluster.driver_node_id]
    answers = _survey(asked)
    nodes = [_node(member, answers.machines.get(member.node_id)) for member in cluster.members]
    clocks = {node.address: answers.ahead_s.get(node.node_id) for node in asked}
    return [
        check_answers(len(asked), {n.address: answers.broken[n.node_id] for n in asked if n.node_id in answers.broken}),
        *check_capacity(plan, needs, nodes, nodes_wanted),
        judge_node_clocks(clocks, _CLOCK_ERROR_S),
    ]


def standing(cluster: Cluster, plan: RunPlan) -> Standing:
    """What there is of the cluster that the plan's users need: a node with slots is a worker pod."""
    workers = sum(member.user_slots > 0 for member in cluster.members)
    return Standing(workers, enough=cluster.user_slots >= len(plan.users))


def ask_from_cluster(cluster: Cluster, plan: RunPlan, *, probe: bool) -> Any:
    """Have the driver's node ask the platform, as the coordinator would: with the credentials that are there.

    Returns:
        what resolves to a list of checks.
    """
    return _pinned(_ask_platform, cluster.driver_node_id).remote(plan, probe=probe)


def collect(asking: Any) -> list[Check]:
    """What `ask_from_cluster` leads to; a failed check when the node does not get round to it."""
    done, _ = ray.wait([asking], timeout=_PLATFORM_TIMEOUT_S)
    if not done:
        ray.cancel(asking, force=True)
        return [
            Check(
                "platform",
                "failed",
                f"the driver's node did not ask within {_PLATFORM_TIMEOUT_S:g} s",
                CANNOT_RUN_ADVICE,
            )
        ]
    try:
        checks: list[Check] = ray.get(asking)
    except RayError as error:
        return [Check("platform", "failed", f"the driver's node could not ask: {_last_line(error)}", CANNOT_RUN_ADVICE)]
    return checks


def _ask_platform(plan: RunPlan, *, probe: bool) -> list[Check]:
    return asyncio.run(check_here(plan, os.environ, probe=probe))


def _pinned(function: Any, node_id: str) -> Any:
    # never again by itself: a task that asked a model and died must not ask twice
    strategy = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(function).options(num_cpus=0, max_retries=0, scheduling_strategy=strategy)


def _survey(members: Sequence[Member]) -> _Answers:
    waiting = {_pinned(look_around, member.node_id).remote(): member.node_id for member in members}
    answers = _Answers()
    until_s = monotonic() + _TIMEOUT_S
    while waiting and (left_s := until_s - monotonic()) > 0:
        done, _ = ray.wait(list(waiting), timeout=left_s)
        for ref in done:
            node_id = waiting.pop(ref)
            try:
                machine = ray.get(ref)
            except RayError as error:
                answers.broken[node_id] = _last_line(error)
            else:
                answers.machines[node_id] = machine
                answers.ahead_s[node_id] = machine.unix_s - time()
    for ref, node_id in waiting.items():
        ray.cancel(ref, force=True)
        answers.broken[node_id] = f"nothing within {_TIMEOUT_S:g} s"
    return answers


def _node(member: Member, machine: Machine | None) -> Node:
    if machine is None:
        return Node(member.address, member.cpus, member.memory_mib, member.user_slots)
    memory_mib = min(member.memory_mib, machine.memory_mib)
    return Node(member.address, member.cpus, memory_mib, member.user_slots, machine.open_files)


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
