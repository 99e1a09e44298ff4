"""Where a value stands in the scenario, and which keys exist there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from raysim.core.config.base import Part
from raysim.core.config.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

#: keys and list indices from the top of the document
Location: TypeAlias = tuple[str | int, ...]

_PLAIN = re.compile(r"[^.\[\]\s]+")


def spell(location: Location) -> str:
    """A location as messages show it: `spec.loadPattern.phases[0].duration`, `spec.models[gpt-3.5-turbo]`."""
    text = ""
    for step in location:
        if isinstance(step, int) or not _PLAIN.fullmatch(step):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def key_of(name: str, field: FieldInfo) -> str:
    """The key of a model's field in the file."""
    return field.alias or name


def bare(annotation: object) -> object:
    """`annotation` without Annotated and without None."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        rest = [part for part in get_args(annotation) if part is not NoneType]
        return bare(rest[0]) if len(rest) == 1 else annotation
    return annotation


def is_part(annotation: object) -> bool:
    """Whether `annotation` is one of the scenario's models."""
    return isinstance(annotation, type) and issubclass(annotation, Part)


def part_in(annotation: object) -> type[Part] | None:
    """The model that a field of this type holds, directly or in a list or mapping; None when it holds none."""
    kind = bare(annotation)
    if isinstance(kind, type) and issubclass(kind, Part):
        return kind
    if get_origin(kind) is tuple:
        return part_in(get_args(kind)[0])
    if get_origin(kind) is dict:
        return part_in(get_args(kind)[1])
    return None


def annotation_at(location: Location) -> object | None:
    """The declared type at `location`; None when there is no such place."""
    here: object = Scenario
    for step in location:
        kind = bare(here)
        if isinstance(kind, type) and issubclass(kind, Part):
            fields = {key_of(name, field): field for name, field in kind.model_fields.items()}
            if step not in fields:
                return None
            here = fields[str(step)].annotation
        elif get_origin(kind) is tuple:
            here = get_args(kind)[0]
        elif get_origin(kind) is dict:
            here = get_args(kind)[1]
        else:
            return None
    return here


def keys_at(location: Location) -> tuple[str, ...]:
    """The keys that exist in the mapping at `location`; none when it is no mapping or takes any key."""
    kind = bare(annotation_at(location))
    if not (isinstance(kind, type) and issubclass(kind, Part)):
        return ()
    return tuple(key_of(name, field) for name, field in kind.model_fields.items())


def choices_at(location: Location) -> tuple[str, ...]:
    """The words that are valid at `location`, where only some are."""
    kind = bare(annotation_at(location))
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A key that exists: where (`phases[]` and `models.<name>` for every element), its field, its model."""

    path: str
    key: str
    field: Any
    owner: type[Part]


def entries(model: type[Part] = Scenario, prefix: str = "") -> Iterator[Entry]:
    """Every key below `model`, parents before their children, in the order of the file."""
    for name, field in model.model_fields.items():
        key = key_of(name, field)
        path = f"{prefix}.{key}" if prefix else key
        yield Entry(path, key, field, model)
        child = part_in(field.annotation)
        if child is not None:
            kind = get_origin(bare(field.annotation))
            suffix = "[]" if kind is tuple else ".<name>" if kind is dict else ""
            yield from entries(child, path + suffix)


@cache
def _places() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for entry in entries():
        found.setdefault(_normal(entry.key), []).append(entry.path)
    return {key: tuple(paths) for key, paths in found.items()}


def _normal(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


#: keys of the platform team's earlier harness and of other tools → what says the same here
_FORMER = {
    "nameprefix": "use namingPattern, such as org-{index}",
    "expirydays": "use spec.apiKeys.expiresIn, such as 24h",
    "conversationstyle": "use spec.userBehavior.conversation",
    "turnsperconversation": "use spec.userBehavior.conversation.turns",
    "limitusd": "use spec.organizations.budgetUsd",
    "budget": "use spec.organizations.budgetUsd",
    "dailyusd": "use spec.organizations.budgetUsd",
    "maxdurationsec": "use spec.limits.maxDuration, with a unit",
    "retrybackoffms": "use spec.userBehavior.errorHandling.retryBackoff, with a unit",
    "tlsverify": "use spec.targets.tls.verify",
    "timeout": "use spec.targets.timeouts",
    "testtypes": "use spec.userBehavior.questionStrategies and promptTokens",
    "unit": "write the unit with the number, such as 5m",
}


def advice_for(location: Location) -> str:
    """What the author of an unknown key may have meant; empty when nothing comes close."""
    parent, key = location[:-1], str(location[-1])
    siblings = keys_at(parent)
    normal = _normal(key)
    for sibling in siblings:
        if _normal(sibling) == normal:
            return f"did you mean {spell((*parent, sibling))}?"
    elsewhere = [path for path in _places().get(normal, ()) if "." in path]
    if elsewhere:
        best = min(elsewhere, key=lambda path: (not _related(path, parent), path.count("."), path))
        return f"that key belongs at {best}"
    if normal in _FORMER:
        return _FORMER[normal]
    close = get_close_matches(normal, [_normal(sibling) for sibling in siblings], n=1, cutoff=0.7)
    if close:
        sibling = next(s for s in siblings if _normal(s) == close[0])
        return f"did you mean {spell((*parent, sibling))}?"
    far = get_close_matches(normal, list(_places()), n=1, cutoff=0.85)
    if far:
        return f"did you mean {min(_places()[far[0]], key=len)}?"
    return f"valid keys here: {', '.join(siblings)}" if siblings else ""


def _related(path: str, parent: Location) -> bool:
    """Whether `path` lies in the same section as `parent`."""
    section = spell(parent[:2])
    return len(parent) > 1 and (path == section or path.startswith(f"{section}."))
