"""A summary as a long table: one row a figure and scope, for spreadsheets and other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

#: columns of the CSV, in their order
COLUMNS = ("run_id", "scenario", "scope", "name", "metric", "statistic", "value", "unit")

_GROUPS = {
    "tenants": ("tenant", "org_id"),
    "models": ("model", "model"),
    "endpoints": ("endpoint", "endpoint"),
    "phases": ("phase", "name"),
}
_QUANTITIES = ("ttft", "itl", "tpot", "latency", "response_time", "tps", "queue", "held")
_STATISTICS = ("mean", "p50", "p75", "p90", "p95", "p99", "min", "max", "count")
_COUNTS = ("total", "success", "error", "refused", "cancelled", "headline")

Row = tuple[str, str, float | None, str]


def csv_text(summary: Mapping[str, Any]) -> str:
    """The table as CSV (RFC 4180) with a head line; an empty value is one that is not known."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    head = (summary["run_id"], summary["scenario"])
    for scope, name, group in _scopes(summary):
        for metric, statistic, value, unit in _figures(group):
            writer.writerow((*head, scope, name, metric, statistic, "" if value is None else repr(value), unit))
    return out.getvalue()


def _scopes(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    yield "run", "", summary
    for key, (scope, name) in _GROUPS.items():
        for entry in summary[key]:
            yield scope, entry[name], entry


def _figures(group: Mapping[str, Any]) -> Iterator[Row]:
    for name in _COUNTS:
        yield "requests", name, group["requests"][name], "count"
    for kind, number in group["requests"]["by_error"].items():
        yield "requests_by_error", kind, number, "count"
    yield "error_rate", "", group["error_rate"], "share"
    yield "tokens", "prompt", group["tokens"]["prompt"], "tokens"
    yield "tokens", "completion", group["tokens"]["completion"], "tokens"
    yield "cost", "", group["cost"]["usd"], "USD"
    yield "cost", "per_million_tokens", group["cost"]["usd_per_million_tokens"], "USD"
    yield "throughput", "requests", group["throughput"]["requests_per_s"], "1/s"
    yield "throughput", "output_tokens", group["throughput"]["output_tokens_per_s"], "1/s"
    goodput = group.get("goodput")
    if goodput is not None:
        yield "goodput", "requests", goodput["requests"], "share"
        yield "goodput", "tokens", goodput["tokens"], "share"
        yield "goodput", "requests_per_s", goodput["requests_per_s"], "1/s"
    for quantity in _QUANTITIES:
        block = group[quantity]
        for statistic in _STATISTICS:
            yield quantity, statistic, block[statistic], "count" if statistic == "count" else block["unit"]
