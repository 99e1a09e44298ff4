"""Does the plan fit the nodes: slots, memory, processor time to start, open files?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from raysim.core.plan.estimate import ACTOR_START_CPU_S, Estimate
from raysim.core.plan.run_plan import RunPlan
from raysim.preflight.check import Check, printable
from raysim.preflight.machine import Machine

#: what to do about a node on which a task of ours fails
CANNOT_RUN_ADVICE = "is raysim installed on each node, in the same version, and Ray well?"
_MIB_PER_GIB = 1024.0
_MOST_PACKED = 50
#: a start that takes longer deserves a thought
_LONG_START_S = 120.0
#: open files, measured on Ray 2.60: of a Ray process before it does anything, and of a raylet and of the coordinator
#: for each actor
_FILES_OF_A_PROCESS = 60
_RAYLET_FILES_PER_ACTOR = 3
_COORDINATOR_FILES_PER_ACTOR = 1
#: a user keeps one connection to the router and one to the user/org service
_FILES_PER_USER = 2


@dataclass(frozen=True, slots=True)
class Node:
    """What one node offers.

    `memory_mib` is what Ray accounts for or what is free, whichever is less; `open_files` the limit of processes that
    Ray starts there, None where it is not known.
    """

    name: str
    cpus: float
    memory_mib: float
    user_slots: float
    open_files: int | None = None


def check_capacity(plan: RunPlan, needs: Estimate, nodes: Sequence[Node], nodes_wanted: int) -> list[Check]:
    """Every question of capacity.

    Args:
        plan: what is to run.
        needs: what it needs.
        nodes: where it is to run.
        nodes_wanted: how many worker nodes the scenario plans for.
    """
    return [
        check_slots(needs, [node.user_slots for node in nodes], max(len(pack.users) for pack in plan.packs)),
        check_nodes(nodes, nodes_wanted),
        check_memory(needs, sum(node.memory_mib for node in nodes)),
        check_start(needs, sum(node.cpus for node in nodes)),
        check_open_files(plan, nodes),
    ]


def check_machine(plan: RunPlan, needs: Estimate, machine: Machine, nodes_wanted: int) -> list[Check]:
    """The same for a Ray that is started on `machine` for this run: it gets as many slots as there are users."""
    node = Node(machine.name, machine.cpus, machine.memory_mib, float(needs.users), machine.open_files)
    return check_capacity(plan, needs, [node], nodes_wanted)


def check_answers(asked: int, broken: Mapping[str, str]) -> Check:
    """Whether each of the nodes that were asked can run raysim; `broken` says of which it is not so, and why."""
    found = f"{asked - len(broken)} of {asked}"
    if not broken:
        return Check("nodes answer", "passed", found)
    node, why = next(iter(broken.items()))
    return Check("nodes answer", "failed", f"{found}; {node}: {printable(why)}", CANNOT_RUN_ADVICE)


def check_slots(needs: Estimate, slots: Sequence[float], largest_pack: int) -> Check:
    """Whether every user finds a `sim_user` slot, and every actor all of its own on one node."""
    offered = sum(slots)
    found = f"{needs.users} users, {offered:g} sim_user slots"
    if offered < needs.users:
        return Check(
            "user slots",
            "failed",
            found,
            "start nodes with --resources '{\"sim_user\": N}' (workers.usersPerWorker each), or plan fewer users",
        )
    room = sum(int(free // largest_pack) for free in slots)
    if room < needs.actors:
        return Check(
            "user slots",
            "failed",
            f"{found}, but room for {room} of {needs.actors} actors: one needs {largest_pack} slots on one node",
            "set workers.usersPerActor to a divisor of what a node offers, or give nodes more slots",
        )
    return Check("user slots", "passed", found)


def check_nodes(nodes: Sequence[Node], wanted: int) -> Check:
    """Whether users are spread as thinly as the scenario plans."""
    workers = sum(node.user_slots > 0 for node in nodes)
    found = f"{workers} with user slots; workers plans for {wanted}"
    if workers >= wanted or len(nodes) == 1:
        # on one machine there is nothing to spread
        return Check("nodes", "passed", found)
    return Check(
        "nodes", "passed", found, "more users to a node than workers.usersPerWorker may distort what they measure"
    )


def check_memory(needs: Estimate, memory_mib: float) -> Check:
    """Whether the actors' processes fit into the cluster's memory."""
    need, have = needs.memory_mib / _MIB_PER_GIB, memory_mib / _MIB_PER_GIB
    found = f"{needs.actors} actors need about {need:.1f} GiB; this cluster has {have:.1f}"
    if memory_mib >= needs.memory_mib:
        return Check("memory", "passed", found)
    return Check("memory", "failed", found, f"set workers.usersPerActor: {_packed(needs)}, or add nodes")


def check_start(needs: Estimate, cpus: float) -> Check:
    """How long the actors will take to start; nearly all of it is each process importing Ray."""
    if cpus <= 0:
        return Check("start", "skipped", "the cluster does not say how many CPUs it has")
    seconds = needs.start_cpu_s / cpus
    found = f"about {_rounded(seconds)} s: {needs.actors} actors, {ACTOR_START_CPU_S:g} CPU s each, on {cpus:g} CPUs"
    if seconds <= _LONG_START_S:
        return Check("start", "passed", found)
    return Check("start", "passed", found, f"workers.usersPerActor: {_packed(needs)} starts faster")


def check_open_files(plan: RunPlan, nodes: Sequence[Node]) -> Check:
    """Whether any process needs more open files than it may have."""
    name = "open files"
    known = [node for node in nodes if node.open_files is not None]
    if not known:
        return Check(name, "skipped", "the nodes' limits are not known")
    lowest = min(known, key=lambda node: node.open_files or 0)
    limit = lowest.open_files or 0
    need, whose = _most_files(plan)
    found = f"at most {need:,} in a process ({whose}); {lowest.name} allows {limit:,}"
    if need <= limit:
        return Check(name, "passed", found)
    return Check(name, "failed", found, f"raise `ulimit -n` to {need:,} or more before Ray starts there")


def _most_files(plan: RunPlan) -> tuple[int, str]:
    """The most files that one process of the run may have open, and which process that is."""
    actors = len(plan.packs)
    largest = max(len(pack.users) for pack in plan.packs)
    needs = [
        (largest * _FILES_PER_USER, f"an actor with {largest} user{'s' * (largest != 1)}"),
        (actors * _COORDINATOR_FILES_PER_ACTOR, f"the coordinator of {actors} actors"),
        # as if one node had them all
        (actors * _RAYLET_FILES_PER_ACTOR, f"Ray's own with {actors} actors on a node"),
    ]
    if plan.target.platform == "embedded":
        needs.append((len(plan.users) * _FILES_PER_USER, f"the embedded platform for {len(plan.users)} users"))
    most, whose = max(needs)
    return most + _FILES_OF_A_PROCESS, whose


def _packed(needs: Estimate) -> int:
    return min(_MOST_PACKED, max(2, needs.users))


def _rounded(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"  # noqa: PLR2004 - tenths are noise from here on
