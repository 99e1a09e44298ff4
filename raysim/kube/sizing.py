"""How large pods have to be: from what was measured of Ray's processes and of raysim's."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from raysim.core.config.scenario import Scenario
from raysim.core.config.workers import ResourceAmounts
from raysim.core.plan.estimate import ACTOR_MIB, USER_MIB
from raysim.core.plan.run_plan import RunPlan

#: Ray's own processes on a worker (raylet, its agents): a worker with fifty packed users peaked at 353 MiB in a control
#: group (benchmarks/pod_size.py), of which one actor and its users are 75 by the figures below
WORKER_BASE_MIB = 280.0
#: the same on the head, with the control store, the dashboard, the driver, the coordinator and the metrics actor: they
#: had 1,076 MiB resident with 1,000 users (benchmarks/thousand_users.py); the rest is for the report, not measured
HEAD_BASE_MIB = 1536.0
#: for each user: about 0.05 while the run goes on (from two runs), the rest for records that the report reads
HEAD_USER_MIB = 0.5
#: Ray's smallest object store; nothing of raysim's but batches in flight is in it
OBJECT_STORE_BYTES = 80_000_000
_HEADROOM = 1.25
_STEP_MIB = 64
_UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_QUANTITY = re.compile(r"([0-9.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)")


@dataclass(frozen=True, slots=True)
class Pods:
    """The worker pods of a run: how many, the users of each, and its memory need in MiB."""

    replicas: int
    users_each: int
    memory_mib: int


def worker_pods(scenario: Scenario, plan: RunPlan) -> Pods:
    """What the plan's users need.

    Memory: Ray's processes + 60 MiB for each actor + 0.3 MiB for each user, and a quarter more. docs/tuning.md says
    how each was measured.
    """
    workers = scenario.spec.workers
    replicas = workers.replicas_for(len(plan.users))
    users_each = max(workers.users_per_worker, math.ceil(len(plan.users) / replicas))
    actors_each = math.ceil(users_each / min(workers.users_per_actor, users_each))
    need = WORKER_BASE_MIB + actors_each * ACTOR_MIB + users_each * USER_MIB
    return Pods(replicas, users_each, _rounded(need * _HEADROOM))


def head_memory_mib(plan: RunPlan) -> int:
    """Memory for the head pod, in MiB."""
    return _rounded(HEAD_BASE_MIB + HEAD_USER_MIB * len(plan.users))


def mebibytes(quantity: str) -> float:
    """A Kubernetes quantity of memory in MiB. Quantities were checked when the scenario was read."""
    match = _QUANTITY.fullmatch(quantity)
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{quantity!r} is no quantity of memory")
    return float(match[1]) * _UNITS[match[2]] / 2**20


def with_memory(stated: ResourceAmounts, *, said: bool, need_mib: int) -> dict[str, str]:
    """Amounts as Kubernetes has them; memory that the scenario does not state itself is at least `need_mib`."""
    memory = stated.memory
    if not said and (memory is None or mebibytes(memory) < need_mib):
        memory = f"{need_mib}Mi"
    return {key: value for key, value in (("cpu", stated.cpu), ("memory", memory)) if value is not None}


def _rounded(need_mib: float) -> int:
    return math.ceil(need_mib / _STEP_MIB) * _STEP_MIB
