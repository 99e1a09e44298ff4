"""`report.html` in a real browser, from the disk, with the network off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.component.report.html.sample import sample
from tests.services.chromium import Tab, browser

pytestmark = pytest.mark.xdist_group("browser")

#: what of each series is drawn, by the chart's id
_MARKS = """Object.fromEntries([...document.querySelectorAll(".plot")].map((plot) => [plot.id, {
    lines: [...plot.querySelectorAll("path.js-line")].filter((line) => line.getAttribute("d")?.length > 4).length,
    bars: plot.querySelectorAll(".barlayer .point path").length,
    points: plot.querySelectorAll(".scatterlayer path.point").length,
    shades: plot.querySelectorAll(".shapelayer path").length,
    high: plot.querySelector(".main-svg")?.getBoundingClientRect().height ?? 0,
}]))"""


@dataclass(frozen=True)
class Opened:
    """The sample run's page, on the disk and in a browser."""

    path: Path
    data: dict[str, Any]
    tab: Tab


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("browser")
    path = folder / "report.html"
    _, page = sample()
    path.write_text(page.text, encoding="utf-8")
    with browser(folder / "profile") as tab:
        yield Opened(path, page.data, tab)


def wanted_marks(chart: dict[str, Any]) -> dict[str, int]:
    """How much of a chart is to be seen at least: bars and dots one by one, lines where two points meet."""
    wanted = {"lines": 0, "bars": 0, "points": 0}
    for series in chart["series"]:
        known = [value is not None for value in series["y"]]
        if series["draw"] in ("bars", "points"):
            wanted[series["draw"]] += sum(known)
        elif any(map(all, pairwise(known))):
            wanted["lines"] += 1
    assert any(wanted.values())
    return wanted


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_every_chart_is_drawn_and_nothing_is_asked_for(opened: Opened, width: int, dark: bool) -> None:
    tab = opened.tab
    tab.open(opened.path, width=width, dark=dark)
    drawn = tab.evaluate(_MARKS)
    assert len(drawn) == len(opened.data["charts"]) > 15
    for chart in opened.data["charts"]:
        found = drawn[f"chart-{chart['id']}"]
        assert found["high"] > 150, chart["id"]
        wanted = wanted_marks(chart)
        assert {kind: min(found[kind], number) for kind, number in wanted.items()} == wanted, chart["id"]
        if chart["over"] == "time":
            assert found["shades"] >= len(opened.data["phases"])
    assert tab.trouble == []
    # blobs and data are the page's own
    assert [url for url in tab.requested if not url.startswith(("blob:", "data:"))] == [opened.path.as_uri()]
    # the page is no wider than its window: tables scroll by themselves
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in paper.strip("rgb()").split(",")) < 150) == dark
    assert tab.screenshot(opened.path.with_name(f"{width}{'-dark' if dark else ''}.png"))[0] == width


def test_names_are_text_in_charts_and_these_zoom_together(opened: Opened) -> None:
    opened.tab.open(opened.path, width=1400)
    assert opened.tab.evaluate("document.querySelectorAll('img, iframe, a[href^=javascript]').length") == 0
    legend = opened.tab.evaluate(
        "document.querySelector('#chart-tenants-requests').parentNode.querySelector('.legend').textContent"
    )
    assert "</script><script>alert(1)</script>" in legend
    # the same page: a zoom in one chart is the zoom of all
    ranges = opened.tab.evaluate(
        """(async () => {
            const [one, other] = ["chart-users", "chart-ttft-time"].map((id) => document.getElementById(id));
            const moved = new Promise((done) => other.on("plotly_relayout", done));
            await Plotly.relayout(one, { "xaxis.range[0]": 10, "xaxis.range[1]": 20 });
            await moved;
            return other.layout.xaxis.range;
        })()"""
    )
    assert ranges == [10, 20]
    # a legend hides its line
    shown = opened.tab.evaluate(
        """(() => {
            const chart = document.getElementById("chart-ttft-time");
            chart.parentNode.querySelector(".legend button").click();
            return chart.data.map((trace) => trace.visible !== false);
        })()"""
    )
    assert shown == [False, True, True]
