"""The ledger of what a run created: ids and their fate, never a secret. What is not on it cannot be removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

ResourceKind = Literal["org", "user", "key"]

#: orders removal: keys before their users, users before their organisations
_REMOVAL_ORDER: dict[str, int] = {"key": 0, "user": 1, "org": 2}


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that exists on the platform because of this run. `fate` is `active` until something became of it."""

    kind: ResourceKind
    resource_id: str
    org_id: str
    name: str
    fate: str = "active"
    detail: str = ""


class Ledger:
    """Every resource of a run by kind and id; the latest entry counts."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._resources: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            self.enter(resource)

    def enter(self, resource: Resource) -> None:
        """Add a resource, or replace what is known of it."""
        self._resources[resource.kind, resource.resource_id] = resource

    def settle(self, resource: Resource, fate: str, detail: str = "") -> Resource:
        """Note what became of it; returns the entry to write down."""
        settled = replace(resource, fate=fate, detail=detail)
        self.enter(settled)
        return settled

    def owed(self) -> list[Resource]:
        """What still has to be removed: keys first, then users, then organisations."""
        left = [r for r in self._resources.values() if r.fate in ("active", "remaining")]
        return sorted(left, key=lambda r: (_REMOVAL_ORDER[r.kind], r.name))

    def counts(self) -> dict[str, int]:
        """How many resources met which fate: deleted, suspended, revoked, retained, remaining, active."""
        return dict(Counter(resource.fate for resource in self._resources.values()))

    def __len__(self) -> int:
        return len(self._resources)

    def ids(self, kind: ResourceKind) -> dict[str, str]:
        """Name → id on the platform, of one kind."""
        return {r.name: r.resource_id for r in self._resources.values() if r.kind == kind}
