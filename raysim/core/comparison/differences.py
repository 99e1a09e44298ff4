"""What two scenarios do not have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: differs in every run, and changes nothing that is measured
_NAMES = ("metadata.testRunId",)
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """A place in both scenarios and what each has there; None where it has nothing."""

    path: str
    baseline: Any
    run: Any


def differences(baseline: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Where two resolved scenarios differ, in the order of the first; the spelling of paths is that of `--set`."""
    before, after = dict(_leaves(baseline)), dict(_leaves(run))
    return tuple(
        Difference(path.removeprefix("spec."), before.get(path), after.get(path))
        for path in dict.fromkeys((*before, *after))
        if path not in _NAMES and before.get(path, _ABSENT) != after.get(path, _ABSENT)
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{item.get('name', index)}]")
    else:
        yield path, value
