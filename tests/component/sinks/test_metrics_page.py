from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from raysim.sinks.exposition import CONTENT_TYPE, exposition
from raysim.sinks.metrics_page import MetricsPage
from raysim.sinks.metrics_sink import SinkError
from tests.component.sinks.metrics_run import metrics_snapshot

LOCAL = "127.0.0.1"


@pytest.fixture
def page() -> Iterator[MetricsPage]:
    made = MetricsPage(0, 0.0, LOCAL)
    made.send(metrics_snapshot(requests=1))
    yield made
    made.finish()


def get(page: MetricsPage, path: str = "/metrics", method: str = "GET", encoding: str = "identity") -> httpx.Response:
    headers = {"Accept-Encoding": encoding}
    return httpx.request(method, f"http://{LOCAL}:{page.port}{path}", headers=headers, trust_env=False)


def test_a_scrape_gets_the_last_snapshot(page: MetricsPage) -> None:
    snapshot = metrics_snapshot(requests=4)
    page.send(snapshot)
    answer = get(page)
    assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    assert answer.content == exposition(snapshot.families, snapshot.constants)
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(("encoding", "zipped"), [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False)])
def test_it_is_compressed_for_those_who_can_read_that(page: MetricsPage, encoding: str, zipped: bool) -> None:
    answer = get(page, encoding=encoding)
    assert ("content-encoding" in answer.headers) == zipped
    assert answer.content == page.text()
    assert (int(answer.headers["content-length"]) < len(page.text()) / 3) == zipped


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "GET", 404), ("/metrics", "POST", 501), ("/metrics", "DELETE", 501)]
)
def test_there_is_nothing_else(page: MetricsPage, path: str, method: str, status: int) -> None:
    assert get(page, path, method).status_code == status


def test_a_port_that_is_taken_is_said_and_tried_again(page: MetricsPage) -> None:
    second = MetricsPage(page.port, 0.0, LOCAL)
    with pytest.raises(SinkError, match=rf"cannot listen at 127.0.0.1:{page.port}: Address already in use; set"):
        second.send(metrics_snapshot())
    page.finish()
    second.send(metrics_snapshot())
    assert get(second).status_code == 200
    second.finish()


def test_the_last_values_wait_for_whoever_scraped_before() -> None:
    page = MetricsPage(0, 3600.0, LOCAL)
    page.send(metrics_snapshot(requests=1))
    get(page)
    page.send(metrics_snapshot(requests=2))
    ending = threading.Thread(target=page.finish)
    ending.start()
    assert "loadtest_run_requests_total" in get(page).text
    ending.join(30)
    assert page.port == 0


def test_nobody_waits_for_a_page_that_nobody_scrapes() -> None:
    page = MetricsPage(0, 3600.0, LOCAL)
    page.send(metrics_snapshot())
    page.finish()
    assert page.port == 0
