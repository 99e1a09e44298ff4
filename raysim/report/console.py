"""The tables at the end of a run, drawn from its summary. They read the same without colour, at 100 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from raysim.report.closing import closing_lines
from raysim.report.goals_text import in_unit, scope_text, threshold_style
from raysim.report.numbers import UNKNOWN, count, digits, elapsed, share, time_scale, usd

_COLUMNS = ("mean", "min", "p50", "p90", "p95", "p99", "max")
#: block of the summary, its row's name
_ROWS = (
    ("ttft", "TTFT, time to first token"),
    ("itl", "ITL, inter-token latency"),
    ("tpot", "TPOT, time per output token"),
    ("latency", "Request latency"),
    ("tps", "Output tokens/s per user"),
)
_TOTALS = (("output_tokens_per_s", "Output tokens/s"), ("requests_per_s", "Requests/s"))
#: wider tables are harder to read along
_WIDTH = 100
_LONGEST_SAMPLE = 100
#: more rows than this are for programs
_MOST_ROWS = 20
_STATUS_STYLES = {"completed": "bold green", "stopped": "bold yellow"}

_TTFT = ("TTFT p50\nms", "TTFT p95\nms")

Cell = str | Text


def render_summary(summary: dict[str, Any], console: Console) -> None:
    """Print the tables of `summary` (as `summarise` made it, or read back from `summary.json`)."""
    width = min(console.width, _WIDTH)
    console.print()
    console.print(_headline(summary))
    for make in (_main_table, _thresholds, _phases, _tenants, _models, _backends, _endpoints, _errors):
        table = make(summary)
        if table.row_count:
            console.print()
            console.print(table, width=width)
    closing = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    closing.add_column(no_wrap=True, style="bold")
    closing.add_column(overflow="fold")
    for name, text in closing_lines(summary):
        closing.add_row(name, text)
    console.print(Padding(closing, (1, 0)), width=width)


def _headline(summary: dict[str, Any]) -> Text:
    status, requests = summary["status"], summary["requests"]
    cost = summary["cost"]
    facts = (
        f"in {elapsed(summary['duration_s'])}",
        f"{count(requests['total'])} requests",
        f"{share(summary['error_rate'])} errors" if summary["error_rate"] is not None else "no answers",
        f"{count(summary['tokens']['completion'])} tokens out",
        usd(cost["usd"]),
    )
    text = Text()
    text.append(summary["scenario"], "bold")
    text.append(f"  {summary['run_id']}\n", "dim")
    text.append(status, _STATUS_STYLES.get(status, "bold red"))
    text.append(" " + " · ".join(facts))
    return text


def _main_table(summary: dict[str, Any]) -> Table:
    table = _table("", ["", *_COLUMNS], right=_COLUMNS)
    for name, title in _ROWS:
        block = summary[name]
        factor, unit = time_scale(block["p50"]) if block["unit"] == "s" else (1.0, "")
        row_name = f"{title} ({unit})" if unit and block["count"] else title
        table.add_row(row_name, _mean(block, factor), *(_scaled(block[column], factor) for column in _COLUMNS[1:]))
    for name, title in _TOTALS:
        table.add_row(title, digits(summary["throughput"][name]), *[""] * (len(_COLUMNS) - 1))
    excluded = [escape(phase["name"]) for phase in summary["phases"] if phase["excluded"]]
    table.caption = (
        f"{count(summary['requests']['headline'])} requests due in "
        + (f"phases other than {', '.join(excluded)}" if excluded else "all phases")
        + "; ± 95% confidence"
    )
    return table


def _thresholds(summary: dict[str, Any]) -> Table:
    table = _table("Thresholds", ["threshold", "of", "value", "samples", "verdict"], right=("value", "samples"))
    # those that failed are what a reader looks for
    for entry in sorted(summary["thresholds"], key=lambda entry: bool(entry["held"])):
        table.add_row(
            Text(entry["expression"]),
            Text(scope_text(entry["scope"])),
            in_unit(entry["value"], entry["unit"]),
            count(entry["samples"]),
            Text(entry["verdict"], threshold_style(entry["verdict"])),
        )
    table.columns[1].no_wrap = False
    return table


def _phases(summary: dict[str, Any]) -> Table:
    columns = ("lasted", "target\nusers", "mean\nusers", "requests", "req/s", "errors", *_TTFT)
    table = _table("Phases", ["phase", *columns], right=columns)
    for phase in summary["phases"]:
        table.add_row(
            Text(phase["name"] + (" *" if phase["excluded"] else "")),
            elapsed(phase["ran_s"]),
            count(phase["target_users"]),
            digits(phase["achieved_mean_users"]),
            count(phase["requests"]["total"]),
            digits(phase["throughput"]["requests_per_s"]),
            _errors_cell(phase),
            *_ttft(phase),
        )
    table.caption = "target: at the phase's end"
    if any(phase["excluded"] for phase in summary["phases"]):
        table.caption += "; *: not in the figures above"
    return table


def _tenants(summary: dict[str, Any]) -> Table:
    columns = ("users", "requests", "errors", "refused", *_TTFT, "TPS", "cost", "of\nbudget")
    table = _table("Tenants", ["org", *columns], right=columns)
    _fill(table, summary["tenants"], _tenant_row)
    return table


def _tenant_row(tenant: dict[str, Any]) -> list[Cell]:
    cost = tenant["cost"]
    budget = cost["budget_usd"]
    return [
        Text(tenant["org_id"]),
        count(tenant["users"]),
        count(tenant["requests"]["total"]),
        _errors_cell(tenant),
        count(tenant["requests"]["refused"]),
        *_ttft(tenant),
        digits(tenant["tps"]["mean"]),
        usd(cost["usd"]),
        UNKNOWN if not budget else share(cost["usd"] / budget),
    ]


def _models(summary: dict[str, Any]) -> Table:
    columns = ("requests", *_TTFT, "TPS", "cost", "$ per 1M\ntokens", "TPS\nper $")
    table = _table("Models", ["model", *columns], right=columns)
    legend = "TPS: output tokens/s of one answer; per $: by the dollars a million tokens cost"
    _fill(table, summary["models"], _model_row, legend)
    return table


def _model_row(model: dict[str, Any]) -> list[Cell]:
    return [
        Text(model["model"]),
        count(model["requests"]["total"]),
        *_ttft(model),
        digits(model["tps"]["mean"]),
        usd(model["cost"]["usd"]),
        usd(model["cost"]["usd_per_million_tokens"]),
        digits(model["tps_per_usd"]),
    ]


def _backends(summary: dict[str, Any]) -> Table:
    """What backends said of themselves; no rows where their pages were not read."""
    columns = ("requests", "tokens/s", "running", "waiting", "queue\nms", "TTFT\nms", "ITL\nms", "KV max", "GPU")
    table = _table("Backends", ["backend", *columns], right=columns)
    read = [backend for backend in summary["backends"] if backend["kinds"]]
    legend = "means of headline phases, by the backends' own metrics; KV max: the fullest that its cache was"
    _fill(table, read, _backend_row, legend)
    return table


def _backend_row(backend: dict[str, Any]) -> list[Cell]:
    return [
        Text(backend["backend"], "red" if backend["up_share"] == 0 else ""),
        count(backend["requests"]),
        digits(backend["generation_tokens_per_s"]),
        digits(backend["running"]["mean"]),
        digits(backend["waiting"]["mean"]),
        _scaled(backend["queue_mean_s"], 1e3),
        _scaled(backend["backend_ttft_mean_s"], 1e3),
        _scaled(backend["itl_mean_s"], 1e3),
        share(backend["kv_cache_ratio"]["max"]),
        share(backend["gpu_utilization_ratio"]["mean"]),
    ]


def _endpoints(summary: dict[str, Any]) -> Table:
    """What each endpoint of a mix did; no rows where there is one alone, whose figures are the run's."""
    columns = ("requests", "errors", *_TTFT, "latency\np50 ms", "latency\np95 ms", "cost")
    table = _table("Endpoints", ["endpoint", *columns], right=columns)
    if len(summary["endpoints"]) > 1:
        _fill(table, summary["endpoints"], _endpoint_row)
    return table


def _endpoint_row(endpoint: dict[str, Any]) -> list[Cell]:
    latency = endpoint["latency"]
    return [
        Text(endpoint["endpoint"]),
        count(endpoint["requests"]["total"]),
        _errors_cell(endpoint),
        *_ttft(endpoint),
        _scaled(latency["p50"], 1e3),
        _scaled(latency["p95"], 1e3),
        usd(endpoint["cost"]["usd"]),
    ]


def _errors(summary: dict[str, Any]) -> Table:
    table = _table("Requests that did not succeed", ["kind", "", "count", "HTTP", "for example"], right=("count",))
    for error in summary["errors"]:
        style = "red" if error["outcome"] == "error" else "yellow"
        statuses = ", ".join(str(status) for status in error["http_statuses"])
        sample = _printable(error["sample"])
        table.add_row(
            Text(error["kind"], style), error["outcome"], count(error["count"]), statuses or UNKNOWN, Text(sample)
        )
    table.columns[-1].overflow = "fold"
    table.columns[-1].no_wrap = False
    table.columns[-1].ratio = 1
    return table


def _fill(
    table: Table, entries: list[dict[str, Any]], row: Callable[[dict[str, Any]], list[Cell]], legend: str = ""
) -> None:
    for entry in entries[:_MOST_ROWS]:
        table.add_row(*row(entry))
    more = f"and {len(entries) - _MOST_ROWS} more in summary.json" if len(entries) > _MOST_ROWS else ""
    table.caption = "; ".join(filter(None, (more, legend))) or None


def _table(title: str, columns: Iterable[str], *, right: Iterable[str]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        caption_style="dim",
        padding=(0, 1, 0, 0),
        show_edge=False,
        expand=True,
    )
    aligned = set(right)
    # a narrow console folds names, never numbers
    for index, name in enumerate(columns):
        table.add_column(
            name,
            justify="right" if name in aligned else "left",
            no_wrap=index > 0,
            overflow="fold",
            header_style="bold",
        )
    return table


def _ttft(group: dict[str, Any]) -> tuple[Cell, Cell]:
    block = group["ttft"]
    return _scaled(block["p50"], 1e3), _scaled(block["p95"], 1e3)


def _errors_cell(group: dict[str, Any]) -> Cell:
    text = share(group["error_rate"])
    return Text(text, "red") if group["error_rate"] else text


def _mean(block: dict[str, Any], factor: float) -> str:
    interval = block["mean_ci95"]
    text = _scaled(block["mean"], factor)
    return text if interval is None else f"{text} ±{(interval[1] - interval[0]) / 2 * factor:.2g}"


def _printable(text: str) -> str:
    """What a platform said, in one line and without what would steer a terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST_SAMPLE else line[: _LONGEST_SAMPLE - 1] + "…"


def _scaled(value: float | None, factor: float) -> str:
    return UNKNOWN if value is None else digits(value * factor)
