"""What the format has and a run does not read: the one table of it. Setting it is a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysim.core.config.base import Part, default_of
from raysim.core.config.paths import Location, key_of, spell
from raysim.core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysim.core.config.scenario import Scenario


#: fields that only the rendering of Kubernetes manifests reads
FOR_MANIFESTS = (
    "workers.resources",
    "workers.image",
    "workers.env",
    "workers.nodeSelector",
    "workers.tolerations",
)


def without_effect(scenario: Scenario) -> Iterator[Problem]:
    """What is set in `scenario` and changes nothing about this run."""
    for path in FOR_MANIFESTS:
        *_, key = path.split(".")
        for location, value in values_at(scenario.spec, path):
            owner = next(values_at(scenario.spec, path.rpartition(".")[0]))[1]
            if value != _default(owner, key):
                yield Problem(spell(("spec", *location)), "is used when manifests are rendered, not by this run")


def values_at(part: Part, path: str) -> Iterator[tuple[Location, Any]]:
    """The values at `path` below `part`, one for each element of lists on the way; none below an absent part."""
    key, _, rest = path.partition(".")
    name, each = key.removesuffix("[]"), key.endswith("[]")
    attribute = next(n for n, field in type(part).model_fields.items() if key_of(n, field) == name)
    value = getattr(part, attribute)
    found = [((name, i), item) for i, item in enumerate(value)] if each else [((name,), value)]
    for location, item in found:
        if not rest:
            yield location, item
        elif isinstance(item, Part):
            for below, inner in values_at(item, rest):
                yield (*location, *below), inner


def _default(owner: Part, key: str) -> object:
    return next(default_of(f) for n, f in type(owner).model_fields.items() if key_of(n, f) == key)
