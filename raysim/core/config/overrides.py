"""Values that replace those of the file: `--set path=value` and the environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from raysim.core.config.paths import Location, spell
from raysim.core.errors import Problem

#: environment variables of this form are overrides; two underscores stand between the steps of the path
ENVIRONMENT_PREFIX = "RAYSIM_SET__"

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[([^\[\]]+)\]")
#: keys by which an element of a list can be named
_NAMES = ("name", "model", "id", "index")


@dataclass(frozen=True, slots=True)
class Override:
    """A value for one place; `source` is what to call it in a message, without the value."""

    steps: tuple[str, ...]
    value: Any
    source: str


def parse_path(text: str) -> tuple[str, ...]:
    """The steps of a path below `spec`, or from `metadata`, as it is written after `--set`.

    Raises:
        ValueError: not such a path.
    """
    matches = list(_STEP.finditer(text))
    if not text or "".join(match[0] for match in matches) != text:
        raise ValueError("expected a path such as limits.maxCostUsd or loadPattern.phases[ramp].duration")
    return rooted(tuple(match[1] or match[2] for match in matches))


def rooted(steps: tuple[str, ...]) -> tuple[str, ...]:
    """`steps` from the top of the document."""
    return steps if steps[0] in ("spec", "metadata") else ("spec", *steps)


def apply(document: dict[str, Any], override: Override) -> tuple[Location, Problem | None]:
    """Put the value into `document` (in place): where it went, and what is wrong when it could not go there."""
    here: Any = document
    location: Location = ()
    for place, step in enumerate(override.steps):
        last = place == len(override.steps) - 1
        if isinstance(here, list):
            index = _index(here, step)
            if index is None:
                return location, Problem(spell(location), f"{_no_element(here, step)} ({override.source})")
            key: str | int = index
        elif isinstance(here, dict):
            key = step
        else:
            message = f"is a single value, so that it has no {step!r} ({override.source})"
            return location, Problem(spell(location), message)
        location = (*location, key)
        if last:
            here[key] = override.value
        elif isinstance(here, dict) and here.get(step) is None:
            here[key] = {}
        here = here[key]
    return location, None


def _index(items: list[Any], step: str) -> int | None:
    named = (
        place
        for place, item in enumerate(items)
        if isinstance(item, dict) and any(str(item.get(key)) == step for key in _NAMES if key in item)
    )
    found = next(named, None)
    if found is None and step.isdecimal() and int(step) < len(items):
        return int(step)
    return found


def _no_element(items: list[Any], step: str) -> str:
    names = [str(item[key]) for item in items if isinstance(item, dict) for key in _NAMES if key in item]
    known = f" or a name ({', '.join(names)})" if names else ""
    if not items:
        return f"is an empty list in the file, so that it has no {step!r}"
    return f"has no {step!r}; expected an index from 0 to {len(items) - 1}{known}"
