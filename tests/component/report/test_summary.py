from __future__ import annotations

import json
import math
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from raysim.core.control.messages import PackHealth
from raysim.core.records.outcome import ErrorKind
from raysim.report.facts import LoadSample, LostUser, RunStatus
from raysim.report.run_dir import RunDir, read_json, write_json
from raysim.report.summary import summarise
from raysim.sinks.parquet import ParquetParts, read_requests
from tests.component.report.sample_run import MS, batch, facts, failure, lively, plan, plan_names, record, rows

#: the names that other programs rely on
PROMISED = {
    "schema_version": (),
    "run_id": (),
    "scenario": (),
    "status": (),
    "stop_reason": (),
    "started_at": (),
    "duration_s": (),
    "users": ("planned", "bootstrapped", "lost"),
    "requests": ("total", "success", "error", "refused", "cancelled", "headline", "by_error"),
    "error_rate": (),
    "tokens": ("prompt", "completion", "source"),
    "cost": ("usd", "limit_usd", "overspend_usd"),
    **dict.fromkeys(
        ("latency", "response_time", "ttft", "itl", "tpot", "tps", "queue"),
        ("mean", "mean_ci95", "p50", "p75", "p90", "p95", "p99", "max", "min", "count", "unit"),
    ),
    "throughput": ("requests_per_s", "output_tokens_per_s", "over_s", "success", "error"),
    "goodput": (),
    "tenants": (),
    "models": (),
    "endpoints": (),
    "phases": (),
    "questions": ("asked", "unique", "uniqueness", "repeated_on_purpose"),
    "prompts": ("cache", "shared_prefix_tokens", "target", "counted", "ratio", "met_share", "cached_share"),
    "think_time": ("configured", "planned", "actual", "ratio", "deviation", "within_10_percent", "lateness_ms"),
    "bootstrap": ("mean_s", "p50_s", "p95_s", "max_s", "success_rate"),
    "cleanup": ("status", "duration_s", "deleted", "suspended", "revoked", "retained", "remaining"),
    "isolation": (),
    "load_generator": ("verdict", "reasons", "loop_lag_p99_ms", "send_lag_p99_ms", "cpu"),
    "thresholds": (),
}


@pytest.mark.parametrize("count", [0, 1, 150])
def test_every_promised_key_is_there(count: int) -> None:
    summary = summarise(rows(lively(count)), facts())
    for key, below in PROMISED.items():
        assert key in summary
        assert not below or set(below) <= set(summary[key]), key


def test_definitions_by_hand() -> None:
    summary = summarise(rows([record()]), facts())
    assert summary["ttft"]["mean"] == pytest.approx(0.100)
    assert summary["latency"]["mean"] == pytest.approx(0.210)
    assert summary["response_time"]["mean"] == pytest.approx(0.211)
    assert summary["tpot"]["mean"] == pytest.approx(0.010)
    assert summary["tps"]["mean"] == pytest.approx(11 / 0.210)
    # five gaps of 20 ms for ten tokens: each counts as two gaps of 10 ms
    assert (summary["itl"]["count"], summary["itl"]["p50"]) == (10, pytest.approx(0.010))
    assert summary["queue"]["count"] == 0
    assert summary["load_generator"]["send_lag_p99_ms"] == pytest.approx(1.0)


def test_quantiles_are_exact_and_linear() -> None:
    times = [17, 3, 29, 8, 41, 5]
    records = [record(i, first_token_ns=MS + time * MS) for i, time in enumerate(times)]
    block = summarise(rows(records), facts())["ttft"]
    for name, share in (("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        assert block[name] == pytest.approx(float(np.quantile(times, share)) / 1e3)
    assert (block["min"], block["max"], block["count"], block["unit"]) == (0.003, 0.041, 6, "s")


def test_mean_itl_is_the_token_weighted_mean_of_tpot() -> None:
    records = [
        record(0),
        record(1, completion_tokens=31, chunks=4, chunk_gaps_us=array("I", [40_000, 10_000, 50_000])),
        record(2, completion_tokens=3, chunks=3, chunk_gaps_us=array("I", [60_000, 40_000])),
    ]
    summary = summarise(rows(records), facts())
    assert summary["itl"]["mean"] == pytest.approx((0.1 + 0.1 + 0.1) / (10 + 30 + 2))
    assert summary["itl"]["count"] == 42
    assert summary["itl"]["max"] == pytest.approx(0.060)


def test_chunks_are_tokens_when_the_platform_sends_no_usage() -> None:
    records = [record(token_source="chunks", completion_tokens=6, chunks=6)]
    summary = summarise(rows(records), facts())
    assert (summary["itl"]["count"], summary["itl"]["p50"]) == (5, pytest.approx(0.020))
    assert summary["tokens"]["source"] == "chunks"
    assert any("without usage" in note for note in summary["notes"])


def test_what_was_not_streamed_has_no_token_times() -> None:
    summary = summarise(rows([record(streamed=False)]), facts())
    assert [summary[name]["count"] for name in ("ttft", "itl", "tpot")] == [0, 0, 0]
    assert summary["latency"]["count"] == summary["tps"]["count"] == 1
    assert "no answer was streamed: TTFT, ITL and TPOT are absent, not guessed" in summary["notes"]


def test_excluded_phases_count_in_totals_but_not_in_the_headline() -> None:
    slow = {"phase": "warmup", "excluded": True, "first_token_ns": 5_000 * MS, "lag_flagged": True}
    summary = summarise(rows([record(0, **slow), record(1)]), facts())
    assert summary["requests"]["total"] == 2
    assert summary["requests"]["headline"] == summary["ttft"]["count"] == 1
    assert summary["ttft"]["max"] == pytest.approx(0.100)
    assert (summary["itl"]["count"], summary["tokens"]["completion"]) == (10, 22)
    assert summary["cost"]["usd"] == 0.002
    assert summary["load_generator"]["flagged_share"] == 0.0
    assert [phase["ttft"]["count"] for phase in summary["phases"]] == [1, 1]


def test_outcomes_are_told_apart() -> None:
    kinds = [ErrorKind.HTTP_5XX, ErrorKind.RATE_LIMITED, ErrorKind.RATE_LIMITED, ErrorKind.CANCELLED]
    records = [record(0), record(1), record(2), *(failure(3 + i, kind) for i, kind in enumerate(kinds))]
    summary = summarise(rows(records), facts())
    assert summary["requests"] == {
        "total": 7,
        "success": 3,
        "error": 1,
        "refused": 2,
        "cancelled": 1,
        "headline": 7,
        "by_error": {"rate_limited": 2, "cancelled": 1, "http_5xx": 1},
        "unsent": 0,
        "arrivals_due": None,
    }
    assert summary["error_rate"] == 0.25
    assert summary["latency"]["count"] == 3


def test_errors_carry_a_sample() -> None:
    records = [
        failure(0, ErrorKind.HTTP_5XX, http_status=503),
        failure(1, ErrorKind.HTTP_5XX, http_status=500, error_detail="out of memory"),
        failure(2, ErrorKind.HTTP_5XX, http_status=503, error_detail="later"),
    ]
    (error,) = summarise(rows(records), facts())["errors"]
    assert error == {
        "kind": "http_5xx",
        "outcome": "error",
        "count": 3,
        "http_statuses": [500, 503],
        "sample": "out of memory",
    }


def test_money_is_summed_without_rounding_errors() -> None:
    costs = [0.1, 1e-9, 0.2, 1e-7] * 50
    summary = summarise(rows([record(i, cost_usd=cost) for i, cost in enumerate(costs)]), facts())
    assert summary["cost"]["usd"] == math.fsum(costs)


@pytest.mark.parametrize(("limit", "overspend"), [(None, None), (5.0, 0.0), (0.0025, 0.0005)])
def test_spending_against_the_limit(limit: float | None, overspend: float | None) -> None:
    run = facts(plan=plan(maxCostUsd=limit))
    cost = summarise(rows([record(i) for i in range(3)]), run)["cost"]
    assert cost["limit_usd"] == limit
    assert cost["overspend_usd"] == (None if overspend is None else pytest.approx(overspend))


def test_throughput_is_over_the_phases_that_count() -> None:
    records = [record(i) for i in range(80)] + [failure(99, ErrorKind.DNS)]
    throughput = summarise(rows(records), facts())["throughput"]
    assert throughput == {
        "requests_per_s": 2.0,
        "output_tokens_per_s": 22.0,
        "over_s": 40.0,
        "success": 80,
        "error": 1,
        "prompt_tokens": 1600,
        "completion_tokens": 880,
    }
    cut_short = summarise(rows(records), facts(load_s=30.0))["throughput"]
    assert (cut_short["over_s"], cut_short["requests_per_s"]) == (20.0, 4.0)
    in_warmup = summarise(rows(records), facts(load_s=8.0))["throughput"]
    assert (in_warmup["over_s"], in_warmup["requests_per_s"]) == (0.0, None)


def test_tenants_in_the_plans_order_and_others_after() -> None:
    first, second = plan_names()
    records = [record(0, org_id=second), record(1, org_id="stranger"), record(2, org_id=second, first_token_ns=51 * MS)]
    tenants = summarise(rows(records), facts())["tenants"]
    assert [(t["org_id"], t["users"], t["requests"]["total"]) for t in tenants] == [
        (first, 3, 0),
        (second, 3, 2),
        ("stranger", None, 1),
    ]
    assert tenants[1]["ttft"]["mean"] == pytest.approx(0.075)
    assert tenants[1]["itl"]["count"] == 20
    assert tenants[1]["cost"]["budget_usd"] == 1.0
    assert tenants[0]["ttft"]["p50"] is None


def test_models_say_what_speed_costs() -> None:
    records = [record(0, model="gpt-4o"), record(1, model="unpriced")]
    priced, unpriced = summarise(rows(records), facts())["models"]
    assert priced["model"] == "gpt-4o"
    assert priced["cost"]["usd_per_million_tokens"] == pytest.approx(0.001 / 31 * 1e6)
    assert priced["tps_per_usd"] == pytest.approx(priced["tps"]["mean"] / priced["cost"]["usd_per_million_tokens"])
    assert priced["tps_efficiency"] == pytest.approx(11 / 0.210 / 80.0)
    assert (unpriced["tps_efficiency"], unpriced["cost"]["input_usd_per_million"]) == (None, None)


def test_calls_that_ask_no_model_are_in_the_run_but_in_no_model() -> None:
    call = failure(1, ErrorKind.NONE, endpoint="orgs", model="", strategy="", question_hash=0, streamed=False)
    summary = summarise(rows([record(0), call]), facts())
    assert [entry["model"] for entry in summary["models"]] == ["gpt-4o"]
    assert [(entry["endpoint"], entry["requests"]["total"]) for entry in summary["endpoints"]] == [
        ("chat", 1),
        ("orgs", 1),
    ]
    assert (summary["requests"]["success"], summary["questions"]["asked"]) == (2, 1)
    assert (summary["tokens"]["source"], summary["tps"]["count"], summary["latency"]["count"]) == ("usage", 1, 2)


def test_phases_compare_target_and_achieved() -> None:
    samples = tuple(LoadSample(float(s), 6, 3 if s < 10 else 5) for s in range(51))
    warmup, sustained = summarise(rows([record()]), facts(samples=samples))["phases"]
    assert (warmup["name"], warmup["excluded"], warmup["achieved_mean_users"]) == ("warmup", True, 3.0)
    assert (sustained["target_users"], sustained["target_mean_users"], sustained["achieved_mean_users"]) == (
        6,
        6.0,
        5.0,
    )
    assert (sustained["requests"]["total"], sustained["ran_s"]) == (1, 40.0)


def test_questions_are_counted_by_their_hashes() -> None:
    records = [record(0, question_hash=5), record(1, question_hash=5), record(2, question_hash=2**64 - 1)]
    records.append(record(3, question_hash=0))
    assert summarise(rows(records), facts())["questions"] == {
        "asked": 3,
        "unique": 2,
        "uniqueness": 2 / 3,
        "repeated_on_purpose": False,
    }


def test_bursts_are_named() -> None:
    records = [record(0, token_reads=1, model="b"), record(1, token_reads=1, completion_tokens=1), record(2)]
    notes = summarise(rows(records), facts())["notes"]
    assert len(notes) == 1
    assert notes[0].startswith("1 of 2 streams (50.0%) brought all their tokens in one read (b 1)")


def test_the_load_generator_can_invalidate_the_run() -> None:
    packs = (PackHealth("pack/1", "a", 2.0, 0.2, 90.0), PackHealth("pack/2", "b", 40.0, 0.9, 110.0))
    records = [record(i, lag_flagged=i < 6) for i in range(100)]
    generator = summarise(rows(records), facts(packs=packs))["load_generator"]
    assert (generator["verdict"], generator["flagged_share"]) == ("invalid", 0.06)
    assert "pack/2" in generator["reasons"][0]
    assert (generator["loop_lag_p99_ms"], generator["cpu"], generator["memory_mib"]) == (40.0, 0.9, 200.0)


def test_connecting_and_retrying_are_not_send_lag() -> None:
    records = [record(0, sent_ns=31 * MS, connect_ns=30 * MS), record(1, sent_ns=90 * MS, attempts=2)]
    generator = summarise(rows(records), facts())["load_generator"]
    assert generator["send_lag_p99_ms"] == pytest.approx(1.0)


def test_losses_are_reported() -> None:
    lost = (LostUser("user-1", 12.5, "its actor died", 11.9), LostUser("user-2", 3.0, "killed", 2.5, 6.0))
    summary = summarise(rows([record()]), facts(lost=lost, records_lost_estimate=4, status=RunStatus.STOPPED))
    assert summary["users"] == {
        "planned": 6,
        "bootstrapped": 6,
        "lost": 1,
        "replaced": 1,
        "lost_users": [
            {"user_id": "user-1", "at_s": 12.5, "heard_s": 11.9, "back_s": None, "why": "its actor died"},
            {"user_id": "user-2", "at_s": 3.0, "heard_s": 2.5, "back_s": 6.0, "why": "killed"},
        ],
    }
    assert any("users lost and set up again: 1, between 2.5 and 6.0 s of the run" in note for note in summary["notes"])
    assert summary["records_lost_estimate"] == 4
    assert any("about 4 requests" in note for note in summary["notes"])


def test_a_run_without_requests_is_all_unknown() -> None:
    summary = summarise(rows([]), facts(bootstrap_s=(), samples=(), packs=(), load_s=0.0))
    assert summary["requests"]["total"] == 0
    assert summary["error_rate"] is None
    assert summary["ttft"]["p50"] is None
    assert summary["cost"]["usd"] == 0.0
    assert summary["questions"] == {
        "asked": 0,
        "unique": 0,
        "uniqueness": None,
        "repeated_on_purpose": False,
    }
    assert summary["load_generator"]["verdict"] == "ok"
    assert summary["bootstrap"]["success_rate"] == 0.0
    assert summary["notes"] == []


def test_only_excluded_requests_are_pointed_out() -> None:
    summary = summarise(rows([record(excluded=True)]), facts())
    assert summary["notes"] == ["every request was due in an excluded phase: the headline figures are empty"]


def test_means_carry_an_interval_once_there_is_enough() -> None:
    summary = summarise(rows(lively(600)), facts())
    for name in ("ttft", "itl", "latency"):
        low, high = summary[name]["mean_ci95"]
        assert low < summary[name]["mean"] < high
    assert summarise(rows(lively(60)), facts())["ttft"]["mean_ci95"] is None


def test_the_same_from_files_and_through_json(tmp_path: Path) -> None:
    records = lively(200)
    writer = ParquetParts(tmp_path, 0, run_id="run-1")
    for start in range(0, 200, 50):
        writer.write([batch(records[start : start + 50])])
    stored = summarise(read_requests(tmp_path), facts())
    direct = summarise(rows(records), facts())
    assert stored["requests"]["total"] == pl.read_parquet(tmp_path / "requests" / "*.parquet").height
    assert _without_itl(stored) == _without_itl(direct)
    assert stored["itl"] == {name: pytest.approx(value) for name, value in direct["itl"].items()}
    path = RunDir(tmp_path).summary
    write_json(path, stored)
    assert read_json(path) == stored
    assert "NaN" not in path.read_text()
    assert json.loads(path.read_text())["run_id"] == facts().plan.run_id


def _without_itl(part: Any) -> Any:
    """Token gaps are added up in no fixed order, so that their last digits may differ."""
    if isinstance(part, dict):
        return {key: _without_itl(value) for key, value in part.items() if key != "itl"}
    return [_without_itl(value) for value in part] if isinstance(part, list) else part
