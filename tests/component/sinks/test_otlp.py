from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from raysim.core.metrics.otlp import OtlpOrigin, otlp_request
from raysim.core.metrics.snapshot import Spread
from raysim.sinks.live_metrics import open_exporter
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.otlp import OtlpCollector
from raysim.sinks.sink_http import TIMEOUT_S
from raysim.sinks.windows import WindowStore
from tests.component.sinks.metrics_run import metrics_plan, metrics_snapshot
from tests.unit.core.metrics.requests import batch, request

# Ray brings both along; they have no types
METRICS_SERVICE = import_module("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
JSON_FORMAT = import_module("google.protobuf.json_format")

ORIGIN = OtlpOrigin("1.2.3", "run-1", "static", "chat", 1_699_999_900.0)


class Collector:
    """A server on this machine that keeps what it is sent and answers what it is told to."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append((self.path, dict(self.headers.items()), sent))
                self.send_response(collector.status)
                self.send_header("Content-Length", str(len(collector.body)))
                self.end_headers()
                self.wfile.write(collector.body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def metrics(request: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (resource,) = request["resourceMetrics"]
    (scope,) = resource["scopeMetrics"]
    names = [metric["name"] for metric in scope["metrics"]]
    assert len(names) == len(set(names))
    return {metric["name"]: metric for metric in scope["metrics"]}


def attributes(point: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"]["stringValue"] for each in point["attributes"]}


def assert_part_of(ours: Any, canonical: Any, where: str = "") -> None:
    """Whatever we wrote, protobuf writes the same way: 64-bit integers as text, enumerations as numbers, …"""
    assert type(ours) is type(canonical), where
    if isinstance(ours, dict):
        for key, value in ours.items():
            assert_part_of(value, canonical[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(canonical), where
        for place, (mine, other) in enumerate(zip(ours, canonical, strict=True)):
            assert_part_of(mine, other, f"{where}[{place}]")
    else:
        assert ours == canonical, where


def test_the_body_is_what_protobuf_makes_of_it() -> None:
    body = orjson.loads(orjson.dumps(otlp_request(metrics_snapshot(), ORIGIN)))
    message = JSON_FORMAT.ParseDict(body, METRICS_SERVICE.ExportMetricsServiceRequest())
    canonical = JSON_FORMAT.MessageToDict(
        message, use_integers_for_enums=True, always_print_fields_with_no_presence=True
    )
    assert_part_of(body, canonical)
    for metric in metrics(body).values():
        for point in metric.get("histogram", {}).get("dataPoints", ()):
            assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1
            assert sum(map(int, point["bucketCounts"])) == int(point["count"])


def test_every_family_is_there_with_its_values() -> None:
    snapshot = metrics_snapshot(requests=3)
    found = metrics(otlp_request(snapshot, ORIGIN))
    for values in snapshot.families:
        known = [
            each for each in values.series if isinstance(each, Spread) or each.value == each.value
        ]  # fmt: skip
        name = values.family.name
        points: list[Any] = next((data["dataPoints"] for data in found[name].values() if isinstance(data, dict)), [])
        assert len(points) == len(known), name
    total = found["loadtest_run_requests_total"]["sum"]
    assert (total["isMonotonic"], total["aggregationTemporality"]) == (True, 2)
    by_status = {attributes(point)["status"]: point for point in total["dataPoints"]}
    assert by_status["success"]["asDouble"] == 3.0
    assert attributes(by_status["success"]) == {"test_run": "run-1", "status": "success", "team": 'the "blue" one'}
    assert by_status["success"]["startTimeUnixNano"] == "1699999900000000000"
    assert by_status["success"]["timeUnixNano"] == "1700000000000000000"


def test_models_are_there_by_the_names_of_the_conventions() -> None:
    snapshot = metrics_snapshot(requests=3)
    found = metrics(otlp_request(snapshot, ORIGIN))
    for name in (
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
        "gen_ai.server.time_per_output_token",
    ):
        points = found[name]["histogram"]["dataPoints"]
        assert found[name]["unit"] == "s"
        assert sum(int(point["count"]) for point in points) > 0, name
        given = attributes(points[0])
        assert given["gen_ai.request.model"] == "gpt-4o"
        assert (given["gen_ai.operation.name"], given["gen_ai.provider.name"]) == ("chat", "static")
    assert found["gen_ai.client.operation.time_per_output_chunk"]["histogram"]["dataPoints"]
    usage = found["gen_ai.client.token.usage"]
    assert usage["unit"] == "{token}"
    kinds = {attributes(point)["gen_ai.token.type"] for point in usage["histogram"]["dataPoints"]}
    assert kinds == {"input", "output"}
    durations = found["gen_ai.client.operation.duration"]["histogram"]["dataPoints"]
    (latency,) = (each for each in snapshot.run if each.family.name == "loadtest_llm_latency_seconds")
    totals = [(each.sum, each.count) for each in latency.series if isinstance(each, Spread)]
    assert [(point["sum"], int(point["count"])) for point in durations] == totals


def test_it_arrives_at_a_collector(collector: Collector) -> None:
    for url in (collector.url, f"{collector.url}/v1/metrics"):
        OtlpCollector(url, ORIGIN).send(metrics_snapshot())
    for path, headers, sent in collector.requests:
        assert (path, headers["Content-Type"], headers["Content-Encoding"]) == (
            "/v1/metrics",
            "application/json",
            "gzip",
        )
        assert orjson.loads(gzip.decompress(sent)) == otlp_request(metrics_snapshot(), ORIGIN)
    assert len(collector.requests) == 2


def test_counts_of_a_process_that_goes_on_begin_where_the_first_one_began(collector: Collector, tmp_path: Path) -> None:
    plan = metrics_plan(pushgatewayUrl=None, otlpUrl=collector.url)
    WindowStore(tmp_path, run_id="run-1", users=True).send(metrics_snapshot())
    made = open_exporter(plan, 0, tmp_path)
    made.start()
    made.take(batch(request(), request()))
    made.finish()
    assert (made.state.sent, made.state.dropped) == (len(collector.requests), 0)
    last = metrics(orjson.loads(gzip.decompress(collector.requests[-1][2])))
    points = {attributes(point)["status"]: point for point in last["loadtest_run_requests_total"]["sum"]["dataPoints"]}
    assert points["success"]["asDouble"] == 2
    assert points["success"]["startTimeUnixNano"] == "1700000000000000000"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, b"no  such\nthing", "refused: 400 no such thing"),
        (503, b"", "refused: 503"),
        (307, b"", "refused: 307"),
        (
            200,
            b'{"partialSuccess": {"rejectedDataPoints": "3", "errorMessage": "too old"}}',
            "did not take 3 values: too old",
        ),
    ],
)
def test_what_is_not_taken_is_said(collector: Collector, status: int, body: bytes, message: str) -> None:
    collector.status, collector.body = status, body
    with pytest.raises(SinkError, match=message):
        OtlpCollector(collector.url, ORIGIN).send(metrics_snapshot())


@pytest.mark.parametrize("body", [b"", b"{}", b"ok", b'{"partialSuccess": {}}', b'{"partialSuccess": null}', b"[]"])
def test_what_is_taken_is_not(collector: Collector, body: bytes) -> None:
    collector.body = body
    OtlpCollector(collector.url, ORIGIN).send(metrics_snapshot())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ReadTimeout("slow"), f"did not answer within {TIMEOUT_S:g} s"),
        (httpx.ConnectError("nobody"), "cannot be reached: nobody"),
    ],
)
def test_a_collector_that_is_away_is_said(error: Exception, message: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    client = httpx.Client(transport=httpx.MockTransport(fail))
    with pytest.raises(SinkError, match=message):
        OtlpCollector("http://collector:4318", ORIGIN, client=client).send(metrics_snapshot())


def test_several_kinds_of_operation_have_no_name_in_common() -> None:
    snapshot = metrics_snapshot(metrics_plan())
    found = metrics(otlp_request(snapshot, OtlpOrigin("1", "run-1", "static", "", 0.0)))
    point = found["gen_ai.client.operation.duration"]["histogram"]["dataPoints"][0]
    assert "gen_ai.operation.name" not in attributes(point)
