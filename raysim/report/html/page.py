"""The whole page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import polars as pl

from raysim.report.closing import closing_lines
from raysim.report.html import course_charts as course
from raysim.report.html import spread_charts as spread
from raysim.report.html import tables
from raysim.report.html.chart import Chart
from raysim.report.html.charting import chart_library, content_hash
from raysim.report.html.glossary import glossary
from raysim.report.html.markup import Html, element, json_script
from raysim.report.html.pieces import RunPieces
from raysim.report.html.verdicts import verdict_list, verdicts
from raysim.report.html.windows import Windows

_KEY_FACTS = (
    ("TTFT p50", "ttft.p50", "seconds"),
    ("TTFT p95", "ttft.p95", "seconds"),
    ("TTFT p99", "ttft.p99", "seconds"),
    ("ITL p50", "itl.p50", "seconds"),
    ("latency p95", "latency.p95", "seconds"),
    ("TPS of one answer", "tps.mean", "digits"),
    ("requests", "requests.total", "count"),
    ("requests/s", "throughput.requests_per_s", "digits"),
    ("output tokens/s", "throughput.output_tokens_per_s", "digits"),
    ("errors", "error_rate", "share"),
    ("cost", "cost.usd", "usd"),
    ("good requests", "goodput.requests", "share"),
)
_COST_FACTS = (
    ("spent", "cost.usd", "usd"),
    ("limit", "cost.limit_usd", "usd"),
    ("used of it", "cost.utilisation", "share"),
    ("not told by the platform", "cost.unverified_usd", "usd"),
    ("overspent", "cost.overspend_usd", "usd"),
    ("per 1M tokens", "cost.usd_per_million_tokens", "usd"),
    ("tokens in", "tokens.prompt", "count"),
    ("tokens out", "tokens.completion", "count"),
)
_GENERATOR_FACTS = (
    ("flagged requests", "load_generator.flagged_share", "share"),
    ("loop lag p99, ms", "load_generator.loop_lag_p99_ms", "digits"),
    ("send lag p99, ms", "load_generator.send_lag_p99_ms", "digits"),
    ("busiest actor, of a core", "load_generator.cpu", "share"),
    ("memory, MiB", "load_generator.memory_mib", "count"),
    ("actors", "load_generator.actors", "count"),
)
#: events that charts over time point out, and what they call them
_EVENTS = {
    "pack_lost": "users lost",
    "users_back": "users back",
    "coordinator_restarted": "coordinator restarted",
    "metrics_lost": "metrics actor lost",
    "money_short": "money short",
    "stopping": "stopping",
}
_MOST_EVENTS = 12
#: statuses that are not worth a warning
_GOOD = "completed"


def html_text(pieces: RunPieces) -> str:
    """The page of a run. The same pieces give the same text.

    Raises:
        RaysimError: the charting library is not installed.
    """
    summary = pieces.summary
    windows = _windows(pieces)
    charts: list[Chart] = []
    sections = list(_sections(pieces, windows, charts))
    library, library_hash = chart_library()
    script, style = _asset("page.js"), _asset("page.css")
    data = {
        "summary": summary,
        "charts": [chart.document() for chart in charts],
        "phases": [
            {key: phase[key] for key in ("name", "kind", "excluded", "start_s", "ran_s")} for phase in summary["phases"]
        ],
        "events": list(_events(pieces)),
        "duration_s": windows.width_s * windows.count,
        "rows": windows.rows.height,
    }
    policy = (
        f"default-src 'none'; script-src {content_hash(script.encode())} {library_hash}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{summary['scenario']} · {summary['run_id']}"),
        Html(f"<style>{style}</style>"),
    )
    body = element(
        "body",
        _header(summary),
        _navigation(sections),
        element("main", *(section for _, _, section in sections)),
        element("footer", f"raysim · {summary['run_id']} · every figure is that of summary.json"),
        json_script("data", data),
        Html(f'<script type="text/plain" id="library">{library}</script>'),
        Html(f"<script>{script}</script>"),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _asset(name: str) -> str:
    return files("raysim.report.html").joinpath(name).read_text(encoding="utf-8")


def _windows(pieces: RunPieces) -> Windows:
    """Second 0 and the length as the summary says, or as the rows do where it does not know."""
    started_at, duration_s = pieces.summary["started_at"], pieces.summary["duration_s"]
    if not started_at:
        first = pieces.requests.select(pl.col("due_unix_ns").min()).collect().item()
        started_at = (first or 0) / 1e9
    return Windows.of(pieces.requests, started_at, max(duration_s, 1.0))


def _header(summary: Mapping[str, Any]) -> Html:
    status = summary["status"]
    worst = verdicts(summary)[0].outcome
    tone = "failed" if status not in ("completed", "stopped") or worst == "failed" else "passed"
    started = summary["started_at"]
    when = datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if started else "never began"
    said = summary["stop_message"] or summary["stop_reason"]
    return element(
        "header",
        element("p", "Load test", class_="kicker"),
        element("h1", summary["scenario"]),
        element(
            "p",
            element("span", status, class_=f"badge {tone if status != _GOOD or tone == 'failed' else 'passed'}"),
            element("span", said, class_="said"),
        ),
        element(
            "p",
            element("code", summary["run_id"]),
            f" · {when} · seed ",
            element("code", summary["seed"]),
            class_="meta",
        ),
        tables.fact_list(summary, _KEY_FACTS),
        _links(summary["links"]),
    )


def _links(links: Sequence[Mapping[str, str]]) -> Html:
    """Out of the page, to where the run can be looked at more closely."""
    if not links:
        return Html("")
    anchors = [element("a", link["title"], href=link["url"], rel="noreferrer") for link in links]
    return element("p", "in Prometheus: ", *(part for anchor in anchors for part in (anchor, " ")), class_="meta links")


def _navigation(sections: Iterable[tuple[str, str, Html]]) -> Html:
    links = [element("a", title, href=f"#{name}") for name, title, _ in sections]
    return element("nav", *links, aria_label="Sections")


def _sections(pieces: RunPieces, windows: Windows, charts: list[Chart]) -> Iterator[tuple[str, str, Html]]:
    """Id, title and markup of each section; the charts in it are added to `charts`."""
    summary = pieces.summary

    def draw(found: Iterable[Chart], *, wide: bool = False) -> Html:
        drawn = [chart for chart in found if not chart.empty]
        charts.extend(drawn)
        figures = [_chart(chart) for chart in drawn]
        return element("div", *figures, class_="charts wide" if wide else "charts") if figures else Html("")

    def section(name: str, title: str, *content: object) -> tuple[str, str, Html]:
        return name, title, element("section", element("h2", title), *content, id=name)

    yield section("verdicts", "Verdicts", verdict_list(summary))
    load = list(course.load_charts(pieces, windows))
    yield section("load", "Load", draw(load[:1], wide=True), draw(load[1:]), tables.phases_table(summary))
    yield section(
        "times",
        "Times",
        element("p", _headline(summary), class_="note"),
        tables.figures_table(summary),
        draw(course.time_charts(windows)),
    )
    yield section("spread", "Distributions", draw(spread.distribution_charts(pieces, windows)))
    prompt = draw([spread.prompt_chart(pieces, windows)], wide=True)
    if prompt:
        yield section("prompts", "Prompt size", prompt)
    yield section("tenants", "Tenants", tables.tenants_table(summary), draw(course.tenant_charts(pieces, windows)))
    if summary["models"]:
        yield section("models", "Models", tables.models_table(summary), draw(spread.model_charts(pieces)))
    endpoints = tables.endpoints_table(summary)
    if endpoints:
        yield section("endpoints", "Endpoints", endpoints)
    if summary["backends"]:
        over_time: Iterable[Chart] = ()
        if pieces.backends is not None:
            over_time = course.backend_charts(pieces.backends, summary["started_at"], windows)
        yield section("backends", "Backends", tables.backends_table(summary), draw(over_time))
    if summary["errors"]:
        chart = draw([course.error_chart(pieces, windows)], wide=True)
        yield section("errors", "Errors", tables.errors_table(summary), chart)
    yield section(
        "cost", "Cost", tables.fact_list(summary, _COST_FACTS), draw([course.cost_chart(pieces, windows)], wide=True)
    )
    yield section(
        "generator",
        "Load generator",
        tables.fact_list(summary, _GENERATOR_FACTS),
        draw(course.generator_charts(windows)),
    )
    yield section("accounts", "Accounts", _accounts(summary))
    if pieces.scenario_text:
        yield section("scenario", "Scenario", element("pre", element("code", pieces.scenario_text)))
    yield section("definitions", "Definitions", glossary(summary))


def _chart(chart: Chart) -> Html:
    unit = {"s": "", "usd": "USD", "share": ""}.get(chart.unit, chart.unit)
    caption = element(
        "figcaption",
        chart.title,
        element("small", " · ".join(filter(None, (unit, chart.note)))) if unit or chart.note else "",
    )
    drawn = element("div", class_="plot", id=f"chart-{chart.id}", role="img", aria_label=chart.title)
    return element("figure", caption, drawn)


def _headline(summary: Mapping[str, Any]) -> str:
    excluded = [phase["name"] for phase in summary["phases"] if phase["excluded"]]
    phases = f"phases other than {', '.join(excluded)}" if excluded else "all phases"
    return f"Of {summary['requests']['headline']:,} requests due in {phases}; the charts show all phases."


def _accounts(summary: Mapping[str, Any]) -> Html:
    """What the console says under its tables, of users, tenants, questions and what was left behind."""
    rows: list[Html] = []
    for name, said in closing_lines(dict(summary)):
        rows.append(element("dt", name.removesuffix(":")))
        rows.append(element("dd", said.plain))
    return element("dl", *rows, class_="accounts")


def _events(pieces: RunPieces) -> Iterator[dict[str, Any]]:
    known = [e for e in pieces.events if e.get("kind") in _EVENTS and isinstance(e.get("run_s"), int | float)]
    for event in known[:_MOST_EVENTS]:
        yield {"at_s": event["run_s"], "name": _EVENTS[event["kind"]]}
    for event in (pieces.summary["isolation"] or {"events": []})["events"][:_MOST_EVENTS]:
        # what tenants did to each other has no line in the run's events
        who = ", ".join(event["tenants"])
        yield {"at_s": event["start_s"], "name": ": ".join(filter(None, (event["kind"].replace("_", " "), who)))}
        if event["end_s"] < pieces.summary["duration_s"]:
            yield {"at_s": event["end_s"], "name": "its end"}
