"""A mix of endpoints and failures on real Ray, held against the platform's books."""

from __future__ import annotations

import math

import polars as pl
import pytest

from tests.ray.conftest import Platform, Runner, short_load
from tests.ray.test_run import files_holding

pytestmark = pytest.mark.ray

ENDPOINTS = [
    {"name": "chat", "weight": 3},
    {"name": "embeddings", "request": {"model": "text-embedding-3-small"}},
    {"name": "orgs"},
]


def test_a_mix_with_retries_equals_the_platforms_books(runner: Runner, platform: Platform) -> None:
    platform.faults(errorRate=0.3)
    spec = short_load(platform, users=3, seconds=5, endpoints=ENDPOINTS)
    spec["userBehavior"]["errorHandling"] = {"retryAttempts": 8, "retryBackoff": "10ms"}
    run = runner.run(spec, "mix")
    assert run.exit_code in (0, 7), run.output
    rows = pl.read_parquet(run.directory / "requests" / "*.parquet")
    books = platform.ledger()
    assert set(rows["endpoint"].unique()) == {"chat", "embeddings", "orgs"}
    at_router = rows.filter(pl.col("endpoint") != "orgs")
    assert at_router["attempts"].sum() == books["total"]["requests"]["total"] > at_router.height
    assert rows.filter(pl.col("error_type") != "").height == 0
    assert math.isclose(run.summary["cost"]["usd"], books["total"]["usd"], rel_tol=1e-9)
    assert [entry["model"] for entry in run.summary["models"]] == ["gpt-4o-mini", "text-embedding-3-small"]
    assert files_holding(run.directory, [*platform.keys, platform.admin_token]) == []
