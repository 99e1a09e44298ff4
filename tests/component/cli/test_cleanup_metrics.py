"""`raysim cleanup` and what a run pushed: deleted where that is wanted, said when it is not to be had."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from click.testing import CliRunner

from raysim.cleanup.cleaner import Cleaner
from raysim.cleanup.left_run import read_run
from raysim.cleanup.sweep import sweep
from raysim.cli.main import cli
from raysim.core.plan.metrics_plan import AccessPlan, MetricsPlan
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.pushed_groups import delete_groups
from raysim.tenancy.liveness import LifeMark
from tests.component.cli.test_cleanup import scenario_for, write_run
from tests.ray.gateway import Gateway, recording_gateway

OTHERS = [{"job": "raysim", "test_run": "run-2", "shard": "run"}, {"job": "node", "test_run": "run-1", "shard": "run"}]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with recording_gateway() as made:
        made.listed = [{"job": "raysim", "test_run": "run-1", "shard": shard} for shard in ("run", "0")] + OTHERS
        yield made


def left(root: Path, url: str, platform: str = "embedded", **cleanup: Any) -> Path:
    document = scenario_for("http://127.0.0.1:9", platform)
    document["spec"] |= {"metrics": {"pushgatewayUrl": url}, "cleanup": {"retainMetrics": False, **cleanup}}
    return write_run(root, document, [])


def cleaned(root: Path, *more: str) -> click.testing.Result:
    result = CliRunner().invoke(cli, ["cleanup", str(root), *more], standalone_mode=False)
    assert result.exception is None
    return result


def test_what_the_run_pushed_is_deleted_and_counted(gateway: Gateway, tmp_path: Path) -> None:
    result = cleaned(left(tmp_path / "run", gateway.url))
    assert result.return_value == 0
    assert result.output.splitlines() == [
        "run-1: nothing to do on the platform: its simulated platform ended with it, and its tenants too",
        f"run-1: 2 groups of metrics deleted from {gateway.url}",
    ]
    assert gateway.deleted == [f"/metrics/job/raysim/test_run/run-1/shard/{shard}" for shard in ("run", "0")]
    gateway.listed = OTHERS
    assert "run-1: no groups of metrics deleted from" in cleaned(tmp_path / "run").output


def test_metrics_that_are_to_stay_stay(gateway: Gateway, tmp_path: Path) -> None:
    result = cleaned(left(tmp_path / "run", gateway.url, retainMetrics=True))
    assert "metrics" not in result.output
    assert gateway.deleted == []


def test_a_gateway_that_is_away_is_a_line_and_no_failure(tmp_path: Path) -> None:
    result = cleaned(left(tmp_path / "run", "http://127.0.0.1:9"))
    assert result.return_value == 0
    line = result.output.splitlines()[-1]
    assert line.startswith("run-1: metrics were left behind: Pushgateway: http://127.0.0.1:9 cannot be reached: ")


def test_a_run_that_goes_on_keeps_its_metrics_unless_forced(gateway: Gateway, tmp_path: Path) -> None:
    root = left(tmp_path / "run", gateway.url)
    mark = LifeMark(root)
    result = cleaned(root)
    assert "metrics were left behind: Pushgateway: the run is looked after by" in result.output
    assert gateway.deleted == []
    assert "2 groups of metrics deleted" in cleaned(root, "--force").output
    mark.release()


def test_a_sweep_looks_at_old_runs_that_did_not_end(gateway: Gateway, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    roots = {name: left(results / name, gateway.url) for name in ("killed", "ended")}
    (roots["ended"] / "summary.json").write_text("{}")
    said: list[str] = []
    run = read_run(roots["killed"])

    def swept(older_than_s: float) -> list[int]:
        work = sweep(Cleaner({}, said.append), run.scenario, results, older_than_s, said.append)
        return [each.metrics.groups for each in asyncio.run(work) if each.metrics]

    assert swept(3600.0) == []
    time.sleep(0.01)
    assert swept(0.001) == [2]


def answering(status: int, text: str = "") -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, text=text)))


def test_one_that_does_not_say_what_it_has_is_told_to_delete_nevertheless() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        return httpx.Response(404 if request.method == "GET" else 202)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    assert delete_groups(MetricsPlan(pushgateway_url="http://old:9091"), "run-1", {}, client) == 2
    assert asked[1:] == [f"DELETE /metrics/job/raysim/test_run/run-1/shard/{shard}" for shard in ("run", "0")]


@pytest.mark.parametrize(
    ("status", "text", "message"),
    [
        (403, "no", "did not say what it has: 403 no"),
        (200, "<html>", "is this a Pushgateway?"),
        (200, '{"data": [{"labels": 7}]}', "is this a Pushgateway?"),
    ],
)
def test_a_gateway_that_will_not_say_is_told(status: int, text: str, message: str) -> None:
    with pytest.raises(SinkError, match=message):
        delete_groups(MetricsPlan(pushgateway_url="http://g:9091"), "run-1", {}, answering(status, text))


def test_a_credential_that_is_not_there_is_told() -> None:
    plan = MetricsPlan(pushgateway_url="http://g:9091", pushgateway_access=AccessPlan("gate", token_env="T"))
    with pytest.raises(SinkError, match="tokenEnv: the environment variable T is not set"):
        delete_groups(plan, "run-1", {}, answering(200))
