from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from raysim.cli.compare import command
from raysim.core.errors import ConfigError, ExitCode
from tests.component.report.sample_run import facts, lively
from tests.component.report.test_compared import slowed
from tests.component.results.stored_run import store


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    for name, factor in (("base", 1.0), ("same", 1.0), ("slow", 1.6)):
        (root / name).mkdir()
        store(root / name, slowed(lively(600), factor), facts())
    return root


def compared(runs: Path, *arguments: str, names: tuple[str, ...] = ("base", "slow")) -> Result:
    return CliRunner().invoke(
        command, [*(str(runs / name) for name in names), *arguments], standalone_mode=False, catch_exceptions=False
    )


def test_the_table_says_what_is_worse(runs: Path) -> None:
    shown = compared(runs)
    assert shown.return_value == ExitCode.OK
    assert "The scenarios are the same." in shown.stdout
    assert "worse: ttft_mean (+" in shown.stdout.replace("\n", " ")
    (row,) = (line for line in shown.stdout.splitlines() if line.strip().startswith("ttft_mean"))
    assert row.split()[-2] == "worse"
    assert all(len(line) <= 100 for line in shown.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "names", "code"),
    [
        (("--fail-on", "ttft_mean>+10%"), ("base", "slow"), ExitCode.THRESHOLD_FAILED),
        (("--fail-on", "ttft_mean>+10%"), ("slow", "base"), ExitCode.OK),
        (("--fail-on", "ttft_mean>+10%"), ("base", "same"), ExitCode.OK),
        (("--fail-on", "ttft_mean>+10%"), ("base", "same", "slow"), ExitCode.THRESHOLD_FAILED),
        (("--fail-on", "ttft_mean>+200%"), ("base", "slow"), ExitCode.OK),
        (("--fail-on", "ttft_p99>+0.1%"), ("base", "same"), ExitCode.OK),
        (("--fail-on", "ttft_p99>+0.1%", "--strict"), ("base", "same"), ExitCode.THRESHOLD_FAILED),
    ],
)
def test_rules_decide_the_exit_status(
    runs: Path, arguments: tuple[str, ...], names: tuple[str, ...], code: ExitCode
) -> None:
    assert compared(runs, *arguments, names=names).return_value == code


def test_json_holds_everything_a_program_needs(runs: Path) -> None:
    (found,) = json.loads(compared(runs, "--format", "json", "--fail-on", "ttft_mean>+10%").stdout)
    assert (found["comparable"], found["differences"], found["requests"]) == (True, [], [500, 500])
    (change,) = (c for c in found["changes"] if c["figure"] == "ttft_mean")
    assert change["verdict"] == "worse"
    assert 0 < change["sure"][0] < change["ci95"][0] < change["relative"] < change["ci95"][1] < change["sure"][1]
    (rule,) = found["rules"]
    assert (rule["rule"], rule["outcome"]) == ("ttft_mean>+10%", "broken")


def test_markdown_has_a_row_for_each_figure(runs: Path) -> None:
    shown = compared(runs, "--format", "markdown", "--by", "model", "--fail-on", "ttft_mean>+10%").stdout
    assert "* broken: ttft_mean>+10% (+" in shown
    assert "### model gpt-4o-mini" in shown
    assert shown.count("| ttft_p50 |") == 3


def test_all_figures_on_request(runs: Path) -> None:
    assert "response_time_p75" not in compared(runs).stdout
    assert "response_time_p75" in compared(runs, "--all").stdout


def test_every_bad_rule_is_said_before_anything_is_read(runs: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        compared(runs, "--fail-on", "tfft_p99>+1%", "--fail-on", "error_rate>+1%", names=("nowhere", "slow"))
    assert [problem.path for problem in caught.value.problems] == ["--fail-on", "--fail-on"]
    with pytest.raises(ConfigError, match="there is no directory"):
        compared(runs, names=("nowhere", "slow"))
