"""Schemas of KubeRay's objects and the Prometheus operator's, made strict: unknown fields are refused, as by a server.

They are read from where they are kept beside the checkout, and are no part of the project.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import yaml

_SHARED = Path(__file__).parents[4] / "shared"
#: the definitions of KubeRay's objects
FOLDER = _SHARED / "kuberay-crds"
_FILES = {
    "RayJob": FOLDER / "ray.io_rayjobs.yaml",
    "RayCluster": FOLDER / "ray.io_rayclusters.yaml",
} | {
    kind: _SHARED / "prometheus-operator-crds" / f"monitoring.coreos.com_{kind.lower()}s.yaml"
    for kind in ("PodMonitor", "ServiceMonitor", "PrometheusRule")
}
_OPEN = ("x-kubernetes-preserve-unknown-fields", "additionalProperties")


def there(kind: str) -> bool:
    """Whether the schema of `kind` is."""
    return _FILES[kind].is_file()


def schema_of(kind: str) -> dict[str, Any]:
    """The stored version's schema of `kind`."""
    versions = yaml.load(_FILES[kind].read_text(encoding="utf-8"), yaml.CSafeLoader)["spec"]["versions"]
    stored = next(version for version in versions if version["storage"])
    strict: dict[str, Any] = _strict(stored["schema"]["openAPIV3Schema"])
    return strict


def with_defaults(value: Any, schema: dict[str, Any]) -> Any:
    """`value` as a server stores it: what is missing and has a default is there."""
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        missing = {key: part["default"] for key, part in parts.items() if key not in value and "default" in part}
        return {key: with_defaults(inner, parts.get(key, {})) for key, inner in (value | missing).items()}
    if isinstance(value, list):
        return [with_defaults(inner, schema.get("items", {})) for inner in value]
    return value


def problems(document: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """What is wrong with `document`."""
    found = jsonschema.Draft202012Validator(schema).iter_errors(with_defaults(document, schema))
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        strict["type"] = ["integer", "string"]
        strict.pop("pattern", None)
    elif schema.get("type") == "object" and "properties" in schema and not any(key in schema for key in _OPEN):
        # the API server's own part of every object
        own: dict[str, Any] = {"apiVersion": {}, "kind": {}, "metadata": {}} if "kind" in schema["properties"] else {}
        strict["properties"] = own | strict["properties"]
        strict["additionalProperties"] = False
    return strict
