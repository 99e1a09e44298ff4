"""From a parsed document to a scenario, with everything that is wrong or worth knowing about it at once."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from raysim.core.config import checks
from raysim.core.config.base import FROM_FILE, PROBLEMS
from raysim.core.config.former import former_keys, wrong_kind
from raysim.core.config.paths import Location, advice_for, annotation_at, bare, choices_at, is_part, keys_at, spell
from raysim.core.config.scenario import API_VERSION, Scenario
from raysim.core.config.secrets import HIDDEN, find_secrets, shown, veiled, without
from raysim.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: a document as a parser gives it: text, numbers, true and false, nothing, lists, mappings with text keys
Document: TypeAlias = dict[str, Any]

_BOUNDS = {
    "greater_than_equal": "at least",
    "greater_than": "more than",
    "less_than_equal": "at most",
    "less_than": "less than",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What reading gave: the scenario when there are no errors, and all errors and warnings."""

    scenario: Scenario | None
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def read_scenario(document: Document) -> Scenario:
    """The scenario that `document` describes.

    Raises:
        ConfigError: with every problem found.
    """
    findings = examine(document)
    if findings.scenario is None:
        raise ConfigError(list(findings.errors))
    return findings.scenario


def examine(document: Document) -> Findings:
    """Read `document` and report on all of it, also beyond the first error."""
    secrets = dict(find_secrets(document))
    errors = [Problem(spell(veiled(location)), message) for location, message in secrets.items()]
    if problem := wrong_kind(document):
        return Findings(None, (*errors, problem), ())
    former = dict(former_keys(document))
    errors += former.values()
    rest: Any = without(document, {*secrets, *former})
    secret_sections = frozenset(str(location[1]) for location in secrets if len(location) > 1)
    scenario, located = _validate(rest)
    errors += [
        Problem(spell(location), message)
        for location, message in located
        if not any(_within(secret, location) for secret in secrets)
    ]
    unreadable = secret_sections | {str(loc[1]) for loc, _ in located if len(loc) > 1 and loc[0] == "spec"}
    readable = scenario or _without_sections(rest, {loc[:2] for loc, _ in located})
    if readable is None:
        return Findings(None, tuple(errors), ())
    errors += checks.errors(readable, frozenset(unreadable))
    warnings = checks.warnings(readable, frozenset(unreadable))
    return Findings(None if errors else scenario, tuple(errors), tuple(warnings))


def _within(inner: Location, outer: Location) -> bool:
    return inner[: len(outer)] == outer


def _validate(document: Document) -> tuple[Scenario | None, list[tuple[Location, str]]]:
    try:
        return Scenario.model_validate(document, by_alias=True, by_name=False, context=FROM_FILE), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [located for detail in details for located in _located(detail)]


def _without_sections(document: Document, locations: set[Location]) -> Scenario | None:
    """The scenario with defaults in place of what could not be read, so that the rest can be checked too."""
    spec = document.get("spec")
    kept: Document = {key: value for key, value in document.items() if (key,) not in locations}
    kept |= {"apiVersion": API_VERSION}
    for top in {str(location[0]) for location in locations} - {"spec"}:
        if top == "metadata":
            kept.pop(top, None)
    kept = {key: value for key, value in kept.items() if key in ("apiVersion", "kind", "metadata", "spec")}
    if isinstance(spec, dict) and ("spec",) not in locations:
        kept["spec"] = {key: value for key, value in spec.items() if ("spec", key) not in locations}
    return _validate(kept)[0]


def _located(detail: ErrorDetails) -> list[tuple[Location, str]]:
    location: Location = detail["loc"]
    if detail["type"] == PROBLEMS:
        return [(_below(location, key), message) for key, message in detail["ctx"][PROBLEMS]]
    if detail["type"] == "too_short" and detail["input"]:
        return []  # its elements were refused, each with an error of its own
    return [(location, _message(detail, location))]


def _below(location: Location, key: str) -> Location:
    """`location` and the steps that `key` (`overrides[2].index`) adds."""
    steps: list[str | int] = []
    for part in key.split("."):
        name, _, index = part.partition("[")
        steps += [name] if name else []
        steps += [int(index.rstrip("]"))] if index else []
    return (*location, *steps)


def _message(detail: ErrorDetails, location: Location) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    value = shown(detail["input"], location)
    if kind == "missing":
        text = "is required"
    elif kind == "extra_forbidden":
        text = "; ".join(filter(None, ("is no known key", advice_for(location))))
    elif kind == "literal_error":
        text = _choice_message(detail["input"], value, location)
    elif kind == "value_error":
        text = _value_message(str(context["error"]), value)
    elif kind in _BOUNDS:
        text = f"found {value}; {_bounds(kind, context)}"
    elif kind in ("too_short", "string_too_short"):
        text = "is empty; give at least one"
    elif kind == "string_pattern_mismatch":
        text = f"found {value}; expected 1 to 128 printable characters without spaces"
    elif kind == "string_too_long":
        text = f"found {value}; at most {context['max_length']} characters are allowed"
    else:
        text = f"found {_described(detail['input'], value)}; expected {_expected(kind, location)}"
    return text


def _value_message(text: str, value: str) -> str:
    """A validator's own message, cut short when it repeats what must not be shown."""
    return f"is not valid; found {value}" if value == HIDDEN and text.startswith("found") else text


def _choice_message(found: object, value: str, location: Location) -> str:
    choices = choices_at(location)
    close = get_close_matches(str(found).lower(), choices, n=1, cutoff=0.75)
    hint = f" (did you mean {close[0]}?)" if close and isinstance(found, str) else ""
    if len(choices) == 1:
        return f"found {value}; expected {choices[0]}{hint}"
    return f"found {value}; expected one of {', '.join(choices)}{hint}"


def _bounds(kind: str, context: dict[str, Any]) -> str:
    number = f"{next(iter(context.values())):g}"
    if kind == "less_than_equal" and number == "1":
        return "expected at most 1, as 0.1 means 10 %"
    return f"expected {_BOUNDS[kind]} {number}"


def _described(found: object, value: str) -> str:
    if isinstance(found, str) and value != HIDDEN:
        return f"the text {value}"
    return value


def _expected(kind: str, location: Location) -> str:
    if kind.startswith("string"):
        return "a text; put it in quotes"
    words = {
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "float_type": "a number, without a unit",
        "bool_type": "true or false",
        "finite_number": "a finite number",
        "tuple_type": "a list",
        "dict_type": "a mapping",
        "model_type": "a mapping",
        "invalid_key": "a key that is text",
    }
    word = words.get(kind, "another kind of value")
    if word == "a mapping" and is_part(bare(annotation_at(location))):
        return f"{word} with keys such as {', '.join(keys_at(location)[:3])}"
    return word
