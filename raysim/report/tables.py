"""The small tables beside the requests: one row a tenant, a user, a phase. Flat, so that any tool reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from raysim.report.facts import RunFacts

Row = dict[str, Any]

#: figures that are worth a column: name in the table → (block, key) of the summary
_FIGURES = {
    "ttft_p50_s": ("ttft", "p50"),
    "ttft_p95_s": ("ttft", "p95"),
    "latency_p50_s": ("latency", "p50"),
    "latency_p95_s": ("latency", "p95"),
    "itl_p50_s": ("itl", "p50"),
    "tps_mean": ("tps", "mean"),
    "requests": ("requests", "total"),
    "errors": ("requests", "error"),
    "refused": ("requests", "refused"),
    "prompt_tokens": ("tokens", "prompt"),
    "completion_tokens": ("tokens", "completion"),
    "cost_usd": ("cost", "usd"),
}


def tenant_rows(summary: Mapping[str, Any], facts: RunFacts, org_ids: Mapping[str, str]) -> list[Row]:
    """One row a tenant; `platform_org_id` is its id on the platform, null when it was never created."""
    plans = {tenant.name: tenant for tenant in facts.plan.tenants}
    return [
        {
            "org_id": entry["org_id"],
            "platform_org_id": org_ids.get(entry["org_id"]),
            "slug": plans[entry["org_id"]].slug if entry["org_id"] in plans else None,
            "users": entry["users"],
            "budget_usd": entry["cost"]["budget_usd"],
            **_figures(entry),
        }
        for entry in summary["tenants"]
    ]


def phase_rows(summary: Mapping[str, Any]) -> list[Row]:
    """One row a phase of the plan."""
    keys = ("name", "kind", "excluded", "start_s", "planned_s", "ran_s", "target_users", "achieved_mean_users")
    return [{**{key: entry[key] for key in keys}, **_figures(entry)} for entry in summary["phases"]]


def load_rows(facts: RunFacts) -> list[Row]:
    """One row a sample of the load, about one a second."""
    return [{"run_s": s.run_s, "target": s.target, "active": s.active} for s in facts.samples]


def user_rows(
    requests: pl.LazyFrame, facts: RunFacts, user_ids: Mapping[str, str], left: Mapping[int, str]
) -> list[Row]:
    """One row a user of the plan, whether it asked or not; `left` says why a user went before the run's end."""
    sent = (
        requests.group_by("user_id")
        .agg(
            pl.len().alias("requests"),
            (pl.col("outcome") == "success").sum().alias("success"),
            (pl.col("outcome") == "error").sum().alias("errors"),
            (pl.col("outcome") == "refused").sum().alias("refused"),
            pl.col("prompt_tokens").sum(),
            pl.col("completion_tokens").sum(),
            pl.col("cost_usd").sum(),
            ((pl.col("first_token_ns") - pl.col("sent_ns")) / 1e9).median().alias("ttft_p50_s"),
            ((pl.col("end_ns") - pl.col("sent_ns")) / 1e9).median().alias("latency_p50_s"),
        )
        .collect()
    )
    measured = {row["user_id"]: row for row in sent.iter_rows(named=True)}
    nothing = {name: None if name.endswith("_s") else 0 for name in sent.columns if name != "user_id"}
    lost = {user.name: user.why for user in facts.lost if user.back_run_s is None}
    return [
        {
            "user_id": user.name,
            "platform_user_id": user_ids.get(user.name),
            "org_id": user.org_name,
            "model": user.model,
            "lost": lost.get(user.name),
            "left": left.get(user.index),
            **nothing,
            **measured.get(user.name, {}),
        }
        for user in facts.plan.users
    ]


def _figures(entry: Mapping[str, Any]) -> Row:
    return {name: entry[block][key] for name, (block, key) in _FIGURES.items()}
