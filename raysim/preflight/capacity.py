"""Does the plan fit the cluster?"""

from __future__ import annotations

from raysim.core.plan.estimate import Estimate
from raysim.preflight.check import Check

_MIB_PER_GIB = 1024.0


def check_slots(estimate: Estimate, user_slots: float) -> Check:
    """Whether every user finds a `sim_user` slot."""
    found = f"{estimate.users} users, {user_slots:g} sim_user slots"
    if user_slots >= estimate.users:
        return Check("user slots", "passed", found)
    return Check(
        "user slots",
        "failed",
        found,
        "start nodes with --resources '{\"sim_user\": N}' (workers.usersPerWorker each), or plan fewer users",
    )


def check_memory(estimate: Estimate, memory_mib: float) -> Check:
    """Whether the actors' processes fit into the cluster's memory."""
    need, have = estimate.memory_mib / _MIB_PER_GIB, memory_mib / _MIB_PER_GIB
    found = f"{estimate.actors} actors need about {need:.1f} GiB; this cluster has {have:.1f}"
    if memory_mib >= estimate.memory_mib:
        return Check("memory", "passed", found)
    packed = min(50, max(2, estimate.users))
    return Check("memory", "failed", found, f"set workers.usersPerActor: {packed}, or add nodes")
