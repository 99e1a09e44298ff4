"""What else can break, and that neither load nor a tenant stays behind."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import polars as pl
import pytest

from raysim.actors.cluster import connect
from raysim.core.errors import PreflightError
from tests.ray.conftest import Platform, Runner, actors_of, short_load
from tests.ray.gateway import Gateway, recording_gateway
from tests.ray.test_run import wait_for

pytestmark = pytest.mark.ray


def test_a_killed_metrics_actor_costs_no_record(runner: Runner, platform: Platform) -> None:
    with recording_gateway() as gateway:
        spec = short_load(platform, seconds=7, metrics={"pushgatewayUrl": gateway.url, "exportInterval": "1s"})
        _kill_the_metrics_actor(runner, platform, gateway, spec)


def _kill_the_metrics_actor(runner: Runner, platform: Platform, gateway: Gateway, spec: dict[str, Any]) -> None:
    process = runner.start(spec, "no-metrics")
    directory = runner.folder / "results" / "no-metrics"
    wait_for(directory / "events.jsonl", '"kind":"phase"')
    parts = directory / "requests"
    # part 0 is on the disk, later rows are in the actor's memory alone
    while not (parts / "part-0-000000.parquet").exists():
        time.sleep(0.05)
    time.sleep(1)
    (victim,) = actors_of("MetricsActor")
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    run = runner.finish(process, "no-metrics")
    assert run.exit_code in (0, 7), run.output
    rows = pl.read_parquet(parts / "*.parquet")["request_id"].to_list()
    books = platform.ledger()
    assert len(rows) == len(set(rows)) == run.summary["requests"]["total"] == books["total"]["requests"]["total"] > 20
    assert set(rows) == {entry["request_id"] for entry in books["requests"]}
    assert run.summary["records_lost_estimate"] == 0
    (lost,), (back,) = run.events("metrics_lost"), run.events("metrics_back")
    assert lost["detail"]["shard"] == back["detail"]["shard"] == 0
    assert any("none is missing" in note for note in run.summary["notes"])
    assert "Traceback" not in run.output
    assert (books["total"]["keys"]["active"], books["total"]["orgs"]["active"]) == (0, 0)
    # the live metrics went on with what an earlier process had counted, and stay when the run is over
    assert gateway.total("run_requests_total") == gateway.total("user_requests_total") == len(rows)
    assert gateway.total("run_cost_usd_total") == pytest.approx(run.summary["cost"]["usd"])
    assert gateway.deleted == []


def test_a_killed_coordinator_goes_on_from_its_checkpoint(runner: Runner, platform: Platform) -> None:
    spec = short_load(platform, seconds=8, limits={"maxCostUsd": 1})
    spec["loadPattern"]["phases"] = [
        {"name": "sustained", "duration": "4s", "targetActiveUsers": 1},
        {"name": "spike", "duration": "4s", "targetActiveUsers": 4},
    ]
    process = runner.start(spec, "no-coordinator")
    directory = runner.folder / "results" / "no-coordinator"
    wait_for(directory / "events.jsonl", '"name":"sustained"')
    time.sleep(1)
    (victim,) = actors_of("Coordinator")
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    run = runner.finish(process, "no-coordinator")
    assert run.exit_code in (0, 7), run.output
    rows = pl.read_parquet(directory / "requests" / "*.parquet")
    books = platform.ledger()
    assert rows["request_id"].n_unique() == rows.height == books["total"]["requests"]["total"] > 20
    # the next phase began at its time, told by the new one
    assert rows.filter(pl.col("phase") == "spike")["user_id"].n_unique() == 4
    assert [event["detail"]["name"] for event in run.events("phase")] == ["sustained", "spike"]
    (restarted,) = run.events("coordinator_restarted")
    assert restarted["detail"]["away_s"] < 10
    assert run.summary["users"]["lost"] == 0
    assert any("the coordinator died" in note for note in run.summary["notes"])
    assert "the coordinator is back" in run.output
    assert "Traceback" not in run.output
    assert run.summary["cost"]["usd"] == pytest.approx(books["total"]["usd"])
    assert (books["total"]["keys"]["active"], books["total"]["orgs"]["active"]) == (0, 0)
    assert not (directory / "state").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_a_cluster_that_is_not_there_is_said_at_once(address: str) -> None:
    with pytest.raises(PreflightError, match=f"no Ray cluster answers at {address}"):
        connect(address, "run-1", 1)
