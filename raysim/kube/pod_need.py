"""What the pods of a run ask Kubernetes for: read from what is rendered, so that the two cannot differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from raysim.core.config.scenario import Scenario
from raysim.core.plan.run_plan import RunPlan
from raysim.core.quantity import parse_quantity
from raysim.kube.pod import head_group, submitter_template, worker_group
from raysim.kube.sizing import worker_pods

Amounts = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class PodNeed:
    """Pods of one kind, with one container each.

    Args:
        name: head, worker or submitter.
        count: how many of them.
        requests: resource → amount for each: cores of `cpu`, bytes of `memory`. What is not stated is not in it.
        limits: the same for what each can use at most.
    """

    name: str
    count: int
    requests: Amounts
    limits: Amounts


@dataclass(frozen=True, slots=True)
class ClusterNeed:
    """The pods that a scenario's users need, and what would be instead if the scenario said something else."""

    scenario: Scenario
    plan: RunPlan

    @property
    def replicas(self) -> int:
        """Worker pods."""
        return worker_pods(self.scenario, self.plan).replicas

    @property
    def users_each(self) -> int:
        """The most users of a worker pod."""
        return -(-len(self.plan.users) // self.replicas)

    def pods(self) -> tuple[PodNeed, ...]:
        """Every pod of a RayJob."""
        head = head_group(self.scenario, self.plan, "", "")["template"]
        return (_need("head", 1, head), self.workers(self.replicas), _need("submitter", 1, submitter_template("")))

    def workers(self, count: int) -> PodNeed:
        """`count` of the worker pods alone."""
        return _need("worker", count, worker_group(self.scenario, self.plan, "")["template"])

    def with_workers(self, **fields: int) -> ClusterNeed:
        """The same users with other values below `spec.workers`."""
        spec = self.scenario.spec
        workers = spec.workers.model_copy(update=fields)
        changed = spec.model_copy(update={"workers": workers})
        return replace(self, scenario=self.scenario.model_copy(update={"spec": changed}))


def _need(name: str, count: int, template: Mapping[str, Any]) -> PodNeed:
    (container,) = template["spec"]["containers"]
    stated = {
        part: {key: parse_quantity(amount) for key, amount in container["resources"][part].items()}
        for part in ("requests", "limits")
    }
    # Kubernetes takes a limit for the request, too, where none is stated
    return PodNeed(name, count, stated["limits"] | stated["requests"], stated["limits"])
