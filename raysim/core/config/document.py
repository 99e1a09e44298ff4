"""From a scenario back to a document, every default spelled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysim.core.config.base import Part, default_of
from raysim.core.config.paths import key_of

if TYPE_CHECKING:
    from raysim.core.config.scenario import Scenario


def as_document(scenario: Scenario) -> dict[str, Any]:
    """The document that reads as `scenario`: text, numbers, lists and mappings, in the file's spelling."""
    plain: dict[str, Any] = scenario.model_dump(mode="json", by_alias=True)
    return _pruned(scenario, plain)


def _pruned(part: Part, plain: dict[str, Any]) -> dict[str, Any]:
    """Without keys that are null by default, since they say nothing."""
    kept: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        key, value = key_of(name, field), getattr(part, name)
        if value is None and default_of(field) is None:
            continue
        kept[key] = _pruned_value(value, plain[key])
    return kept


def _pruned_value(value: object, plain: Any) -> Any:
    if isinstance(value, Part):
        return _pruned(value, plain)
    if isinstance(value, tuple):
        return [_pruned_value(item, low) for item, low in zip(value, plain, strict=True)]
    if isinstance(value, dict) and all(isinstance(item, Part) for item in value.values()):
        return {key: _pruned_value(item, plain[key]) for key, item in value.items()}
    return plain
