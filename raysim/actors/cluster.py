"""The Ray cluster that a run uses: joined when there is one, started when there is none."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError

from raysim.actors.address import answers, cluster_address
from raysim.core.errors import PreflightError

#: custom resource that says how many simulated users a node may play
USER_RESOURCE = "sim_user"
#: Ray's object store holds nothing of raysim's but batches in flight
_OBJECT_STORE_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One node that is alive: its id, its address, and what it offers; memory in MiB as Ray accounts for it."""

    node_id: str
    address: str
    cpus: float
    memory_mib: float
    user_slots: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the cluster offers, all nodes together. `own` when it was started for this run; `address` is how to join."""

    own: bool
    address: str
    nodes: int
    cpus: float
    memory_mib: float
    user_slots: float
    driver_node_id: str
    driver_node_ip: str
    namespace: str
    members: tuple[Member, ...]


def connect(address: str, run_id: str, slots_needed: int) -> Cluster:
    """Join the cluster at `address`, or start one on this machine.

    Args:
        address: `auto` (a running cluster if there is one, else a new local one), `local`, or a Ray address.
        run_id: names the namespace of the run's actors.
        slots_needed: simulated users that a cluster of our own must have room for.

    Raises:
        PreflightError: there is no cluster at `address`.
    """
    namespace = run_namespace(run_id)
    common: dict[str, Any] = {"namespace": namespace, "logging_level": logging.ERROR, "log_to_driver": False}
    found = cluster_address(address)
    if found:
        _join(found, common)
    else:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            address="local",
            resources={USER_RESOURCE: float(slots_needed)},
            object_store_memory=_OBJECT_STORE_BYTES,
            include_dashboard=False,
            **common,
        )
    return _describe(own=not found, address=found or _own_address(), namespace=namespace)


def run_namespace(run_id: str) -> str:
    """Where the actors of a run have their names, except for its coordinator."""
    return f"raysim-{run_id}"


@contextmanager
def visit(address: str, namespace: str) -> Iterator[None]:
    """Join the cluster at `address` to ask its actors something, and leave it again.

    Raises:
        PreflightError: there is no cluster at `address`.
    """
    _join(address, {"namespace": namespace, "logging_level": logging.ERROR, "log_to_driver": False})
    try:
        yield
    finally:
        disconnect()


def _join(address: str, common: dict[str, Any]) -> None:
    hint = "start one (`ray start --head --resources '{\"sim_user\": 50}'`), or use --address local"
    if not answers(address):
        raise PreflightError(f"no Ray cluster answers at {address}", hint=hint)
    try:
        ray.init(address=address, **common)
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise PreflightError(f"the Ray cluster at {address} cannot be joined: {error}", hint=hint) from error


def _own_address() -> str:
    address: str = ray.get_runtime_context().gcs_address
    return address


def _describe(*, own: bool, address: str, namespace: str) -> Cluster:
    members = tuple(
        Member(
            node_id=node["NodeID"],
            address=node["NodeManagerAddress"],
            cpus=node["Resources"].get("CPU", 0.0),
            memory_mib=node["Resources"].get("memory", 0.0) / 2**20,
            user_slots=node["Resources"].get(USER_RESOURCE, 0.0),
        )
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"]
    )
    driver_node = ray.get_runtime_context().get_node_id()
    return Cluster(
        own=own,
        address=address,
        nodes=len(members),
        cpus=sum(member.cpus for member in members),
        memory_mib=sum(member.memory_mib for member in members),
        user_slots=sum(member.user_slots for member in members),
        driver_node_id=driver_node,
        driver_node_ip=next((member.address for member in members if member.node_id == driver_node), "127.0.0.1"),
        namespace=namespace,
        members=members,
    )


def disconnect() -> None:
    """Leave the cluster; one that was started for this run ends."""
    ray.shutdown()
