"""What all dashboards have in common, and what Grafana needs of their JSON."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from raysim.core.metrics.registry import FAMILIES, family_of
from raysim.dashboards.catalog import DASHBOARDS
from raysim.dashboards.dashboard import Dashboard
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.promql import read
from raysim.dashboards.questions import questions

each = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)


def panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    return [panel for panel in dashboard.document()["panels"] if panel["type"] != "row"]


@each
def test_it_can_be_imported_anywhere(dashboard: Dashboard) -> None:
    document = json.loads(dashboard.text())
    assert not {"__inputs", "__requires", "id"} & document.keys()
    assert [variable["name"] for variable in document["templating"]["list"]] == [
        "datasource",
        "run",
        "org",
        "model",
        "backend",
    ]
    everywhere = re.findall(r'"uid": "([^"]+)"', dashboard.text())
    assert set(everywhere) == {"${datasource}", f"raysim-{dashboard.name}"}
    used = set(re.findall(r"\$\{?(\w+)", dashboard.text()))
    assert used <= {"datasource", "run", "org", "model", "backend", "__rate_interval", "__all"}


@each
def test_panels_have_ids_of_their_own_and_lie_side_by_side(dashboard: Dashboard) -> None:
    document = dashboard.document()
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in document["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


@each
def test_every_panel_says_what_it_means_and_what_to_do(dashboard: Dashboard) -> None:
    for panel in panels(dashboard):
        means, _, act = panel["description"].partition("\n\n**What to do:** ")
        assert len(means) > 15
        assert len(act) > 15
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
    titles = [panel.title for section in dashboard.sections for panel in section.panels]
    assert len(set(titles)) == len(titles)


@each
def test_every_query_is_of_the_chosen_runs(dashboard: Dashboard) -> None:
    for panel in panels(dashboard):
        for target in panel["targets"]:
            for selector in read(target["expr"]).selectors:
                assert "test_run" in selector.matched, target["expr"]


def test_quantiles_are_never_averaged_or_added() -> None:
    for question in questions(DASHBOARDS):
        asked = read(question.expr)
        for selector in asked.selectors:
            found = family_of(selector.name)
            if found is not None and found.shares and selector.name == found.name:
                assert not re.search(r"\b(sum|avg|sum_over_time|avg_over_time|rate)\b", question.expr), question.expr
        if "histogram_quantile" in question.expr:
            assert "le" in asked.grouped


def test_every_family_is_shown_somewhere() -> None:
    shown = {selector.name for question in questions(DASHBOARDS) for selector in read(question.expr).selectors}
    unseen = {family.name for family in FAMILIES if not shown & set(family.exported_names)}
    # these are sums that others show by their parts, or what the others say in another form
    assert unseen == {
        "loadtest_llm_ttft_seconds_summary",  # its histogram can be combined
        "loadtest_run_requests_per_second",  # a rate can be taken over any span
        "loadtest_user_questions_total",
        "loadtest_user_requests_total",
        "loadtest_user_tokens_total",
    }


def test_a_panel_is_red_where_it_is_bad() -> None:
    rising = Steps(1, 2).document()["steps"]
    assert [(step["color"], step["value"]) for step in rising] == [("green", None), ("orange", 1), ("red", 2)]
    falling = Steps(40, 20, falling=True).document()["steps"]
    assert [(step["color"], step["value"]) for step in falling] == [("red", None), ("orange", 20), ("green", 40)]


def test_an_outcome_has_one_colour() -> None:
    document = Panel("t", "m", "a", (Query("x", "{{status}}"),)).document(1, 0, 0)
    colours = {
        override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
        for override in document["fieldConfig"]["overrides"]
        if override["properties"][0]["id"] == "color"
    }
    assert colours[r"/\berror$/"] == "red"
    assert len(set(colours.values())) == 4
