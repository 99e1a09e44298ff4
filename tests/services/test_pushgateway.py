"""A run's metrics in a real Pushgateway and a real Prometheus."""

from __future__ import annotations

import math
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from time import monotonic, time

import httpx
import pytest

from raysim.core.metrics.book import MetricsBook
from raysim.core.metrics.family import Kind
from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.core.plan.run_plan import RunPlan
from raysim.dashboards.catalog import DASHBOARDS
from raysim.dashboards.live_check import Found, answers
from raysim.dashboards.prometheus import Prometheus as Asked
from raysim.dashboards.questions import questions
from raysim.sinks import sink_http
from raysim.sinks.metrics_exporter import MetricsExporter
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.pushed_groups import delete_groups
from raysim.sinks.pushgateway import Pushgateway
from tests.component.sinks.metrics_run import metrics_plan, metrics_readings, metrics_snapshot
from tests.services.monitoring import Gateway, Prometheus, monitoring
from tests.unit.core.metrics.requests import batch, request

pytestmark = pytest.mark.xdist_group("monitoring")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Gateway, Prometheus]]:
    with monitoring() as started:
        yield started


@pytest.fixture
def gateway(servers: tuple[Gateway, Prometheus]) -> Gateway:
    servers[0].wipe()
    return servers[0]


@pytest.fixture
def prometheus(servers: tuple[Gateway, Prometheus]) -> Prometheus:
    return servers[1]


def pushed(gateway: Gateway, run_id: str, requests: int = 3) -> tuple[RunPlan, MetricsSnapshot]:
    plan = metrics_plan(run_id, gateway.url)
    snapshot = metrics_snapshot(plan, requests)
    Pushgateway(gateway.url, run_id).send(snapshot)
    return plan, snapshot


def test_what_is_not_known_yet_is_nan_there_and_counts_are_zero(gateway: Gateway) -> None:
    plan = metrics_plan("begins", gateway.url)
    Pushgateway(gateway.url, "begins").send(MetricsBook(plan, "1").snapshot(1.0, metrics_readings(plan)))
    lines = [line for line in gateway.text().splitlines() if 'test_run="begins"' in line]
    latency = [line.rpartition(" ")[2] for line in lines if line.startswith("loadtest_user_latency_seconds{")]
    assert len(latency) == 6
    assert all(math.isnan(float(value)) for value in latency)
    counts = [line.rpartition(" ")[2] for line in lines if line.startswith("loadtest_user_requests_total")]
    assert [float(value) for value in counts] == [0.0] * 8


def test_what_is_gone_from_the_run_is_gone_there(gateway: Gateway) -> None:
    plan, _ = pushed(gateway, "replaced")
    assert 'loadtest_user_errors_total{error_type="http_5xx"' in gateway.text()
    Pushgateway(gateway.url, "replaced").send(MetricsBook(plan, "1").snapshot(2.0, metrics_readings(plan)))
    assert "loadtest_user_errors_total{" not in gateway.text()


def test_a_clash_with_an_older_version_says_what_to_delete(gateway: Gateway) -> None:
    old = f"{gateway.url}/metrics/job/raysim/test_run/old/shard/run"
    body = "# TYPE loadtest_run_cost_usd_total gauge\nloadtest_run_cost_usd_total 1\n"
    httpx.put(old, content=body, trust_env=False).raise_for_status()
    sink = Pushgateway(gateway.url, "new")
    with pytest.raises(SinkError) as caught:
        sink.send(metrics_snapshot())
    assert "loadtest_run_cost_usd_total has another type in a group" in str(caught.value)
    (named,) = re.findall(r"curl -X DELETE '(.+)'", str(caught.value))
    httpx.delete(named, trust_env=False).raise_for_status()
    sink.send(metrics_snapshot())


def test_groups_of_a_run_are_deleted_and_others_stay(gateway: Gateway) -> None:
    pushed(gateway, "stays")
    pushed(gateway, "goes")
    Pushgateway(gateway.url, "goes").remove()
    assert {group["test_run"] for group in gateway.groups()} == {"stays"}


def test_a_clean_up_finds_and_counts_the_groups_of_a_killed_run(gateway: Gateway) -> None:
    pushed(gateway, "stays")
    plan, snapshot = pushed(gateway, "killed")
    Pushgateway(gateway.url, "killed", shard=3).send(snapshot)
    assert delete_groups(plan.metrics, "killed") == 3
    assert {group["test_run"] for group in gateway.groups()} == {"stays"}
    assert delete_groups(plan.metrics, "killed") == 0


def test_a_gateway_that_was_away_has_the_right_values_again(gateway: Gateway) -> None:
    plan = metrics_plan("outage", gateway.url)
    made = MetricsExporter(MetricsBook(plan, "1"), [Pushgateway(gateway.url, "outage")], 0.05)
    made.start()
    try:
        made.take(batch(request()))
        until_s = monotonic() + 30
        while made.state.sent == 0 and monotonic() < until_s:
            pass
        gateway.kill()
        made.take(batch(request()))
        while made.state.dropped == 0 and monotonic() < until_s:
            pass
        assert "cannot be reached" in made.state.trouble
    finally:
        gateway.start()
    made.finish()
    assert made.state.trouble == ""
    totals = [line for line in gateway.text().splitlines() if line.startswith("loadtest_run_requests_total")]
    assert [line.rpartition(" ")[2] for line in totals if 'status="success"' in line] == ["2"]
    dropped = [line for line in gateway.text().splitlines() if line.startswith("loadtest_run_pushes_dropped_total")]
    assert float(dropped[0].rpartition(" ")[2]) == made.state.dropped > 0


def test_a_gateway_that_swallows_everything_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_http, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        plan = metrics_plan("hole", url)
        made = MetricsExporter(MetricsBook(plan, "1"), [Pushgateway(url, "hole")], 0.05)
        made.start()
        made.take(batch(request()))
        made.finish()
    assert made.state.sent == 0
    assert made.state.dropped >= 1
    assert made.state.trouble == f"Pushgateway: {url} did not answer within 0.2 s"


# the last one, as Prometheus needs five seconds before it scrapes at all
def test_every_series_can_be_queried_with_its_value_and_type(gateway: Gateway, prometheus: Prometheus) -> None:
    _, snapshot = pushed(gateway, "queried")
    prometheus.await_value('loadtest_run_info{test_run="queried"}')
    found = prometheus.query('{__name__=~"loadtest_.+", test_run="queried"}')
    assert len(found) == snapshot.size
    assert {each["metric"]["shard"] for each in found} == {"run", "0"}
    assert {each["metric"]["job"] for each in found} == {"raysim"}
    values = {each["metric"]["__name__"]: float(each["value"][1]) for each in found}
    assert values["loadtest_run_cost_usd_total"] == 0.75
    assert values["loadtest_worker_memory_bytes"] == 5e7
    (ttft,) = prometheus.query('loadtest_llm_ttft_seconds_summary{test_run="queried", quantile="0.5", backend="gpu-1"}')
    assert float(ttft["value"][1]) == pytest.approx(0.1, rel=0.01)
    quantile = 'histogram_quantile(0.5, loadtest_llm_time_to_first_token_seconds_bucket{test_run="queried"})'
    assert prometheus.value(f"max({quantile} >= 0)") == pytest.approx(0.075)  # the middle of its bucket
    metadata = httpx.get(f"{prometheus.url}/api/v1/metadata", trust_env=False).json()["data"]
    for values_ in snapshot.families:
        assert metadata[values_.family.name][0]["type"] == values_.family.kind
        assert values_.family.kind in list(Kind)


def test_every_query_of_the_dashboards_is_answered(gateway: Gateway, prometheus: Prometheus) -> None:
    pushed(gateway, "shown", requests=3)
    prometheus.await_value('loadtest_run_info{test_run="shown"}')
    pushed(gateway, "shown", requests=30)
    prometheus.await_value('rate(loadtest_run_cost_usd_total{test_run="shown"}[1m]) > 0')
    with closing(Asked(prometheus.url)) as asked:
        assert asked.last_push().run_id == "shown"
        assert asked.last_push("shown").unix_s <= time()
        given = list(answers(questions(DASHBOARDS), asked, "shown"))
    assert Counter(answer.found for answer in given)[Found.DATA] > 100
    assert [answer for answer in given if answer.wrong] == []
