"""The Ray cluster that a run uses: joined when there is one, started when there is none."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ray
from ray.exceptions import RayError

from raysim.core.errors import PreflightError

#: custom resource that says how many simulated users a node may play
USER_RESOURCE = "sim_user"
#: Ray's object store holds nothing of raysim's but batches in flight
_OBJECT_STORE_BYTES = 128 * 1024 * 1024
_DEFAULT_PORT = 6379
_PROBE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the cluster offers. `own` when it was started for this run; memory in MiB as Ray accounts for it."""

    own: bool
    nodes: int
    cpus: float
    memory_mib: float
    user_slots: float
    driver_node_id: str
    driver_node_ip: str
    namespace: str


def connect(address: str, run_id: str, slots_needed: int) -> Cluster:
    """Join the cluster at `address`, or start one on this machine.

    Args:
        address: `auto` (a running cluster if there is one, else a new local one), `local`, or a Ray address.
        run_id: names the namespace of the run's actors.
        slots_needed: simulated users that a cluster of our own must have room for.

    Raises:
        PreflightError: there is no cluster at `address`.
    """
    namespace = f"raysim-{run_id}"
    common: dict[str, Any] = {"namespace": namespace, "logging_level": logging.ERROR, "log_to_driver": False}
    found = _running_cluster() if address == "auto" else "" if address == "local" else address
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
    return _describe(own=not found, namespace=namespace)


def _running_cluster() -> str:
    """Address of the cluster that `ray start` or the environment names; empty when there is none that answers.

    The file of `ray start` stays behind when a cluster dies, and joining a cluster that is not there takes Ray minutes.
    """
    named = os.environ.get("RAY_ADDRESS", "")
    if named:
        return named
    noted = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"  # noqa: S108 - where Ray puts it
    try:
        address = noted.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return address if _answers(address) else ""


def _join(address: str, common: dict[str, Any]) -> None:
    hint = "start one (`ray start --head --resources '{\"sim_user\": 50}'`), or use --address local"
    if not _answers(address):
        raise PreflightError(f"no Ray cluster answers at {address}", hint=hint)
    try:
        ray.init(address=address, **common)
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise PreflightError(f"the Ray cluster at {address} cannot be joined: {error}", hint=hint) from error


def _answers(address: str) -> bool:
    """Whether something accepts connections at `HOST:PORT` or `ray://HOST:PORT`."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        with socket.create_connection((parts.hostname or "", parts.port or _DEFAULT_PORT), timeout=_PROBE_TIMEOUT_S):
            return True
    except (OSError, ValueError):
        return False


def _describe(*, own: bool, namespace: str) -> Cluster:
    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    context = ray.get_runtime_context()
    driver_node = context.get_node_id()
    totals = [node["Resources"] for node in alive]
    return Cluster(
        own=own,
        nodes=len(alive),
        cpus=sum(resources.get("CPU", 0.0) for resources in totals),
        memory_mib=sum(resources.get("memory", 0.0) for resources in totals) / 2**20,
        user_slots=sum(resources.get(USER_RESOURCE, 0.0) for resources in totals),
        driver_node_id=driver_node,
        driver_node_ip=next((n["NodeManagerAddress"] for n in alive if n["NodeID"] == driver_node), "127.0.0.1"),
        namespace=namespace,
    )


def disconnect() -> None:
    """Leave the cluster; one that was started for this run ends."""
    ray.shutdown()
