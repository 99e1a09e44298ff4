from __future__ import annotations

import gzip
from collections.abc import Callable

import httpx
import pytest

from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.pushgateway import Pushgateway, group_url
from tests.component.sinks.metrics_run import metrics_plan, metrics_snapshot

URL = "http://gateway:9091"
#: what a real one says
CLASH = (
    'pushed metrics are invalid or inconsistent with existing metrics: collected metric "loadtest_run_info" '
    '{ label:<name:"instance" value:"" > label:<name:"job" value:"raysim" > counter:<value:1 > } is not a GAUGE'
)


def gateway(answer: Callable[[httpx.Request], httpx.Response]) -> Pushgateway:
    return Pushgateway(URL, "run-1", client=httpx.Client(transport=httpx.MockTransport(answer)))


def test_each_push_replaces_the_two_groups_of_the_run() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    gateway(answer).send(metrics_snapshot())
    assert [(request.method, str(request.url)) for request in seen] == [
        ("PUT", f"{URL}/metrics/job/raysim/test_run/run-1/shard/run"),
        ("PUT", f"{URL}/metrics/job/raysim/test_run/run-1/shard/0"),
    ]
    run, shard = (gzip.decompress(request.content).decode() for request in seen)
    assert "# TYPE loadtest_run_info gauge" in run
    assert "loadtest_user_" not in run
    assert all(line.split("loadtest_")[1].startswith("user_") for line in shard.splitlines())


def test_without_users_there_is_no_group_for_them() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(202)

    gateway(answer).send(metrics_snapshot(metrics_plan(perUser=False)))
    assert [path.rpartition("/")[2] for path in seen] == ["run"]


@pytest.mark.parametrize(
    ("labels", "path"),
    [
        ({"job": "raysim", "test_run": "run-1"}, "job/raysim/test_run/run-1"),
        ({"instance": "", "job": "other"}, "job/other/instance@base64/="),
        ({"job": "a/b", "x": "ä ?"}, "job@base64/YS9i/x/%C3%A4%20%3F"),
    ],
)
def test_odd_labels_of_a_group_are_spelt_as_the_gateway_wants_them(labels: dict[str, str], path: str) -> None:
    assert group_url(URL, labels) == f"{URL}/metrics/{path}"


def test_a_clash_of_types_is_explained_with_what_ends_it() -> None:
    asked: list[str] = []
    groups = [
        {"labels": {"job": "raysim", "test_run": "old", "shard": "run"}, "loadtest_run_info": {"type": "COUNTER"}},
        {"labels": {"job": "raysim", "test_run": "run-1", "shard": "run"}, "loadtest_run_info": {"type": "GAUGE"}},
        {"labels": {"job": "node"}, "node_load1": {"type": "GAUGE"}},
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        if request.method == "GET":
            return httpx.Response(200, json={"status": "success", "data": groups})
        return httpx.Response(400, text=CLASH)

    sink = gateway(answer)
    for _ in range(2):
        with pytest.raises(SinkError) as caught:
            sink.send(metrics_snapshot())
        assert str(caught.value) == (
            f"{URL}/metrics/job/raysim/test_run/run-1/shard/run was refused: loadtest_run_info has another type in a "
            f"group that another version of raysim pushed; delete that group: "
            f"curl -X DELETE '{URL}/metrics/job/raysim/test_run/old/shard/run'"
        )
    # whose group it is was asked once
    assert asked == ["PUT", "GET", "PUT"]


def test_other_refusals_are_quoted() -> None:
    with pytest.raises(SinkError, match="was refused: 413 too large"):
        gateway(lambda _: httpx.Response(413, text="too\nlarge")).send(metrics_snapshot())


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (httpx.ReadTimeout("slow"), "did not answer within 5 s"),
        (httpx.ConnectError("Connection refused"), "cannot be reached: Connection refused"),
    ],
)
def test_a_gateway_that_is_not_there_is_said_to_be(failure: httpx.HTTPError, message: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(SinkError, match=message):
        gateway(answer).send(metrics_snapshot())
    with pytest.raises(SinkError, match=message):
        gateway(answer).remove()


def test_taking_back_deletes_the_groups_and_does_not_mind_that_they_are_gone() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url.path.rpartition('/')[2]}")
        return httpx.Response(202 if request.url.path.endswith("run") else 404)

    gateway(answer).remove()
    assert seen == ["DELETE run", "DELETE 0"]
