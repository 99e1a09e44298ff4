"""What all manifests have in common: their form, names and labels."""

from __future__ import annotations

import hashlib
import re
from typing import Any

#: a Kubernetes object, as its API has it
Manifest = dict[str, Any]

#: KubeRay adds to a RayJob's name when it names the cluster and its services; longer ones are refused
MOST_NAME_CHARACTERS = 47
_PART_OF = "app.kubernetes.io/part-of"
_COMPONENT = "app.kubernetes.io/component"
_NO_NAME = re.compile(r"[^a-z0-9]+")
_DIGEST_CHARACTERS = 6


def object_name(text: str) -> str:
    """`text` as the name of an object: a DNS label that begins with a letter, at most 47 characters.

    What has to be cut off is replaced by a digest, so that two long names stay two.
    """
    name = _NO_NAME.sub("-", text.lower()).strip("-")
    if not name[:1].isalpha():
        name = f"raysim-{name}".strip("-")
    if len(name) <= MOST_NAME_CHARACTERS:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: MOST_NAME_CHARACTERS - _DIGEST_CHARACTERS - 1].rstrip('-')}-{digest}"


def labels(component: str = "") -> dict[str, str]:
    """The labels of raysim's objects; those of pods say which part they are.

    KubeRay sets `app.kubernetes.io/name` itself.
    """
    return {_PART_OF: "raysim"} | ({_COMPONENT: component} if component else {})


def manifest(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    """An object with raysim's labels."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "labels": labels()},
        **fields,
    }
