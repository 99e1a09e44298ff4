"""A run's actors, found by their names.

A handle among an actor's constructor arguments would be kept in Ray's object store, and Ray warns that the actor cannot
be started again when it is lost from there. Names are always there.
"""

from __future__ import annotations

from typing import Any

import ray

from raysim.actors.cluster import run_namespace

#: the actor of the simulated platform that is started for a run
PLATFORM_NAME = "platform/embedded"


def metrics_name(shard: int) -> str:
    """What the metrics actor of a shard is called."""
    return f"metrics/{shard}"


def actor_named(name: str, run_id: str) -> Any | None:
    """The handle of the run's actor of that name; None when it has ended."""
    try:
        return ray.get_actor(name, namespace=run_namespace(run_id))
    except ValueError:
        return None
