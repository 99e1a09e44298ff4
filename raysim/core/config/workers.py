"""`spec.workers`: the nodes that play the users."""

from __future__ import annotations

import math

from pydantic import Field

from raysim.core.config.base import Count, Cpu, Memory, Part


class ResourceAmounts(Part):
    """CPU and memory in Kubernetes' notation."""

    cpu: Cpu | None = Field(None, description="CPU, such as 500m or 2 (cores); not stated by default")
    memory: Memory | None = Field(None, description="memory, such as 512Mi or 1Gi; not stated by default")


class ResourcesSpec(Part):
    """What a worker pod asks for and where it is stopped. Used when manifests are rendered."""

    requests: ResourceAmounts = Field(
        default_factory=lambda: ResourceAmounts(cpu="500m", memory="512Mi"),
        description="what the scheduler reserves for a pod",
    )
    limits: ResourceAmounts = Field(
        default_factory=lambda: ResourceAmounts(cpu="1000m", memory="1Gi"),
        description="what a pod can use at most",
    )


class Toleration(Part):
    """A Kubernetes toleration."""

    key: str | None = Field(None, description="taint to tolerate; all by default")
    operator: str | None = Field(None, description="Exists or Equal")
    value: str | None = Field(None, description="value of the taint")
    effect: str | None = Field(None, description="NoSchedule, PreferNoSchedule or NoExecute")
    toleration_seconds: int | None = Field(None, strict=True, description="how long NoExecute is tolerated, in seconds")


class WorkersSpec(Part):
    """How many nodes play the users, and how users share actors."""

    replicas: Count | None = Field(
        None, description="worker nodes; by default as many as the users need at usersPerWorker each"
    )
    users_per_worker: Count = Field(
        20, description="users a node plays at most; 10 to 50 keep a small node from distorting what it measures"
    )
    users_per_actor: Count = Field(
        1, description="users that share one actor; one by default, more when memory is short (about 60 MiB an actor)"
    )
    resources: ResourcesSpec = Field(
        default_factory=ResourcesSpec, description="CPU and memory of a worker pod; used when manifests are rendered"
    )
    image: str | None = Field(None, description="container image; used when manifests are rendered")
    env: dict[str, str] = Field(
        default_factory=dict, description="environment of worker pods, no secrets; used when manifests are rendered"
    )
    node_selector: dict[str, str] = Field(
        default_factory=dict, description="labels of nodes to run on; used when manifests are rendered"
    )
    tolerations: tuple[Toleration, ...] = Field(
        (), description="taints of nodes to run on nevertheless; used when manifests are rendered"
    )

    def replicas_for(self, users: int) -> int:
        """Worker nodes for `users` users: the number given, else as many as they need."""
        return self.replicas if self.replicas is not None else max(1, math.ceil(users / self.users_per_worker))
