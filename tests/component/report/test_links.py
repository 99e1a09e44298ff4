"""Graphs of a run in its Prometheus."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from raysim.core.metrics.registry import FAMILIES
from raysim.report.html.page import html_text
from raysim.report.html.pieces import RunPieces
from raysim.report.links import prometheus_links
from raysim.report.markdown import markdown_text
from raysim.report.summary import summarise
from tests.component.report.sample_run import facts, lively, plan, rows

URL = "https://prometheus.example.com/team"


def summary(url: str = URL) -> dict[str, Any]:
    planned = plan()
    planned = replace(planned, metrics=replace(planned.metrics, prometheus_url=url))
    return summarise(rows(lively()), facts(plan=planned))


def test_links_show_this_run_and_its_time_and_only_metrics_that_there_are() -> None:
    known = {name for family in FAMILIES for name in family.exported_names}
    found = summary()
    for link in found["links"]:
        parts = urlsplit(link["url"])
        asked = {key: values[0] for key, values in parse_qs(parts.query, strict_parsing=True).items()}
        assert (parts.netloc, parts.path) == ("prometheus.example.com", "/team/graph")
        assert f'{{test_run="{found["run_id"]}"}}' in asked["g0.expr"]
        assert set(re.findall(r"loadtest_\w+", asked["g0.expr"])) <= known
        # half a minute before second 0 to half a minute after the end
        assert asked["g0.range_input"] == "112s"
    assert [link["title"] for link in found["links"]] == [
        "requests/s",
        "active users",
        "error ratio",
        "TTFT p95",
        "cost",
    ]


def test_a_graph_ends_after_the_run_in_utc() -> None:
    link = prometheus_links(URL, "run-a", 1_767_225_600.4, 60.0)[0]
    assert "g0.end_input=2026-01-01+00%3A01%3A31" in link["url"]


def test_there_are_none_without_an_address_or_a_run() -> None:
    assert summary("")["links"] == []
    assert prometheus_links(URL, "run-a", 0.0, 0.0) == []


def test_markdown_has_them() -> None:
    text = markdown_text(summary())
    assert f"[TTFT p95]({URL}/graph?g0.expr=histogram_quantile" in text
    assert "/graph?" not in markdown_text(summary(""))


def test_the_page_has_them_and_still_loads_nothing() -> None:
    with_links = html_text(RunPieces(summary(), rows(lively())))
    assert with_links.count('rel="noreferrer"') == len(summary()["links"])
    assert f'href="{URL}/graph?g0.expr=loadtest_run_active_users%7Btest_run%3D' in with_links
    assert 'rel="noreferrer"' not in html_text(RunPieces(summary(""), rows(lively())))
