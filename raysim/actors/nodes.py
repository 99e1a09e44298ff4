"""The cluster's nodes while a run goes on: which are there, which are about to go, which have stopped answering."""

from __future__ import annotations

import math
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from time import monotonic, time
from typing import Any

import ray
from ray.exceptions import RayError

from raysim.actors.cluster import USER_RESOURCE

#: nodes are looked at about this often, in seconds
_LOOK_EVERY_S = 1.0
#: a node that is there accepts a connection sooner than this, in seconds
_PATIENCE_S = 0.5
_MOST_LATE = 2
#: actors go on for at least this long when their node's raylet has died: until Ray takes the node for dead
_AFTERLIFE_S = 8.0


@dataclass(frozen=True, slots=True)
class Node:
    """One node as Ray sees it.

    Args:
        node_id: its id.
        address: its address.
        port: where its raylet listens.
        alive: whether Ray takes it for alive; it notices a death ten to twenty seconds late.
        leaves_in_s: how long actors on it may go on: infinite when somebody wants it to leave at no given time, None
            when nothing is known against it.
        slots: users that it has room for.
        free_slots: users that could still be placed on it.
    """

    node_id: str
    address: str
    port: int
    alive: bool
    leaves_in_s: float | None
    slots: float
    free_slots: float


class Nodes:
    """Looks at the cluster's nodes, not too often.

    Ray takes a node for dead when it has missed several heartbeats. Until then it would place actors on it, so every
    node that has slots for users is asked whether it accepts a connection.
    """

    def __init__(self) -> None:
        self._looked_s = -math.inf
        self._nodes: dict[str, Node] = {}
        #: when each node was first seen not to accept connections, monotonic seconds
        self._gone: dict[str, float] = {}
        #: how often in a row nodes have not answered in time
        self._late: dict[str, int] = {}

    def look(self) -> Mapping[str, Node]:
        """Every node by its id, as of at most a second ago."""
        if monotonic() - self._looked_s >= _LOOK_EVERY_S:
            self._nodes = {node.node_id: self._checked(node) for node in _nodes()}
            self._looked_s = monotonic()
        return self._nodes

    def _checked(self, node: Node) -> Node:
        if node.alive and node.slots > 0 and node.node_id not in self._gone:
            self._ask(node)
        gone_s = self._gone.get(node.node_id)
        if gone_s is None:
            return node
        left_s = max(0.0, gone_s + _AFTERLIFE_S - monotonic())
        return replace(node, leaves_in_s=min(left_s, math.inf if node.leaves_in_s is None else node.leaves_in_s))

    def _ask(self, node: Node) -> None:
        """A refused connection is certain; a late answer counts once it is the second in a row."""
        try:
            with socket.create_connection((node.address, node.port), _PATIENCE_S):
                late = 0
        except ConnectionRefusedError:
            late = _MOST_LATE
        except OSError:
            late = self._late.get(node.node_id, 0) + 1
        self._late[node.node_id] = late
        if late >= _MOST_LATE:
            self._gone[node.node_id] = monotonic()

    def is_gone(self, node_id: str) -> bool:
        """Whether a node is known to have ended, or accepts no connection."""
        node = self.look().get(node_id)
        return node_id in self._gone or (node is not None and not node.alive)

    @property
    def unfit(self) -> Collection[str]:
        """Nodes on which nothing is to be placed, although Ray might still think so."""
        return sorted(n.node_id for n in self.look().values() if n.alive and n.leaves_in_s is not None)

    @property
    def free_slots(self) -> float:
        """Users that could be placed on nodes that stay."""
        return sum(n.free_slots for n in self.look().values() if n.alive and n.leaves_in_s is None)


def has_ended(actor: Any) -> bool:
    """Whether an actor's process is known to have ended: its machine is there, and refuses to connect to it."""
    try:
        address = ray._private.state.actors(actor._actor_id.hex())["Address"]  # noqa: SLF001
        with socket.create_connection((address["IPAddress"], address["Port"]), _PATIENCE_S):
            return False
    except ConnectionRefusedError:
        return True
    except (OSError, RayError, KeyError, OverflowError):
        return False


def _nodes() -> list[Node]:
    try:
        table: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        # Ray's only other way to these is a dashboard that clusters may not have
        leaving: dict[str, int] = ray._private.state.state.get_draining_nodes()  # noqa: SLF001
        free: dict[str, dict[str, float]] = ray._private.state.available_resources_per_node()  # type: ignore[no-untyped-call]  # noqa: SLF001
    except RayError:
        return []
    return [
        Node(
            node_id=node["NodeID"],
            address=node["NodeManagerAddress"],
            port=node["NodeManagerPort"],
            alive=node["Alive"],
            leaves_in_s=_seconds_left(leaving.get(node["NodeID"])),
            slots=node["Resources"].get(USER_RESOURCE, 0.0),
            free_slots=free.get(node["NodeID"], {}).get(USER_RESOURCE, 0.0),
        )
        for node in table
    ]


def _seconds_left(deadline_ms: int | None) -> float | None:
    if deadline_ms is None:
        return None
    return max(0.0, deadline_ms / 1000 - time()) if deadline_ms > 0 else math.inf
