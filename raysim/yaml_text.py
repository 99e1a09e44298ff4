"""YAML text to plain documents and back: no aliases, no doubled keys, no surprises. Pure."""

from __future__ import annotations

from typing import Any

import yaml

from raysim.core.config.paths import Location, spell
from raysim.core.config.secrets import looks_secret, shown
from raysim.core.errors import ConfigError, Problem

#: more values than this come from aliases that multiply, not from a person
_MAX_VALUES = 100_000


def dump_document(document: dict[str, Any]) -> str:
    """`document` as YAML, its keys in their order; text of several lines stands as such."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


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


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which keeps the lines of a text."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


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
