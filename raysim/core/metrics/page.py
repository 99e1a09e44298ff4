"""`docs/metrics.md`: every metric, made from the registry."""

from __future__ import annotations

from raysim.core.metrics.family import Family, Group, Kind
from raysim.core.metrics.registry import BY_GROUP

_FOREWORD = """
# Metrics

This page is made from the registry in `raysim/core/metrics` by `make docs`. How these metrics get to Prometheus is in
[live-metrics.md](live-metrics.md).

All names begin with `loadtest_`. Base units: seconds, bytes, tokens, US dollars, and ratios from 0 to 1. Counters and
the counts of histograms and summaries are there at zero from the first push (those of a user from its set-up on); what
is not known is absent or NaN, never a made-up 0. Every request counts as soon as its record arrives, warm-up and
cool-down included; the final report leaves these out of its headline figures.

Quantiles are those of the whole run so far, from histograms with a relative error of less than 1 %. They cannot be
added up or averaged: use `histogram_quantile` over a histogram's buckets to get quantiles of several tenants, models or
backends together, or of a span of time.

A histogram exports `_bucket` (with `le`), `_sum` and `_count`; a summary its own name (with `quantile`), `_sum` and
`_count`. The scenario's `metrics.labels` are on every series. The Pushgateway adds `job="raysim"` and `shard`. A
collector of OpenTelemetry gets all of them by the same names, and [some besides](live-metrics.md#opentelemetry).

`test_run` is the run's id; `org_id` and `user_id` are names of the tenant and the user; `worker_pod` is the host name
of the node, on Kubernetes that of its pod; `backend` is what the platform's headers say, empty when they do not.
"""

_TITLES = {
    Group.WORKER: "Workers: the load generator itself",
    Group.USER: "Users",
    Group.RUN: "The run",
    Group.LLM: "Models",
    Group.BACKEND: "Backends",
    Group.COST: "Cost",
    Group.QUESTION: "Questions",
    Group.LIMIT: "Limits",
}


def metrics_page() -> str:
    """The page: a table for each group."""
    sections = [_FOREWORD, *(_section(group) for group in BY_GROUP), _buckets()]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _section(group: Group) -> str:
    lines = [f"## {_TITLES[group]}", "", f"Group `{group}` of `metrics.capture`."]
    if group is Group.USER:
        lines += ["Left out with `metrics.perUser: false`."]
    lines += ["", "| metric | type | unit | labels | is | absent |", "|---|---|---|---|---|---|"]
    lines += [_row(family) for family in BY_GROUP[group]]
    return "\n".join(lines)


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels if label != "test_run") or "none but `test_run`"
    kind = family.kind.value
    if family.kind is Kind.SUMMARY:
        kind += f" ({', '.join(f'{share:g}' for share in family.shares)})"
    return f"| `{family.name}` | {kind} | {family.unit} | {labels} | {family.help} | {family.absent} |"


def _buckets() -> str:
    lines = ["## Buckets", "", "Upper bounds of the histograms' buckets, beside `+Inf`.", ""]
    lines += [
        f"* `{family.name}`: {', '.join(f'{bound:g}' for bound in family.bounds)}"
        for families in BY_GROUP.values()
        for family in families
        if family.bounds
    ]
    return "\n".join(lines)
