"""Users leave a node that is about to go before it does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import ray
from ray._private.node import Node
from ray.cluster_utils import Cluster
from ray.core.generated import autoscaler_pb2

from tests.ray.conftest import Platform, Runner, short_load
from tests.ray.test_run import user_actors, wait_for

pytestmark = pytest.mark.ray


@pytest.fixture
def node(ray_cluster: Cluster) -> Iterator[Node]:
    """A second node, for this test alone."""
    added = ray_cluster.add_node(num_cpus=0, resources={"sim_user": 2}, object_store_memory=80 * 2**20)
    yield added
    ray_cluster.remove_node(added, allow_graceful=False)


def test_users_move_away_from_a_node_that_is_to_go(node: Node, runner: Runner, platform: Platform) -> None:
    packs = {"usersPerActor": 2, "usersPerWorker": 50}
    process = runner.start(short_load(platform, seconds=7, workers=packs), "moved")
    wait_for(runner.folder / "results" / "moved" / "events.jsonl", '"kind":"phase"')
    playing = user_actors(2)
    assert {actor.node_id == node.node_id for actor in playing} == {True, False}
    drained_s = time.monotonic()
    # what `ray drain-node` does
    # Ray's generated code has no types
    generated: Any = autoscaler_pb2
    why = generated.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
    raylet: Any = ray._raylet
    gcs = raylet.GcsClient(address=runner.address)
    assert gcs.drain_node(node.node_id, why, "preempted", int((time.time() + 20) * 1000))[0]
    # nothing of the run keeps it busy any more: Ray ends it long before its time
    node.all_processes["raylet"][0].process.wait(15)
    assert time.monotonic() - drained_s < 15
    run = runner.finish(process, "moved")
    assert run.exit_code in (0, 7), run.output
    (moving,), (moved,) = run.events("pack_moving"), run.events("users_moved")
    assert moving["detail"]["users"] == moved["detail"]["users"]
    assert (run.summary["users"]["lost"], run.events("pack_lost")) == (0, [])
    ids = pl.read_parquet(run.directory / "requests" / "*.parquet")["request_id"]
    books = platform.ledger()
    assert len(ids) == ids.n_unique() == len(books["requests"])
    assert set(ids) == {entry["request_id"] for entry in books["requests"]}
    assert {request_id.split("-")[-1].split(".")[0] for request_id in ids} == {"0", "1"}
    assert (books["total"]["users"]["created"], books["total"]["keys"]["active"]) == (4, 0)
