from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from raysim.cli import schema, validate
from raysim.config_file import dump_scenario, load_scenario
from raysim.core.config.reading import read_scenario
from raysim.core.errors import ConfigError
from tests import docs
from tests.unit.core.config.documents import document

HEAD = "apiVersion: loadtest.ai-aas.dev/v1\nkind: LoadTestScenario\n"
CONFIGS = sorted((docs.ROOT / "configs").glob("*.yaml"))


def written(folder: Path, body: str, name: str = "scenario.yaml") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(body), encoding="utf-8")
    return path


def refusal(path: Path, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_scenario(path, **options)
    return [str(problem) for problem in caught.value.problems]


# every committed scenario


def test_the_scenarios_are_there() -> None:
    names = {"quickstart", "smoke", "single-org-50", "multi-org-3x20", "thousand-users", "budget-exhaustion"}
    assert names <= {path.stem for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_committed_scenarios_are_valid(path: Path) -> None:
    loaded = load_scenario(path)
    assert loaded.scenario.metadata.name == path.stem
    assert loaded.warnings == []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_dumped_scenario_reads_the_same(path: Path, tmp_path: Path) -> None:
    scenario = load_scenario(path).scenario
    again = load_scenario(written(tmp_path, dump_scenario(scenario)))
    assert again.scenario == scenario
    assert again.warnings == []


def test_a_dump_keeps_what_null_means() -> None:
    scenario = read_scenario(document(limits={"maxCostUsd": None}, apiKeys={"expiresIn": None}))
    text = dump_scenario(scenario)
    assert "maxCostUsd: null" in text
    assert "expiresIn: null" in text
    assert "sessionDuration" not in text


def test_an_address_by_override_makes_the_quickstart_real() -> None:
    overrides = ["targets.apiRouterUrl=http://router:8080", "targets.userOrgUrl=http://user-org:8081"]
    loaded = load_scenario(docs.ROOT / "configs/quickstart.yaml", overrides=overrides)
    assert loaded.scenario.spec.targets.platform == "aiaas"


# overrides


def test_overrides_win_over_the_environment_and_it_over_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        HEAD + "spec: {limits: {maxCostUsd: 1}, loadPattern: {phases: [{name: ramp, duration: 1m}]}}\n",
    )
    environ = {
        "RAYSIM_SET__limits__maxCostUsd": "2",
        "RAYSIM_SET__loadPattern__phases__0__duration": "2m",
        "RAYSIM_RESULTS": "elsewhere",
    }
    from_environment = load_scenario(path, environ=environ).scenario.spec
    assert (from_environment.limits.max_cost_usd, from_environment.load_pattern.phases[0].duration) == (2.0, 120.0)
    overrides = ["limits.maxCostUsd=3", "loadPattern.phases[ramp].duration=90s", "metadata.testRunId=night-1"]
    scenario = load_scenario(path, environ=environ, overrides=overrides).scenario
    assert scenario.spec.limits.max_cost_usd == 3.0
    assert scenario.spec.load_pattern.phases[0].duration == 90.0
    assert scenario.metadata.test_run_id == "night-1"


def test_overrides_are_yaml(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD)
    overrides = ["users.perOrg={min: 7, max: 7}", "limits.maxCostUsd=null", "limits.maxDuration="]
    spec = load_scenario(path, overrides=overrides).scenario.spec
    assert spec.users.per_org.max == 7
    assert spec.limits.max_cost_usd is None
    assert spec.limits.max_duration is None


def test_an_override_s_problem_names_it(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD)
    environ = {"RAYSIM_SET__users__perOrg__min": "x"}
    assert refusal(path, overrides=["limits.maxCost=5"], environ=environ) == [
        "spec.users.perOrg.min: found the text 'x'; expected a whole number (set by RAYSIM_SET__users__perOrg__min)",
        "spec.users.perOrg.max: is required",
        "spec.limits.maxCost: is no known key; did you mean spec.limits.maxCostUsd? (set by --set limits.maxCost)",
    ]


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("limits.maxCostUsd", "--set: found 'limits.maxCostUsd'; expected path=value"),
        ("limits..x=1", "--set 'limits..x': expected a path"),
        ("limits.maxCostUsd={", "spec.limits.maxCostUsd: the value is not valid YAML"),
        ("kind.x=1", "spec.kind: is no known key"),
        ("loadPattern.phases[ramp].duration=1s", "spec.loadPattern.phases: expected a mapping"),
    ],
)
def test_an_override_that_is_none_is_refused(tmp_path: Path, override: str, says: str) -> None:
    path = written(tmp_path, HEAD)
    if "phases" in override:
        says = "spec.loadPattern.phases: found a mapping; expected a list"
    assert refusal(path, overrides=[override])[0].startswith(says)


def test_a_secret_in_an_override_is_not_repeated(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD)
    overrides = ["targets.auth.token=hunter2-hunter2", "targets.systemPrompt=sk-0123456789abcdef"]
    text = "\n".join(refusal(path, overrides=overrides))
    assert "spec.targets.auth.token: looks like a secret" in text
    assert "spec.targets.systemPrompt: holds what looks like a secret" in text
    assert "hunter2" not in text
    assert "0123456789" not in text


def test_aliases_stand_for_themselves(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        HEAD
        + """\
        spec:
          loadPattern:
            phases:
              - &first {name: a, duration: 1m}
              - *first
              - {<<: *first, name: c}
        """.replace("\n        ", "\n").removeprefix("        "),
    )
    phases = load_scenario(path, overrides=["loadPattern.phases[1].duration=5s"]).scenario.spec.load_pattern.phases
    assert [(phase.name, phase.duration) for phase in phases] == [("a", 60.0), ("a", 5.0), ("c", 60.0)]


# several scenarios, directories, run ids


TWO = f"{HEAD}metadata: {{name: one}}\n---\n{HEAD}metadata: {{name: two}}\n---\n"


def test_a_name_picks_one_of_several(tmp_path: Path) -> None:
    path = written(tmp_path, TWO)
    assert load_scenario(path, name="two").scenario.metadata.name == "two"
    assert refusal(path) == ["metadata.name: the file holds 2 scenarios; choose one with --name: one, two"]
    assert refusal(path, name="three") == ["metadata.name: no scenario is called 'three'; the file holds one, two"]


def test_a_test_scenario_beside_a_scenario_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEAD}---\nkind: TestScenario\nmetadata: {{name: embed}}\n")
    (problem,) = refusal(path)
    assert problem.startswith("kind: a TestScenario has no file of its own here; write under spec:  endpoints:")
    assert "embeddings" in problem


def test_a_mounted_config_map_is_read(tmp_path: Path) -> None:
    data = tmp_path / "..2026_07_14"
    data.mkdir()
    written(data, HEAD)
    (tmp_path / "..data").symlink_to(data)
    (tmp_path / "scenario.yaml").symlink_to(tmp_path / "..data" / "scenario.yaml")
    assert load_scenario(tmp_path).scenario.metadata.name == "scenario"


def test_a_directory_must_hold_one_scenario(tmp_path: Path) -> None:
    assert "expected one .yaml or .yml file in it, found none" in refusal(tmp_path)[0]
    written(tmp_path, HEAD, "a.yaml")
    written(tmp_path, HEAD, "b.yml")
    assert "found a.yaml, b.yml" in refusal(tmp_path)[0]


def test_a_used_run_id_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "metadata: {testRunId: night-1}\n")
    runs = tmp_path / "results"
    assert load_scenario(path, existing_runs=runs).scenario.metadata.test_run_id == "night-1"
    (runs / "night-1").mkdir(parents=True)
    (problem,) = refusal(path, existing_runs=runs)
    assert problem.startswith("metadata.testRunId: 'night-1' has been used")


# files that cannot be read


def test_unreadable_files_are_errors_and_not_tracebacks(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml") == [f"{tmp_path / 'none.yaml'} does not exist"]
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refusal(binary)[0]
    large = written(tmp_path, "# " + "x" * 1_000_000, "large.yaml")
    assert "larger than 1000 kB" in refusal(large)[0]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "the file is empty"),
        ("# nothing\n---\n", "the file is empty"),
        ("- a\n", "found a list; expected a mapping"),
        ("just words\n", "found a single value; expected a mapping"),
        ("a: [1\n", "line 2, column 1: not valid YAML"),
        ("a: b: hunter2\n", "line 1, column 5: not valid YAML: mapping values are not allowed here"),
        ("a: \x07\n", "not valid YAML"),
        ("a: !!python/object:os.system {}\n", "line 1, column 4: not valid YAML"),
        (HEAD + "kind: LoadTestScenario\n", "line 3: the key 'kind' is given twice; the first is on line 2"),
        (HEAD + "spec: {limits: {}, users: {},\n limits: {}}\n", "line 4: the key 'limits' is given twice"),
        (HEAD + "metadata: {labels: {1: x}}\n", "metadata.labels: the key 1 is not text; put it in quotes"),
        ("a: &a [*a]\n", "a[0]: an alias refers to what it is part of"),
        ("a: " + "[" * 2000 + "\n", "not valid YAML"),
    ],
)
def test_what_is_no_document_is_one_clear_error(tmp_path: Path, body: str, says: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(body, encoding="utf-8")
    (problem,) = refusal(path)
    assert problem.startswith(says)
    assert "hunter2" not in problem


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "aliases seem to multiply" in refusal(written(tmp_path, "\n".join(lines)))[0]


# the commands


BROKEN: dict[str, tuple[str, str]] = {
    "wrong type": (HEAD + "spec: {organizations: {count: two}}\n", "spec.organizations.count: found the text 'two'"),
    "unknown key": (HEAD + "spec: {limits: {maxCost: 5}}\n", "did you mean spec.limits.maxCostUsd?"),
    "negative duration": (HEAD + "spec: {limits: {maxDuration: -5m}}\n", "spec.limits.maxDuration: found '-5m'"),
    "min over max": (
        HEAD + "spec: {userBehavior: {thinkTimeSeconds: {min: 9, max: 1}}}\n",
        "spec.userBehavior.thinkTimeSeconds.min: found 9, which is more than max (1)",
    ),
    "weights of 0": (
        HEAD + "spec: {userBehavior: {modelPreferences: [{model: gpt-4o, weight: 0}]}}\n",
        "spec.userBehavior.modelPreferences: all weights are 0",
    ),
    "model without a price": (
        HEAD + "spec: {userBehavior: {modelPreferences: [{model: in-house}]}}\n",
        "spec.models.in-house: users may ask for 'in-house', whose price is not known",
    ),
    "inline secret": (
        HEAD + "spec: {targets: {auth: {token: hunter2}}}\n",
        "spec.targets.auth.token: looks like a secret",
    ),
    "reused run id": (HEAD + "metadata: {testRunId: used}\n", "metadata.testRunId: 'used' has been used"),
    "bad address": (
        HEAD + "spec: {targets: {apiRouterUrl: 'router:8080', userOrgUrl: 'http://x'}}\n",
        "spec.targets.apiRouterUrl: found 'router:8080'",
    ),
    "not YAML": ("spec: [\n", "line 2, column 1: not valid YAML"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_validate_says_one_line_for_each_problem(case: str, tmp_path: Path) -> None:
    body, says = BROKEN[case]
    runs = tmp_path / "results"
    (runs / "used").mkdir(parents=True)
    result = CliRunner().invoke(validate.command, [str(written(tmp_path, body)), "--out", str(runs)])
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert line.startswith("error: ")
    assert says in line
    assert "hunter2" not in line
    assert isinstance(result.exception, SystemExit)


def test_validate_reports_warnings_and_a_summary(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "spec: {limits: {maxDuration: 30s}}\n")
    result = CliRunner().invoke(validate.command, [str(path), "--set", "organizations.count=2"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        (
            "warning: spec.limits.maxDuration: the phases last 1m in all: the run stops at 30s, "
            "in phase 'sustained', with exit code 5"
        ),
        "ok: scenario: 2 organisations, 10 users, 1 phase, 1m, platform embedded, at most $10.00",
    ]


def test_validate_reports_warnings_beside_errors(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "spec: {workers: {usersPerWorker: 60}, thresholds: ['error_rate < 5']}\n")
    result = CliRunner().invoke(validate.command, [str(path)])
    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.output.splitlines()] == ["error", "warning"]


def test_validate_reads_the_environment(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD)
    result = CliRunner().invoke(validate.command, [str(path)], env={"RAYSIM_SET__limits__maxCostUsd": "5"})
    assert result.output.endswith("at most $5.00\n")


def test_schema_prints_json() -> None:
    result = CliRunner().invoke(schema.command, [])
    assert result.exit_code == 0
    assert '"maxCostUsd"' in result.output


def test_generated_pages_are_up_to_date() -> None:
    assert docs.stale() == []
