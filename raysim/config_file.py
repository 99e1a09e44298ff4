"""Scenario files: overrides from the command line and the environment, ConfigMap mounts. Reads files only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from raysim.core.config.document import as_document
from raysim.core.config.former import wrong_kind
from raysim.core.config.overrides import ENVIRONMENT_PREFIX, Override, apply, parse_path, rooted
from raysim.core.config.paths import Location, spell
from raysim.core.config.reading import Findings, examine
from raysim.core.config.scenario import Scenario
from raysim.core.config.secrets import shown, veiled
from raysim.core.errors import ConfigError, Problem
from raysim.yaml_text import dump_document, parse_documents

if TYPE_CHECKING:
    from pathlib import Path

#: larger files are not scenarios
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A scenario and what its author should know about it."""

    scenario: Scenario
    warnings: list[Problem]


def load_scenario(
    path: Path,
    *,
    name: str | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = {},
    existing_runs: Path | None = None,
) -> LoadedScenario:
    """The scenario in `path`, a file or a mounted ConfigMap's directory.

    Args:
        path: the file or directory.
        name: which scenario, by `metadata.name`, when there are several.
        overrides: `path=value` strings, applied last, in their order.
        environ: environment in which `RAYSIM_SET__…` variables are looked for.
        existing_runs: the results folder; a `metadata.testRunId` that has a directory there is refused.

    Raises:
        ConfigError: with every problem found.
    """
    findings = examine_file(path, name=name, overrides=overrides, environ=environ, existing_runs=existing_runs)
    if findings.scenario is None:
        raise ConfigError(list(findings.errors), source=str(path))
    return LoadedScenario(findings.scenario, list(findings.warnings))


def examine_file(
    path: Path,
    *,
    name: str | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = {},
    existing_runs: Path | None = None,
) -> Findings:
    """As `load_scenario`, but errors are returned, together with the warnings."""
    try:
        document = _select(_documents(scenario_file(path)), name)
    except ConfigError as error:
        return Findings(None, tuple(error.problems), ())
    return examine_document(document, overrides=overrides, environ=environ, existing_runs=existing_runs)


def examine_document(
    document: dict[str, Any],
    *,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] = {},
    existing_runs: Path | None = None,
) -> Findings:
    """As `examine_file`, for a document that is there already; overrides change it in place."""
    try:
        changes = _overrides(overrides, environ)
    except ConfigError as error:
        return Findings(None, tuple(error.problems), ())
    applied: list[tuple[Location, Override]] = []
    failed: list[Problem] = []
    for change in changes:
        location, problem = apply(document, change)
        applied += [] if problem else [(location, change)]
        failed += [problem] if problem else []
    findings = examine(document)
    errors = [*failed, *(_attributed(problem, applied) for problem in findings.errors)]
    errors += _reused_id(document, existing_runs)
    return Findings(None if errors else findings.scenario, tuple(errors), findings.warnings)


def dump_scenario(scenario: Scenario) -> str:
    """`scenario` as YAML with every default spelled out; reads as the same scenario again."""
    return dump_document(as_document(scenario))


def scenario_file(path: Path) -> Path:
    """The file that `path` means: itself, or the one in a mounted ConfigMap's directory. Raises ConfigError."""
    if not path.is_dir():
        return path
    found = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml") and not p.name.startswith("."))
    if len(found) == 1:
        return found[0]
    names = ", ".join(p.name for p in found) if found else "none"
    message = f"{path} is a directory; expected one .yaml or .yml file in it, found {names}"
    raise ConfigError([Problem("", message)])


def _documents(path: Path) -> list[Any]:
    try:
        if path.is_file() and path.stat().st_size > _MAX_BYTES:
            raise ConfigError([Problem("", f"{path} is larger than {_MAX_BYTES // 1000} kB; is it a scenario?")])
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([Problem("", f"{path} does not exist")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem("", f"{path} is not a text file in UTF-8")]) from None
    except OSError as error:
        raise ConfigError([Problem("", f"{path} cannot be read: {error.strerror or error}")]) from None
    return parse_documents(text)


def _select(documents: list[Any], name: str | None) -> dict[str, Any]:
    if not documents:
        raise ConfigError([Problem("", "the file is empty; a scenario starts with apiVersion, kind, metadata, spec")])
    problems: list[Problem] = []
    for document in documents:
        if not isinstance(document, dict):
            found = "a list" if isinstance(document, list) else "a single value"
            problems.append(Problem("", f"found {found}; expected a mapping with apiVersion, kind, metadata, spec"))
        elif len(documents) > 1 and (problem := wrong_kind(document)):
            problems.append(replace(problem, message=f"{problem.message} (document {_name(document)!r})"))
    if problems:
        raise ConfigError(problems)
    names = [_name(document) for document in documents]
    listed = ", ".join(names)
    if name is None:
        if len(documents) > 1:
            raise ConfigError(
                [Problem("metadata.name", f"the file holds {len(names)} scenarios; choose one with --name: {listed}")]
            )
        return dict(documents[0])
    chosen = [document for document in documents if _name(document) == name]
    if len(chosen) != 1:
        count = "no scenario is" if not chosen else f"{len(chosen)} scenarios are"
        raise ConfigError([Problem("metadata.name", f"{count} called {name!r}; the file holds {listed}")])
    return dict(chosen[0])


def _name(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return str(name) if name is not None else "scenario"


def _overrides(texts: Sequence[str], environ: Mapping[str, str]) -> list[Override]:
    found: list[Override] = []
    problems: list[Problem] = []
    for variable in sorted(key for key in environ if key.startswith(ENVIRONMENT_PREFIX)):
        steps = tuple(variable.removeprefix(ENVIRONMENT_PREFIX).split("__"))
        if not all(steps):
            problems.append(Problem(variable, "expected a path such as RAYSIM_SET__limits__maxCostUsd"))
            continue
        found += _override(rooted(steps), environ[variable], f"set by {variable}", problems)
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals:
            problems.append(Problem("--set", f"found {shown(text)}; expected path=value, such as limits.maxCostUsd=5"))
            continue
        try:
            steps = parse_path(path.strip())
        except ValueError as error:
            problems.append(Problem(f"--set {shown(path)}", str(error)))
            continue
        found += _override(steps, value, f"set by --set {veiled((path.strip(),))[0]}", problems)
    if problems:
        raise ConfigError(problems)
    return found


def _override(steps: tuple[str, ...], text: str, source: str, problems: list[Problem]) -> list[Override]:
    try:
        documents = parse_documents(text)
    except ConfigError:
        problems.append(Problem(spell(steps), f"the value is not valid YAML ({source})"))
        return []
    return [Override(steps, documents[0] if documents else None, source)]


def _attributed(problem: Problem, applied: list[tuple[Location, Override]]) -> Problem:
    """`problem` with the override that caused it, when one did."""
    for location, override in reversed(applied):
        path = spell(location)
        if problem.path == path or problem.path.startswith((f"{path}.", f"{path}[")):
            return replace(problem, message=f"{problem.message} ({override.source})")
    return problem


def _reused_id(document: dict[str, Any], existing_runs: Path | None) -> list[Problem]:
    metadata = document.get("metadata")
    run_id = metadata.get("testRunId") if isinstance(metadata, dict) else None
    if existing_runs is None or not isinstance(run_id, str) or not run_id or "/" in run_id or run_id.startswith("."):
        return []
    if not (existing_runs / run_id).exists():
        return []
    message = (
        f"{run_id!r} has been used: {existing_runs / run_id} exists; choose another, or leave it out for a new one"
    )
    return [Problem("metadata.testRunId", message)]
