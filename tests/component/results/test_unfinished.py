from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from raysim.cli.report import command
from raysim.core.errors import ConfigError
from raysim.report.run_dir import read_json
from raysim.results import open_run
from raysim.results.unfinished import summary_of
from tests.component.report.sample_run import facts, lively
from tests.component.results.stored_run import store


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    root = tmp_path / "killed"
    root.mkdir()
    store(root, lively(60), facts(), finished=False)
    return root


def test_a_finished_run_keeps_its_summary(tmp_path: Path) -> None:
    summary = store(tmp_path, lively(60), facts())
    assert summary_of(open_run(tmp_path)) == orjson.loads(orjson.dumps(summary, option=orjson.OPT_NON_STR_KEYS))


def test_a_killed_runs_figures_are_exact_for_what_was_stored(killed: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    full = store(whole, lively(60), facts())
    partial = summary_of(open_run(killed, unfinished=True))
    for key in ("run_id", "requests", "error_rate", "tokens", "ttft", "itl", "latency", "tps"):
        if key == "requests":
            assert {**partial[key], "arrivals_due": 0} == {**full[key], "arrivals_due": 0}
        elif key == "itl":
            # a sum in another order differs in its last digit
            assert partial[key]["mean"] == pytest.approx(full[key]["mean"], rel=1e-12)
            assert partial[key]["p99"] == full[key]["p99"]
        else:
            assert partial[key] == full[key], key
    assert [entry["org_id"] for entry in partial["tenants"]] == [entry["org_id"] for entry in full["tenants"]]


def test_what_a_killed_run_did_not_say_is_not_made_up(killed: Path) -> None:
    partial = summary_of(open_run(killed, unfinished=True))
    assert partial["status"] == "unfinished"
    assert partial["notes"][0].startswith("PARTIAL")
    assert partial["load_generator"]["verdict"] == "unknown"
    assert partial["cleanup"]["status"] == "unknown"
    assert partial["bootstrap"]["success_rate"] is None
    assert partial["users"]["bootstrapped"] is None
    # the load went on at least until the last request that is stored had ended
    assert 49.0 < partial["duration_s"] < 51.0


def test_a_run_that_was_killed_before_its_first_request_has_no_figures(tmp_path: Path) -> None:
    store(tmp_path, [], facts(), finished=False)
    (tmp_path / "events.jsonl").unlink()
    partial = summary_of(open_run(tmp_path, unfinished=True))
    assert (partial["requests"]["total"], partial["ttft"]["mean"], partial["duration_s"]) == (0, None, 0.0)


def test_a_plan_that_cannot_be_read_is_said(killed: Path) -> None:
    plan = read_json(killed / "plan.json")
    assert isinstance(plan, dict)
    del plan["tenants"]
    (killed / "plan.json").write_bytes(orjson.dumps(plan))
    with pytest.raises(ConfigError, match=r"plan\.json that this raysim cannot read: 'tenants'"):
        summary_of(open_run(killed, unfinished=True))


@pytest.mark.parametrize("form", ["table", "json", "csv", "vllm", "junit", "markdown"])
def test_every_form_shows_a_partial_run_and_says_so(killed: Path, form: str) -> None:
    shown = CliRunner().invoke(
        command, ["killed", "--out", str(killed.parent), "--format", form], catch_exceptions=False
    )
    assert shown.exit_code == 0
    assert "PARTIAL" in shown.stderr
    assert len(shown.stdout) > 500
    if form == "json":
        assert orjson.loads(shown.stdout)["status"] == "unfinished"
    if form == "table":
        assert "unfinished" in shown.stdout


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no directory"):
        CliRunner().invoke(command, ["nowhere", "--out", str(tmp_path)], catch_exceptions=False, standalone_mode=False)
    with pytest.raises(ConfigError, match="is not a run's directory"):
        CliRunner().invoke(command, [str(tmp_path)], catch_exceptions=False, standalone_mode=False)
