"""What else can break, and that neither load nor a tenant stays behind."""

from __future__ import annotations

import os
import signal

import pytest
from ray.util.state import list_actors

from raysim.actors.cluster import connect
from raysim.core.errors import PreflightError
from tests.ray.conftest import Platform, Runner, short_load
from tests.ray.test_run import wait_for

pytestmark = pytest.mark.ray


def test_a_lost_metrics_actor_ends_the_run_and_removes_the_tenants(runner: Runner, platform: Platform) -> None:
    process = runner.start(short_load(platform, seconds=60), "no-metrics")
    wait_for(runner.folder / "results" / "no-metrics" / "events.jsonl", '"kind":"phase"')
    (victim,) = list_actors(filters=[("class_name", "=", "MetricsActor"), ("state", "=", "ALIVE")], detail=True)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    run = runner.finish(process, "no-metrics")
    assert run.exit_code == 1, run.output
    assert "what was created on the platform has been removed" in run.output
    assert "Traceback" not in run.output
    total = platform.ledger()["total"]
    assert (total["keys"]["active"], total["orgs"]["active"]) == (0, 0)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_a_cluster_that_is_not_there_is_said_at_once(address: str) -> None:
    with pytest.raises(PreflightError, match=f"no Ray cluster answers at {address}"):
        connect(address, "run-1", 1)
