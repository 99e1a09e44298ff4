"""Documents of the platform team's earlier harness that are another kind of thing here, and their equivalent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysim.core.config.scenario import API_VERSION, KIND
from raysim.core.config.secrets import shown
from raysim.core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

#: a word in the name or path of an earlier scenario → the endpoint it called; the first that fits counts
_ENDPOINT_WORDS = (
    ("embed", "embeddings"),
    ("chat", "chat"),
    ("org", "orgs"),
    ("user", "orgs"),
    ("complet", "completions"),
)


def wrong_kind(document: dict[str, object]) -> Problem | None:
    """What is wrong with the kind of `document`; None when it is a scenario."""
    kind = document.get("kind")
    if kind == KIND:
        return None
    if kind == "TestScenario":
        return Problem("kind", f"a TestScenario has no file of its own here; {_equivalent([document])}")
    if kind == "ConfigMap":
        return Problem("kind", "found a ConfigMap; give the scenario inside it, or the directory it is mounted at")
    if kind is None:
        return Problem("kind", f"is required; add apiVersion: {API_VERSION} and kind: {KIND}")
    return Problem("kind", f"found {shown(kind)}; expected {KIND}")


def former_keys(document: dict[str, object]) -> Iterator[tuple[tuple[str, str], Problem]]:
    """Sections under `spec` that have another form here: their location and the problem that says which."""
    spec = document.get("spec")
    if isinstance(spec, dict) and "scenarioMix" in spec:
        message = f"is not a key here; {_equivalent(_mix(spec['scenarioMix']))}"
        yield ("spec", "scenarioMix"), Problem("spec.scenarioMix", message)


def _mix(value: object) -> list[dict[str, object]]:
    items = value.get("scenarios", value) if isinstance(value, dict) else value
    if isinstance(items, dict):
        return [{"name": str(name), "weight": weight} for name, weight in items.items()]
    if not isinstance(items, list):
        return []
    return [item if isinstance(item, dict) else {"name": str(item)} for item in items]


def _equivalent(items: list[dict[str, object]]) -> str:
    """The mix as a line of YAML, as far as its keys allow; weights of one endpoint are added up."""
    weights: dict[str, float] = {}
    for item in items:
        weight = item.get("weight")
        number = float(weight) if isinstance(weight, (int, float)) and not isinstance(weight, bool) else 1.0
        name = _endpoint(item)
        weights[name] = weights.get(name, 0.0) + number
    entries = ", ".join(f"{{name: {name}, weight: {weight:g}}}" for name, weight in weights.items())
    return f"write under spec:  endpoints: [{entries or '{name: chat, weight: 1}'}]"


def _endpoint(item: dict[str, object]) -> str:
    metadata, spec = item.get("metadata"), item.get("spec")
    words = [item.get("name"), item.get("path"), item.get("endpoint")]
    words += [metadata.get("name")] if isinstance(metadata, dict) else []
    words += [spec.get("path"), spec.get("endpoint")] if isinstance(spec, dict) else []
    text = " ".join(str(word).lower() for word in words if word is not None)
    return next((endpoint for word, endpoint in _ENDPOINT_WORDS if word in text), "chat")
