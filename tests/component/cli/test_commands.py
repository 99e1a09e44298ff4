"""The command line as a person or a pipeline meets it: messages and exit codes, without Ray."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from raysim.cli import main as main_module
from raysim.cli.plan import command as plan_command
from raysim.cli.run import default_results_folder
from raysim.config_file import load_scenario
from raysim.core.errors import ExitCode, worst

CONFIG = Path(__file__).parents[3] / "configs" / "quickstart.yaml"
QUICK = ("--url", "http://x", "--model", "m", "--concurrency", "3")


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["raysim", *arguments])
    with pytest.raises(SystemExit) as ended:
        main_module.main()
    return int(ended.value.code or 0)


def plan(*arguments: str) -> Result:
    return CliRunner().invoke(plan_command, [str(CONFIG), *arguments], catch_exceptions=False)


def test_a_plan_is_shown() -> None:
    shown = plan()
    assert shown.exit_code == 0
    for part in ("12 in 2 tenants", "warm-up", "sustained", "0 → 4", "org-2", "stops at", "$1"):
        assert part in shown.output


def test_a_plan_shows_how_requests_arrive() -> None:
    open_loop = plan("--set", "loadPattern.arrivals={mode: poisson, requestsPerSecond: 2.5}")
    words = open_loop.output.split()
    assert (words.count("poisson"), words.count("2.5/s")) == (4, 4)
    assert "arrivals" not in plan().output


def test_a_plan_shows_how_many_series_it_exports() -> None:
    pushing = ("--set", "metrics.pushgatewayUrl=http://gateway:9091")
    assert "metrics series" in plan(*pushing).output
    assert "metrics series" not in plan().output
    series = json.loads(plan("--json", *pushing).output)["series"]
    users = len({user["name"] for pack in json.loads(plan("--json").output)["plan"]["packs"] for user in pack["users"]})
    assert series["users"] == 18 * users
    without = json.loads(plan("--json", *pushing, "--set", "metrics.perUser=false").output)["series"]
    assert without == series | {"users": 0}


def test_a_plan_as_json_is_the_same_every_time() -> None:
    first, second = (plan("--json", "--run-id", "nightly-1") for _ in range(2))
    assert first.output == second.output
    body = json.loads(first.output)
    assert body["estimate"]["users"] == 12
    assert sum(len(pack["users"]) for pack in body["plan"]["packs"]) == 12


def test_overrides_reach_the_plan() -> None:
    assert json.loads(plan("--json", "--set", "organizations.count=5").output)["estimate"]["users"] == 30


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "nowhere.yaml"), ExitCode.BAD_CONFIG, "nowhere.yaml"),
        (("run", str(CONFIG), "--set", "limits.maxCostUSD=1"), ExitCode.BAD_CONFIG, "maxCostUsd"),
        (("run", str(CONFIG), "--run-id", "Not Valid"), ExitCode.BAD_CONFIG, "--run-id: found 'Not Valid'"),
        (("run",), ExitCode.BAD_CONFIG, "give CONFIG, a scenario file, or --url"),
        (("run", str(CONFIG), "--url", "http://x"), ExitCode.BAD_CONFIG, "--url: belongs to the quick form"),
        (("run", "--url", "http://x", "--model", "m"), ExitCode.BAD_CONFIG, "--concurrency: is required"),
        (("run", *QUICK, "--name", "x"), ExitCode.BAD_CONFIG, "--name: picks a scenario of CONFIG"),
        (("run", *QUICK, "--set", "limits.x=1"), ExitCode.BAD_CONFIG, "spec.limits.x: is no known key"),
        (("run", *QUICK, "--print-scenario"), ExitCode.OK, "platform: static"),
        (("chat", "nowhere.yaml"), ExitCode.BAD_CONFIG, "nowhere.yaml"),
        (("no-such-command",), ExitCode.BAD_CONFIG, "no-such-command"),
        (("--version",), ExitCode.OK, "raysim"),
        (("--help",), ExitCode.OK, "validate"),
    ],
)
def test_every_end_has_its_exit_code_and_one_message(
    arguments: tuple[str, ...],
    code: ExitCode,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_main(monkeypatch, *arguments) == code
    printed = capsys.readouterr()
    assert message in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err
    assert list(tmp_path.iterdir()) == []


def test_results_of_a_submitted_job_do_not_land_in_rays_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAYSIM_RESULTS", raising=False)
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)
    assert default_results_folder() == Path("results")
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert default_results_folder() == Path.home() / "raysim-results"
    monkeypatch.setenv("RAYSIM_RESULTS", "/data/results")
    assert default_results_folder() == Path("/data/results")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (set(), 0),
        ({ExitCode.LEFTOVERS, ExitCode.STOPPED_BY_LIMIT}, 5),
        ({ExitCode.GENERATOR_INVALID, ExitCode.STOPPED_BY_LIMIT}, 7),
        ({ExitCode.NO_SUCCESS, ExitCode.GENERATOR_INVALID}, 9),
        ({ExitCode.INTERRUPTED, ExitCode.INTERNAL, ExitCode.NO_SUCCESS}, 130),
    ],
)
def test_the_worst_of_several_outcomes_is_the_exit_code(codes: set[ExitCode], expected: int) -> None:
    assert worst(codes) == expected


def test_the_printed_scenario_of_the_quick_form_is_a_scenario(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_main(monkeypatch, "run", *QUICK, "--print-scenario", "--set", "limits.maxErrorRate=0.5") == ExitCode.OK
    path = tmp_path / "quick.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    loaded = load_scenario(path)
    assert loaded.scenario.spec.limits.max_error_rate == 0.5
    assert loaded.scenario.user_range() == (3, 3)


def test_wishes_for_the_simulated_platform_are_checked_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = ("--set", "targets.simulated.faults.errorRate=2")
    for command in ("validate", "run"):
        assert run_main(monkeypatch, command, str(CONFIG), *wish) == ExitCode.BAD_CONFIG
        printed = "".join(capsys.readouterr())
        assert "spec.targets.simulated.faults.errorRate: Input should be less than or equal to 1" in printed
