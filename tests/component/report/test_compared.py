"""Stored runs are read into the arrays that are compared, and every figure is the summary's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from raysim.core.comparison.change import Verdict
from raysim.core.comparison.metric import METRICS
from raysim.core.comparison.rule import Outcome, parse_rule
from raysim.core.errors import ConfigError
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.report.compared import Side, compare_runs
from raysim.results import open_run
from tests.component.report.sample_run import MS, facts, failure, lively, plan
from tests.component.results.stored_run import store


def slowed(records: list[RequestRecord], factor: float) -> list[RequestRecord]:
    return [replace(r, first_token_ns=MS + round((r.first_token_ns - MS) * factor)) for r in records]


def side(root: Path, records: list[RequestRecord], **changes: Any) -> Side:
    root.mkdir()
    store(root, records, facts(**changes))
    return Side.of(open_run(root))


def some_failed(records: list[RequestRecord]) -> list[RequestRecord]:
    return [
        failure(n, ErrorKind.HTTP_5XX, due_unix_ns=r.due_unix_ns, excluded=r.excluded, phase=r.phase)
        if n % 20 == 7
        else r
        for n, r in enumerate(records)
    ]


def test_every_figure_is_that_of_the_summary(tmp_path: Path) -> None:
    run = side(tmp_path / "a", lively(600))
    summary = run.run.summary
    found = {c.metric.name: c.baseline for c in compare_runs(run, run, metrics=tuple(METRICS.values())).changes}
    for name, value in found.items():
        quantity, _, statistic = name.rpartition("_")
        if quantity in summary and isinstance(summary[quantity], dict) and "p50" in summary[quantity]:
            assert value == pytest.approx(summary[quantity][statistic]), name
    assert found["requests_per_s"] == pytest.approx(summary["throughput"]["requests_per_s"])
    assert found["output_tokens_per_s"] == pytest.approx(summary["throughput"]["output_tokens_per_s"])
    assert {"ttft_p99", "itl_p50", "tpot_p95", "latency_mean", "response_time_p90", "tps_mean"} <= found.keys()
    assert "queue_p95" not in found


def test_warm_up_is_left_out(tmp_path: Path) -> None:
    records = lively(600)
    warm_is_slow = [replace(r, first_token_ns=r.first_token_ns * 5) if r.excluded else r for r in records]
    comparison = compare_runs(side(tmp_path / "a", records), side(tmp_path / "b", warm_is_slow))
    assert comparison.requests == (500, 500)
    assert all(change.difference == 0.0 for change in comparison.changes)


def test_errors_count_as_those_of_the_headline(tmp_path: Path) -> None:
    comparison = compare_runs(side(tmp_path / "a", lively(600)), side(tmp_path / "b", some_failed(lively(600))))
    (change,) = (c for c in comparison.changes if c.metric.name == "error_rate")
    assert change.baseline == 0.0
    assert change.run == pytest.approx(0.05)
    assert change.verdict is Verdict.WORSE


def test_a_run_whose_generator_was_late_is_not_comparable(tmp_path: Path) -> None:
    late = [replace(r, lag_flagged=n % 5 == 0) for n, r in enumerate(slowed(lively(600), 2.0))]
    good = side(tmp_path / "a", lively(600))
    comparison = compare_runs(good, side(tmp_path / "b", late), [parse_rule("ttft_p50>+10%")])
    (reason,) = comparison.incomparable
    assert reason.startswith("the run (run-20260714-091503-k3f9) measured its own load generator: 100 of 500 requests")
    assert comparison.rules == ()
    assert all(c.sure is None and c.verdict is Verdict.NO_EVIDENCE for c in comparison.changes)
    assert any(c.relative for c in comparison.changes)


def test_what_differs_is_said(tmp_path: Path) -> None:
    one = side(tmp_path / "a", lively(600))
    store(tmp_path / "a", lively(600), facts())
    other = side(tmp_path / "b", lively(100), plan=replace(plan(), seed=99))
    (tmp_path / "b" / "scenario.yaml").write_text("metadata: {name: sample}\nspec: {limits: {maxCostUsd: 7}}\n")
    comparison = compare_runs(one, other)
    assert [(d.path, d.baseline, d.run) for d in comparison.differences if d.path.startswith("limits")] == [
        ("limits.maxCostUsd", 5, 7)
    ]
    notes = " | ".join(comparison.notes)
    assert "too few requests to tell anything: 84 in the smaller run; at least 100" in notes
    assert "different seeds" in notes
    assert "only 1 user: " in notes


def test_models_and_tenants_are_looked_at_apart(tmp_path: Path) -> None:
    records = lively(900)
    one_slower = [r if r.model == "gpt-4o" else slowed([r], 2.0)[0] for r in records]
    runs = side(tmp_path / "a", records), side(tmp_path / "b", one_slower)
    comparison = compare_runs(*runs, [parse_rule("ttft_mean[model=gpt-4o-mini]>+20%")], by=("model", "org"))
    found = {(g.column, g.name): {c.metric.name: c.verdict for c in g.changes} for g in comparison.groups}
    assert [name for name, _ in found] == ["model", "model", "org", "org"]
    assert found["model", "gpt-4o"]["ttft_mean"] is Verdict.NO_EVIDENCE
    assert found["model", "gpt-4o-mini"]["ttft_mean"] is Verdict.WORSE
    assert [verdict.outcome for verdict in comparison.rules] == [Outcome.BROKEN]


def test_token_gaps_of_large_runs_are_those_of_some_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = side(tmp_path / "a", lively(600))
    monkeypatch.setattr("raysim.report.compared._MOST_GAPS", whole.gaps.values.size // 3 + 1)
    some = Side.of(whole.run)
    assert some.every == 3
    assert set(some.gaps.request) == set(range(0, 500, 3))
    assert any("one request in 3" in note for note in compare_runs(some, some).notes)


def test_a_run_of_before_there_was_a_column_is_compared(tmp_path: Path) -> None:
    before = side(tmp_path / "a", lively(200))
    (part,) = (tmp_path / "a" / "requests").glob("*.parquet")
    pl.read_parquet(part).drop("held_ns").write_parquet(part, metadata=pl.read_parquet_metadata(part))
    older = Side.of(open_run(tmp_path / "a"))
    assert all(change.difference == 0.0 for change in compare_runs(before, older).changes)


@pytest.mark.parametrize("rule", ["queue_p95>+10%", "goodput<-1pp", "ttft_p50[org=nobody]>+10%"])
def test_a_rule_about_what_the_baseline_lacks_is_refused(tmp_path: Path, rule: str) -> None:
    run = side(tmp_path / "a", lively(200))
    with pytest.raises(ConfigError, match="has no such figure"):
        compare_runs(run, run, [parse_rule(rule)])
