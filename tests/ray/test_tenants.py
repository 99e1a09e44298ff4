"""What happens to one tenant, and what the report says of the others."""

from __future__ import annotations

import polars as pl
import pytest

from tests.ray.conftest import Runner, short_load

pytestmark = pytest.mark.ray


def test_a_budget_ends_one_tenant_alone_and_a_fault_comes_and_goes_at_its_time(runner: Runner) -> None:
    spec = short_load(
        users=4,
        seconds=8,
        organizations={"count": 2, "overrides": [{"index": 2, "budgetUsd": 0.0003}]},
        limits={"maxErrorRate": None},
        targets={"simulated": {"faultWindows": [{"start": "5s", "end": "6s", "faults": {"errorRate": 1.0}}]}},
    )
    run = runner.run(spec, "budget")
    assert run.exit_code in (0, 7), run.output
    summary = run.summary
    rows = pl.read_parquet(run.directory / "requests" / "*.parquet").with_columns(
        run_s=(pl.col("due_unix_ns") + pl.col("sent_ns")) / 1e9 - summary["started_at"]
    )
    spent = rows.filter(pl.col("error_type") == "budget_exceeded")
    assert sorted(spent["user_id"]) == [f"user-org-2-{number}" for number in range(1, 5)]
    assert set(spent["org_id"]) == {"org-2"}
    assert {event["detail"]["reason"] for event in run.events("user_left")} == {"budget_exceeded"}
    assert summary["tenants"][0]["quota"] is None
    cut = summary["tenants"][1]["quota"]
    assert (cut["verdict"], cut["refused"], cut["served_after_refusal"]) == ("at_budget", 4, 0)
    # the platform's clock of faults and the run's are within a few ms; a stream may be under way at the edges
    failed = rows.filter(pl.col("error_type") == "http_5xx")
    assert failed.height >= 5
    assert failed["run_s"].is_between(4.8, 6.2).all()
    assert rows.filter(pl.col("run_s").is_between(5.2, 5.8))["outcome"].unique().to_list() == ["error"]
    events = {event["kind"]: event for event in summary["isolation"]["events"]}
    assert (events["exhaustion"]["tenants"], events["exhaustion"]["others"]) == (["org-2"], ["org-1"])
    assert (events["fault"]["start_s"], events["fault"]["verdict"]) == (5.0, None)
    assert summary["billing"]["verdict"] == "agrees", summary["billing"]
