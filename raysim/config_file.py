"""Scenario files: YAML, overrides from the command line and the environment, ConfigMap mounts. Reads files only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from raysim.core.config.document import as_document
from raysim.core.config.former import wrong_kind
from raysim.core.config.overrides import ENVIRONMENT_PREFIX, Override, apply, parse_path, rooted
from raysim.core.config.paths import Location, spell
from raysim.core.config.reading import Findings, examine
from raysim.core.config.scenario import Scenario
from raysim.core.config.secrets import looks_secret, shown, veiled
from raysim.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

#: larger files are not scenarios
_MAX_BYTES = 1_000_000
#: more values than this come from aliases that multiply, not from a person
_MAX_VALUES = 100_000


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
        document = _select(_documents(_scenario_file(path)), name)
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


def dump_document(document: dict[str, Any]) -> str:
    """`document` as YAML, its keys in their order."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def parse_documents(text: str) -> list[Any]:
    """The YAML documents in `text`, empty ones left out.

    Raises:
        ConfigError: not YAML, a key given twice, or a structure that is no tree.
    """
    try:
        found, problems = _parse(text)
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax_problem(error)]) from None
    except RecursionError:
        raise ConfigError([Problem("", "not valid YAML: it is nested too deeply")]) from None
    except (yaml.YAMLError, ValueError):
        detail = "it holds a character or a value that YAML does not allow"
        raise ConfigError([Problem("", f"not valid YAML: {detail}")]) from None
    plain = [_Copy(problems).of(document) for document in found if document is not None]
    if problems:
        raise ConfigError(problems)
    return plain


def _parse(text: str) -> tuple[list[Any], list[Problem]]:
    loader = _Loader(text)
    found: list[Any] = []
    try:
        while loader.check_data():  # type: ignore[no-untyped-call]
            found.append(loader.get_data())
    finally:
        loader.dispose()
    return found, loader.problems


def _syntax_problem(error: yaml.MarkedYAMLError) -> Problem:
    # the parser's own text quotes the line, which may hold a secret
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    reason = error.problem or "unreadable"
    return Problem(where, f"not valid YAML: {reason if not looks_secret(reason) else 'unreadable'}")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also notices keys that are given twice."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.problems: list[Problem] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        first: dict[str, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                continue
            line, key = key_node.start_mark.line + 1, key_node.value
            if key in first and first[key] != line:
                message = f"the key {shown(key)} is given twice; the first is on line {first[key]}"
                self.problems.append(Problem(f"line {line}", message))
            first.setdefault(key, line)
        return super().construct_mapping(node, deep=deep)


class _Copy:
    """Copies a parsed document, so that aliases stand for themselves, and refuses what is no tree of text keys."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._open: set[int] = set()
        self._values = 0

    def of(self, value: Any, location: Location = ()) -> Any:
        """A copy of `value`, which stands at `location`."""
        self._values += 1
        if self._values > _MAX_VALUES:
            raise ConfigError([Problem("", f"more than {_MAX_VALUES} values; aliases seem to multiply")])
        if not isinstance(value, (dict, list)):
            return value
        if id(value) in self._open:
            raise ConfigError([Problem(spell(location), "an alias refers to what it is part of")])
        self._open.add(id(value))
        try:
            if isinstance(value, list):
                return [self.of(item, (*location, index)) for index, item in enumerate(value)]
            return {self._key(key, location): self.of(item, (*location, str(key))) for key, item in value.items()}
        finally:
            self._open.discard(id(value))

    def _key(self, key: object, location: Location) -> str:
        if not isinstance(key, str):
            where = spell(location)
            self._problems.append(Problem(where, f"the key {shown(key)} is not text; put it in quotes"))
        return str(key)


def _scenario_file(path: Path) -> Path:
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
