"""The reference page of the scenario format and its JSON Schema, both made from the models."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic_core import PydanticUndefined

from raysim.core.behaviour.template import PATH_PLACEHOLDERS, PLACEHOLDERS
from raysim.core.config.base import DURATION_MARK, Part, default_of, nullable
from raysim.core.config.paths import bare, entries, is_part, key_of, part_in
from raysim.core.config.reference_text import AFTERWORD, ENDPOINTS, FAILURES, FOREWORD
from raysim.core.config.scenario import Scenario
from raysim.core.config.support import FOR_MANIFESTS
from raysim.core.units import DURATION_PATTERN, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_WORDS: dict[object, str] = {int: "whole number", float: "number", str: "text", bool: "true or false"}


def configuration_page() -> str:
    """`docs/configuration.md`: a table for each part of the scenario, and the definitions they rest on."""
    parts = (_section(path, model) for path, model in _parts())
    sections = [FOREWORD, *parts, _support(), ENDPOINTS, _placeholders(), FAILURES, AFTERWORD]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, in the file's spelling."""
    schema = Scenario.model_json_schema(by_alias=True)
    for part in (schema, *schema["$defs"].values()):
        for described in part.get("properties", {}).values():
            _tidy(described)
    return {"$schema": _DIALECT, **schema, "title": "raysim scenario"}


def _tidy(described: dict[str, Any]) -> None:
    """Drop titles that only repeat the key, and write default durations as a file would."""
    described.pop("title", None)
    default = described.get("default")
    forms = (described, *described.get("anyOf", ()))
    if isinstance(default, float) and any(form.get("pattern") == DURATION_PATTERN for form in forms):
        described["default"] = format_duration(default)


def _parts() -> Iterator[tuple[str, type[Part]]]:
    """Every model with the path it stands at; one that stands at several is shown at each."""
    yield "", Scenario
    for entry in entries():
        child = part_in(entry.field.annotation)
        if child is not None:
            kind = get_origin(bare(entry.field.annotation))
            yield entry.path + ("[]" if kind is tuple else ".<name>" if kind is dict else ""), child


def _section(path: str, model: type[Part]) -> str:
    lines = [f"## `{path}`" if path else "## The document", "", (model.__doc__ or "").strip().split("\n\n")[0], ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        cells = (f"`{key_of(name, field)}`", type_name(field), _default(field), field.description or "")
        lines.append(f"| {' | '.join(cell.replace('|', '·') for cell in cells)} |")
    return "\n".join(lines)


def type_name(field: Any) -> str:
    """The type of a pydantic field in words."""
    text = "duration" if _is_duration(field) else _type_words(field.annotation)
    return f"{text} or null" if nullable(field.annotation) and default_of(field) is not None else text


def _is_duration(field: Any) -> bool:
    return any(mark == DURATION_MARK for mark in (*field.metadata, *get_args(_without_none(field.annotation))))


def _without_none(annotation: object) -> object:
    inner = [part for part in get_args(annotation) if get_origin(part) is Annotated]
    return inner[0] if inner and nullable(annotation) else annotation


def _type_words(annotation: object) -> str:
    kind = bare(annotation)
    arguments = get_args(kind)
    container = get_origin(kind)
    if container is Literal:
        text = " · ".join(map(str, arguments))
    elif container is tuple:
        text = "list of mappings" if part_in(arguments[0]) else f"list of {_type_words(arguments[0])}"
    elif container is dict:
        text = "mapping of mappings" if part_in(arguments[1]) else "mapping"
    elif is_part(kind):
        text = "mapping"
    elif container in (Union, UnionType):
        text = ", ".join(_type_words(part) for part in arguments if part is not type(None))
    else:
        text = _WORDS.get(kind, "any value")
    return text


def _default(field: Any) -> str:
    value = default_of(field)
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if _is_duration(field) and isinstance(value, float):
        return f"`{format_duration(value)}`"
    text = _yaml(value)
    return f"`{text}`" if text else "see below"


def _yaml(value: object) -> str:
    """`value` in YAML's flow style, without what is default in it."""
    if isinstance(value, Part):
        dumped = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return _yaml(dumped) if dumped else ""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value != "" else '""'


def _placeholders() -> str:
    lines = ["| placeholder | stands for |", "|---|---|"]
    lines += [f"| `{{{name}}}` | {meaning} |" for name, meaning in PLACEHOLDERS.items()]
    in_paths = ", ".join(f"`{{{name}}}`" for name in PATH_PLACEHOLDERS)
    lines += ["", f"A `path` may hold {in_paths}; `expect.contains` and `expect.equals` any of them."]
    return "\n".join(lines)


def _support() -> str:
    lines = ["## What a run does not read", ""]
    lines += ["These are accepted with a warning, since they change nothing about the load:", ""]
    lines += [f"* `spec.{path}`: used when manifests are rendered, not by a run" for path in FOR_MANIFESTS]
    return "\n".join(lines)
