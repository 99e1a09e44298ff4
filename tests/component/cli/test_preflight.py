"""`raysim preflight` on the command line: what it prints, how it ends, and that every shipped scenario passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from raysim.cli.plan import command as plan_command
from raysim.cli.preflight import command
from raysim.cli.run import command as run_command
from raysim.cli.validate import command as validate_command
from raysim.core.errors import ExitCode
from raysim.preflight import platform as platform_module
from tests.unit.core.config.documents import document

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))
#: nothing listens on the discard port
NOBODY = {"platform": "static", "apiRouterUrl": "http://127.0.0.1:9"}


def run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        command, [str(path), "--address", "local", *arguments], standalone_mode=False, catch_exceptions=False
    )


def written(tmp_path: Path, **spec: Any) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(document(**spec)), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_scenario_is_valid_can_be_planned_and_passes(path: Path) -> None:
    assert CliRunner().invoke(validate_command, [str(path)], catch_exceptions=False).exit_code == 0
    planned = json.loads(CliRunner().invoke(plan_command, [str(path), "--json"], catch_exceptions=False).output)
    result = run(path, "--json", "--expect-hash", planned["scenario_hash"])
    said = json.loads(result.output)
    # whether memory and open files suffice is the machine's affair
    of_the_machine = {"memory", "open files"}
    failed = {check["name"] for check in said["checks"] if check["verdict"] == "failed"} - of_the_machine
    assert failed == set()
    assert {"administrator", "models", "API router, ready"} <= {
        check["name"] for check in said["checks"] if check["verdict"] == "passed"
    }


def test_the_json_has_its_documented_shape(tmp_path: Path) -> None:
    said = json.loads(run(written(tmp_path), "--json").output)
    assert list(said) == ["schema_version", "scenario", "ok", "duration_s", "counts", "checks", "warnings"]
    assert said["schema_version"] == 1
    assert set(said["counts"]) == {"passed", "warnings", "failed", "skipped"}
    for check in said["checks"]:
        assert list(check) == ["name", "verdict", "warning", "found", "advice"]
        assert check["verdict"] in ("passed", "failed", "skipped")
    assert said["ok"] == (said["counts"]["failed"] == 0)
    page = (Path(__file__).parents[3] / "docs" / "preflight.md").read_text(encoding="utf-8")
    assert [key for key in (*said, *said["counts"], *said["checks"][0]) if f'"{key}"' not in page] == []
    assert [check["name"] for check in said["checks"] if f"`{check['name']}`" not in page] == []


def test_a_failed_check_ends_with_3_and_says_what_to_do(tmp_path: Path) -> None:
    result = run(written(tmp_path, targets=NOBODY))
    assert result.return_value == ExitCode.PREFLIGHT_FAILED
    assert "connection_refused: 127.0.0.1:9 refused" in result.output
    assert "→ is it running, and is the address right?" in result.output
    assert "1 failed" in result.output


def test_another_scenario_than_was_planned_fails(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert run(path, "--expect-hash", "0123456789abcdef").return_value == ExitCode.PREFLIGHT_FAILED
    planned = json.loads(CliRunner().invoke(plan_command, [str(path), "--json"]).output)
    changed = run(path, "--expect-hash", planned["scenario_hash"], "--set", "limits.maxCostUsd=9", "--json")
    found = {check["name"]: check["verdict"] for check in json.loads(changed.output)["checks"]}
    assert found["scenario"] == "failed"


def test_a_cluster_that_is_not_there_is_one_failed_check_among_the_others(tmp_path: Path) -> None:
    arguments = [str(written(tmp_path)), "--address", "127.0.0.1:9", "--json"]
    result = CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)
    said = json.loads(result.output)
    found = {check["name"]: check for check in said["checks"]}
    assert result.return_value == ExitCode.PREFLIGHT_FAILED
    assert found["Ray cluster"]["found"] == "no Ray cluster answers at 127.0.0.1:9"
    assert found["capacity"]["verdict"] == "skipped"
    assert found["administrator"]["verdict"] == "passed"


@pytest.mark.parametrize("off", [("--no-probe",), ("--set", "preflight.probe=false")])
def test_no_model_is_asked_when_that_is_switched_off(
    off: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(platform_module, "probe_request", refuse)
    said = json.loads(run(written(tmp_path, targets=NOBODY), *off, "--json").output)
    found = {check["name"]: check for check in said["checks"]}
    assert found["request to each model"]["verdict"] == "skipped"


def test_a_dry_run_shows_the_plan_makes_the_checks_and_creates_nothing(tmp_path: Path) -> None:
    path, results = written(tmp_path), tmp_path / "results"
    arguments = [str(path), "--set", "advanced.dryRun=true", "--out", str(results), "--address", "local"]
    ended = CliRunner().invoke(run_command, arguments, standalone_mode=False, catch_exceptions=False)
    assert ended.return_value == ExitCode.OK
    for part in ("(for --expect-hash)", "administrator", "dry run: nothing was created"):
        assert part in ended.output
    assert not results.exists()


def test_a_dry_run_ends_as_preflight_does(tmp_path: Path) -> None:
    path = written(tmp_path, targets=NOBODY, advanced={"dryRun": True})
    ended = CliRunner().invoke(run_command, [str(path), "--address", "local"], standalone_mode=False)
    assert ended.return_value == ExitCode.PREFLIGHT_FAILED
