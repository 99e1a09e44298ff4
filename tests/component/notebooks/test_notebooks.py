"""Every notebook is executed as it is committed, on runs made here, and says what `summary.json` says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from raysim.core.errors import ConfigError
from raysim.results import newest_runs
from tests.component.notebooks.execution import FOLDER, cells, executed
from tests.component.notebooks.ramp_run import ramp_run
from tests.component.report.sample_run import facts
from tests.component.results.stored_run import store

NOTEBOOKS = ("explore", "compare", "capacity", "cost")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with a run whose backend was watched, and a later and slower one."""
    folder = tmp_path_factory.mktemp("results")
    ramp_run(folder / "base", "base-1", scraped=True)
    ramp_run(folder / "slow", "slow-2", slower=1.5)
    os.utime(folder / "base" / "summary.json", (1, 1))
    return folder


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAYSIM_RUN", raising=False)
    monkeypatch.delenv("RAYSIM_RUNS", raising=False)


def summary_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "summary.json").read_bytes())
    return found


def test_every_notebook_is_listed_here_and_in_the_readme() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(NOTEBOOKS)
    readme = (FOLDER / "README.md").read_text()
    assert all(f"({name}.ipynb)" in readme for name in NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_output_is_committed_and_code_is_explained(name: str) -> None:
    found = cells(name)
    assert len({cell["id"] for cell in found}) == len(found)
    for before, cell in zip([None, *found], found, strict=False):
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            assert before is not None
            assert len(cell["source"]) <= 40
    assert found[0]["cell_type"] == "markdown"


def test_explore_says_what_the_summary_says(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAYSIM_RUN", str(results / "base"))
    names, summary = executed("explore"), summary_of(results / "base")
    assert names["rows"].height == summary["requests"]["total"]
    assert names["counted"].height == summary["requests"]["headline"]
    for row in names["headline"].iter_rows(named=True):
        block = summary[row["time"].removesuffix("_s")]
        for figure in ("count", "mean", "p50", "p90", "p95", "p99", "max"):
            assert row[figure] == pytest.approx(block[figure]), (row["time"], figure)
    assert names["gaps"]["weight"].sum() == pytest.approx(summary["itl"]["count"])
    for frame, key, entries in (("tenants", "org_id", "tenants"), ("models", "model", "models")):
        found = {row[key]: row for row in names[frame].iter_rows(named=True)}
        for entry in summary[entries]:
            assert found[entry[key]]["ttft_p95_s"] == pytest.approx(entry["ttft"]["p95"])
    assert names["phases"]["phase"].to_list() == [phase["name"] for phase in summary["phases"]]
    assert dict(names["errors"].select("error_type", "requests").iter_rows()) == summary["requests"]["by_error"]
    assert names["slowest"]["latency_s"][0] == pytest.approx(summary["latency"]["max"])
    assert names["under_way"]["requests"][-1] == 0


def test_compare_finds_the_slower_run_by_itself(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAYSIM_RUNS", f"'{results / 'base'}' {results / 'base'} {results / 'slow'}")
    names = executed("compare")
    same, slow = names["comparisons"]
    assert not [change for change in same.changes if change.verdict != "no_evidence"]
    verdicts = {change.metric.name: change for change in slow.changes}
    assert (verdicts["ttft_mean"].verdict, verdicts["itl_mean"].verdict) == ("worse", "no_evidence")
    assert verdicts["ttft_p95"].run == pytest.approx(summary_of(results / "slow")["ttft"]["p95"])
    assert names["changes"].height == len(same.changes) + len(slow.changes)


def test_capacity_finds_where_the_objective_breaks(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAYSIM_RUN", str(results / "base"))
    names, summary = executed("capacity"), summary_of(results / "base")
    assert names["decided"].filter(~pl.col("excluded"))["good"].sum() == summary["goodput"]["good"]
    shares = dict(names["phases"].select("phase", "good_share").iter_rows())
    for phase in summary["phases"]:
        assert shares[phase["name"]] == pytest.approx(phase["goodput"]["requests"])
    # 16 users ask 8 times a second and are served in time, 24 ask 12 times and are not
    assert names["carries"]["due_per_s"] == pytest.approx(8.0)
    assert names["broken"]["due_per_s"] == pytest.approx(12.0)
    assert names["headroom"] == pytest.approx(-0.2)
    # what was under way is the time that requests took, by Little's law
    took_s = names["rows"].select((pl.col("end_s") - pl.col("sent_s")).sum()).item()
    within = names["windows"]["under_way"].sum() * names["WINDOW_S"]
    assert 0.95 * took_s < within <= took_s


def test_capacity_that_was_not_reached_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ramp_run(tmp_path / "fast", "fast-3", slower=0.3)
    monkeypatch.setenv("RAYSIM_RUN", str(tmp_path / "fast"))
    names = executed("capacity")
    assert names["broken"] is None
    assert names["carries"]["level"] == names["levels"]["level"][-1]


@pytest.mark.filterwarnings("ignore:No artists with labels")
def test_a_run_without_requests_breaks_no_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    store(tmp_path / "empty", [], facts())
    monkeypatch.setenv("RAYSIM_RUN", str(tmp_path / "empty"))
    assert executed("explore")["rows"].height == 0
    assert executed("capacity")["carries"] is None
    assert executed("cost")["month_usd"] == 0


def test_cost_adds_up_to_the_summary(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAYSIM_RUN", str(results / "base"))
    names, summary = executed("cost"), summary_of(results / "base")
    usd = summary["cost"]["usd"]
    assert names["total_usd"] == pytest.approx(usd)
    assert names["unverified_usd"] == pytest.approx(summary["cost"]["unverified_usd"])
    for frame, key, entries in (("tenants", "org_id", "tenants"), ("models", "model", "models")):
        found = {row[key]: row for row in names[frame].iter_rows(named=True)}
        for entry in summary[entries]:
            assert found[entry[key]]["usd"] == pytest.approx(entry["cost"]["usd"])
            assert found[entry[key]]["usd_per_million"] == pytest.approx(entry["cost"]["usd_per_million_tokens"])
    assert names["wasted"]["usd"].sum() == pytest.approx(usd)
    assert 0 < names["failures_usd"] < names["late_usd"] < usd
    assert names["usd_per_good"] == pytest.approx(usd / names["rows"]["good"].sum())
    counted = sum(phase["cost"]["usd"] for phase in summary["phases"] if not phase["excluded"])
    assert names["month_usd"] == pytest.approx(counted / summary["throughput"]["over_s"] * 30 * 86_400)


def test_without_an_address_it_is_the_run_that_ended_last(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "results").symlink_to(results)
    monkeypatch.chdir(tmp_path / "notebooks")
    assert executed("cost")["run"].run_id == "slow-2"
    assert executed("compare")["baseline"].run.run_id == "base-1"


def test_newest_runs_are_those_that_ended(results: Path, tmp_path: Path) -> None:
    assert newest_runs(results, 2) == [results / "base", results / "slow"]
    assert newest_runs(results) == [results / "slow"]
    with pytest.raises(ConfigError, match="only 2 finished runs below"):
        newest_runs(results, 3)
    with pytest.raises(ConfigError, match="no finished run below"):
        newest_runs(tmp_path)
