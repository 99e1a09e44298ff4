"""The page's tables: every cell a figure of the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from raysim.report.html.markup import Html, element, joined
from raysim.report.html.shown import figure, value_at
from raysim.report.numbers import time_scale

Summary = Mapping[str, Any]
#: a column: its title, the path below the row's own, and how the figure is written
Column = tuple[str, str, str]

#: more rows are for programs
_MOST_ROWS = 100
_STATISTICS = ("mean", "p50", "p75", "p90", "p95", "p99", "max", "min")
_ROWS = (
    ("ttft", "TTFT", "time to first token"),
    ("itl", "ITL", "gap between tokens"),
    ("tpot", "TPOT", "time per output token"),
    ("latency", "Latency", "sent to end"),
    ("response_time", "Response time", "due to end"),
    ("tps", "TPS", "tokens/s of one answer"),
    ("queue", "Queue", "as the platform says"),
    ("held", "Held back", "by raysim, on purpose"),
)
_TTFT: tuple[Column, ...] = (("TTFT p50 ms", "ttft.p50", "milliseconds"), ("TTFT p95 ms", "ttft.p95", "milliseconds"))
_PHASES: tuple[Column, ...] = (
    ("lasted", "ran_s", "elapsed"),
    ("target users", "target_users", "count"),
    ("mean users", "achieved_mean_users", "digits"),
    ("requests", "requests.total", "count"),
    ("errors", "error_rate", "share"),
    ("requests/s", "throughput.requests_per_s", "digits"),
    ("tokens/s", "throughput.output_tokens_per_s", "digits"),
    *_TTFT,
    ("latency p95 ms", "latency.p95", "milliseconds"),
)
_TENANTS: tuple[Column, ...] = (
    ("users", "users", "count"),
    ("requests", "requests.total", "count"),
    ("errors", "error_rate", "share"),
    ("refused", "requests.refused", "count"),
    *_TTFT,
    ("latency p95 ms", "latency.p95", "milliseconds"),
    ("TPS mean", "tps.mean", "digits"),
    ("requests/s", "throughput.requests_per_s", "digits"),
    ("tokens out", "tokens.completion", "count"),
    ("cost", "cost.usd", "usd"),
    ("budget", "cost.budget_usd", "usd"),
)
_MODELS: tuple[Column, ...] = (
    ("requests", "requests.total", "count"),
    ("errors", "error_rate", "share"),
    *_TTFT,
    ("ITL p50 ms", "itl.p50", "milliseconds"),
    ("latency p95 ms", "latency.p95", "milliseconds"),
    ("TPS mean", "tps.mean", "digits"),
    ("of theory", "tps_efficiency", "share"),
    ("cost", "cost.usd", "usd"),
    ("$ per 1M tokens", "cost.usd_per_million_tokens", "usd"),
    ("TPS per $", "tps_per_usd", "digits"),
)
_ENDPOINTS: tuple[Column, ...] = (
    ("requests", "requests.total", "count"),
    ("errors", "error_rate", "share"),
    *_TTFT,
    ("latency p50 ms", "latency.p50", "milliseconds"),
    ("latency p95 ms", "latency.p95", "milliseconds"),
    ("cost", "cost.usd", "usd"),
)
_BACKENDS: tuple[Column, ...] = (
    ("requests", "requests", "count"),
    ("tokens/s", "generation_tokens_per_s", "digits"),
    ("running", "running.mean", "digits"),
    ("waiting", "waiting.mean", "digits"),
    ("queue ms", "queue_mean_s", "milliseconds"),
    ("TTFT ms", "backend_ttft_mean_s", "milliseconds"),
    ("users' TTFT ms", "ttft_mean_s", "milliseconds"),
    ("ITL ms", "itl_mean_s", "milliseconds"),
    ("KV cache max", "kv_cache_ratio.max", "share"),
    ("GPU", "gpu_utilization_ratio.mean", "share"),
    ("page read", "up_share", "share"),
)
_BAD_IF_ANY = ("error_rate", "requests.error")


def figures_table(summary: Summary) -> Html:
    """The times of the run's requests, and how sure their means are."""
    rows = []
    for name, title, meaning in _ROWS:
        block = summary[name]
        if not block["count"]:
            continue
        form, unit = ("digits", "") if block["unit"] != "s" else _time_form(block["p50"])
        head = element("th", title, element("small", f" {meaning}{unit}"), scope="row")
        cells = [element("td", figure(summary, f"{name}.{key}", form)) for key in _STATISTICS]
        cells.insert(1, element("td", *_interval(summary, name, form), class_="ci"))
        rows.append(element("tr", head, *cells, element("td", figure(summary, f"{name}.count", "count"))))
    columns = ("", "mean", "95 % interval", *_STATISTICS[1:], "samples")
    return _table(columns, rows)


def _time_form(typical_s: float | None) -> tuple[str, str]:
    """Milliseconds, or seconds where those are what one would say."""
    _, unit = time_scale(typical_s)
    return ("digits", ", s") if unit == "s" else ("milliseconds", ", ms")


def _interval(summary: Summary, name: str, form: str) -> tuple[object, ...]:
    if summary[name]["mean_ci95"] is None:
        return ("",)
    return figure(summary, f"{name}.mean_ci95.0", form), " to ", figure(summary, f"{name}.mean_ci95.1", form)


def phases_table(summary: Summary) -> Html:
    """Phase by phase, the excluded ones too."""

    def name(phase: Summary) -> object:
        mark = element("small", " not in the figures") if phase["excluded"] else ""
        return joined((phase["name"], mark))

    return _group(summary, "phases", "phase", name, _PHASES)


def tenants_table(summary: Summary) -> Html:
    """Tenant by tenant."""
    return _group(summary, "tenants", "tenant", lambda tenant: tenant["org_id"], _TENANTS)


def models_table(summary: Summary) -> Html:
    """Model by model, with what its speed costs."""
    return _group(summary, "models", "model", lambda model: model["model"], _MODELS)


def endpoints_table(summary: Summary) -> Html:
    """Endpoint by endpoint; nothing where there is one alone."""
    if len(summary["endpoints"]) < 2:  # noqa: PLR2004 - one alone is the run
        return Html("")
    return _group(summary, "endpoints", "endpoint", lambda endpoint: endpoint["endpoint"], _ENDPOINTS)


def backends_table(summary: Summary) -> Html:
    """What backends said, beside what users felt of them."""

    def name(backend: Summary) -> object:
        of = ", ".join(filter(None, [*backend["kinds"], backend["model"], backend["gpu_type"]]))
        return joined((backend["backend"], element("small", f" {of}")))

    return _group(summary, "backends", "backend", name, _BACKENDS)


def errors_table(summary: Summary) -> Html:
    """Kinds of failure with what the platform said the first time."""
    rows = [
        element(
            "tr",
            element("th", error["kind"], element("small", f" {error['outcome']}"), scope="row"),
            element("td", figure(summary, f"errors.{number}.count", "count")),
            element("td", ", ".join(str(status) for status in error["http_statuses"])),
            element("td", element("code", error["sample"]) if error["sample"] else "", class_="sample"),
        )
        for number, error in enumerate(summary["errors"])
    ]
    return _table(("kind", "requests", "HTTP", "for example"), rows)


def fact_list(summary: Summary, facts: Iterable[tuple[str, str, str]]) -> Html:
    """Figures with their names above them; those that are not known are left out."""
    cells = [
        element("div", element("dt", name), element("dd", figure(summary, path, form)))
        for name, path, form in facts
        if value_at(summary, path) is not None
    ]
    return element("dl", *cells, class_="facts")


def _group(
    summary: Summary, key: str, title: str, name: Callable[[Summary], object], columns: Sequence[Column]
) -> Html:
    entries = summary[key]
    # a column without any value says nothing
    kept = [c for c in columns if any(value_at(entry, c[1]) is not None for entry in entries)]
    rows = []
    for number, entry in enumerate(entries[:_MOST_ROWS]):
        cells = [
            element("td", figure(summary, f"{key}.{number}.{path}", form, bad=path in _BAD_IF_ANY))
            for _, path, form in kept
        ]
        rows.append(element("tr", element("th", name(entry), scope="row"), *cells))
    more = f"and {len(entries) - _MOST_ROWS} more in summary.json" if len(entries) > _MOST_ROWS else ""
    return joined(
        (_table((title, *(column[0] for column in kept)), rows), element("p", more, class_="note") if more else "")
    )


def _table(columns: Sequence[str], rows: Sequence[Html]) -> Html:
    if not rows:
        return Html("")
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    body = element("table", element("thead", head), element("tbody", *rows))
    return element("div", body, class_="scroll", tabindex="0")
