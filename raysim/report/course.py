"""Requests of all tenants on the run's own clock, as arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from raysim.core.aggregation.quota import TenantRequests
from raysim.core.isolation.course import Course
from raysim.core.records.outcome import ErrorKind
from raysim.report.facts import RunFacts

_NS = 1e-9
_SPENT = (str(ErrorKind.BUDGET_EXCEEDED), str(ErrorKind.QUOTA_EXCEEDED))
_SUCCEEDED = pl.col("outcome") == "success"
#: calls that need no tenant's key are not the tenant's
_TENANTS_OWN = pl.col("endpoint") != "orgs"


def timed(requests: pl.LazyFrame, facts: RunFacts) -> pl.DataFrame:
    """What happened to each request when, in seconds after second 0, in the order in which they were due."""
    sent, end = pl.col("sent_ns"), pl.col("end_ns")
    at_s = (pl.col("due_unix_ns") - round(facts.started_at * 1e9)) * _NS
    return (
        requests.filter(_TENANTS_OWN)
        .sort("due_unix_ns")
        .select(
            "org_id",
            "user_id",
            "excluded",
            "cost_usd",
            "reserved_usd",
            "max_tokens",
            "retry_after_s",
            "billed_usd",
            "stated_usage",
            "stated_limit",
            "prompt_tokens",
            "completion_tokens",
            at_s=at_s,
            sent_s=at_s + sent.fill_null(0) * _NS,
            end_s=at_s + end * _NS,
            stratum=pl.concat_str("model", "endpoint", separator="\n"),
            ttft_s=pl.when(_SUCCEEDED & pl.col("streamed")).then((pl.col("first_token_ns") - sent) * _NS),
            latency_s=pl.when(_SUCCEEDED).then((end - sent) * _NS),
            success=_SUCCEEDED,
            failed=pl.col("outcome") == "error",
            refused=pl.col("outcome") == "refused",
            spent=pl.col("error_type").is_in(_SPENT),
            limited=pl.col("error_type") == str(ErrorKind.RATE_LIMITED),
        )
        .collect()
    )


def course_of(rows: pl.DataFrame, facts: RunFacts) -> Course:
    """The same for the whole run; tenants in the plan's order, those that the plan does not know left out."""
    names = [tenant.name for tenant in facts.plan.tenants]
    numbers = pl.Series("org_id", names), pl.Series("tenant", range(len(names)), dtype=pl.Int64)
    known = rows.join(pl.DataFrame(list(numbers)), on="org_id", how="inner", maintain_order="left")
    strata = known["stratum"].rank("dense").cast(pl.Int64)
    return Course(
        tenants=tuple(names),
        users=tuple(tenant.users for tenant in facts.plan.tenants),
        tenant=known["tenant"].to_numpy(),
        stratum=strata.to_numpy(),
        **{
            name: _floats(known, name) for name in ("at_s", "ttft_s", "latency_s", "prompt_tokens", "completion_tokens")
        },
        **{name: known[name].to_numpy() for name in ("success", "failed", "refused", "spent", "limited", "excluded")},
    )


def requests_by_tenant(rows: pl.DataFrame) -> Iterator[tuple[str, TenantRequests]]:
    """Each tenant's requests in the order in which they were sent."""
    for key, mine in rows.sort("sent_s").partition_by("org_id", as_dict=True, maintain_order=True).items():
        floats = {"usd": "cost_usd", "sent_s": "sent_s", "end_s": "end_s", "retry_after_s": "retry_after_s"}
        yield (
            str(key[0]),
            TenantRequests(
                user=mine["user_id"].rank("dense").cast(pl.Int64).to_numpy(),
                **{name: _floats(mine, column) for name, column in floats.items()},
                **{name: mine[name].to_numpy() for name in ("success", "spent", "limited")},
            ),
        )


def _floats(rows: pl.DataFrame, name: str) -> np.ndarray:
    """A column of numbers, NaN where nothing is known."""
    return rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
