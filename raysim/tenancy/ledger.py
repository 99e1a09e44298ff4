"""The ledger of what a run created: ids and their fate, never a secret. What is not on it cannot be removed.

A line is written before each call that creates something (`intended`), and another one before what it made is used
(`created`). So a run that was killed in between still says what to look for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

from raysim.json_lines import whole_objects
from raysim.tenancy.port import ResourceKind

#: orders removal: keys before their users, users before their organisations
_REMOVAL_ORDER: dict[str, int] = {"key": 0, "user": 1, "org": 2}

#: kind of the line that holds the run's mark
MARK_KIND = "run"
INTENDED, CREATED, RETAINED, REMAINING, GONE = "intended", "created", "retained", "remaining", "gone"
#: what has one of these may still exist and was not left on purpose
_OWED = frozenset({INTENDED, CREATED, REMAINING})


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that exists on the platform because of this run, or may.

    Args:
        kind: org, user or key.
        resource_id: the platform's own id; "" as long as it is not known.
        org_id: its organisation's id.
        name: what reports call it; a key goes by its user's name.
        label: what the platform can find it by: an organisation's slug, a user's e-mail address, a key's label.
        fate: intended, created, and then what became of it.
        detail: why, in words.
    """

    kind: ResourceKind
    resource_id: str
    org_id: str
    name: str
    label: str = ""
    fate: str = CREATED
    detail: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """What is the same in all its lines."""
        return self.kind, self.label or self.resource_id


_FIELDS = tuple(field.name for field in fields(Resource))


class Ledger:
    """Every resource of a run; the latest entry of each counts."""

    #: what the platform's objects carry in their metadata where there is room for it; "" when that is not known
    mark = ""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._resources: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            self.enter(resource)

    @classmethod
    def parse(cls, lines: bytes) -> Ledger:
        """The ledger that `lines` hold, one JSON object each.

        A line that is cut off, as the last one of a killed process may be, is left out: a line's call is made after
        the line is on disk, so nothing was made for it.
        """
        ledger = cls()
        for said in whole_objects(lines.splitlines()):
            entry = _resource(said)
            if isinstance(entry, str):
                ledger.mark = entry
            elif entry is not None:
                ledger.enter(entry)
        return ledger

    def enter(self, resource: Resource) -> None:
        """Add a resource, or replace what is known of it."""
        self._resources[resource.identity] = resource

    def settle(self, resource: Resource, fate: str, detail: str = "") -> Resource:
        """Note what became of it; returns the entry to write down."""
        settled = replace(resource, fate=fate, detail=detail)
        self.enter(settled)
        return settled

    def owed(self, *, retained: bool = False) -> list[Resource]:
        """What still has to be removed, keys first, then users, then organisations.

        Args:
            retained: with what was left on purpose.
        """
        fates = _OWED | {RETAINED} if retained else _OWED
        left = [resource for resource in self._resources.values() if resource.fate in fates]
        return sorted(left, key=lambda resource: (_REMOVAL_ORDER[resource.kind], resource.name, resource.label))

    def find(self, kind: ResourceKind, name: str) -> list[Resource]:
        """The entries of one kind and name."""
        return [r for r in self._resources.values() if r.kind == kind and r.name == name]

    def org(self, org_id: str) -> list[Resource]:
        """The entry of the organisation with this id, if there is one."""
        return [r for r in self._resources.values() if r.kind == "org" and r.resource_id == org_id != ""]

    def counts(self) -> dict[str, int]:
        """How many resources met which fate."""
        return dict(Counter(resource.fate for resource in self._resources.values()))

    def __len__(self) -> int:
        return len(self._resources)

    def ids(self, kind: ResourceKind) -> dict[str, str]:
        """Name → id on the platform, of one kind."""
        return {r.name: r.resource_id for r in self._resources.values() if r.kind == kind and r.resource_id}


def new_mark(run_id: str, entropy: str) -> str:
    """The mark of one run's objects: two runs that were given the same id are still told apart."""
    return f"{run_id}.{entropy}"


def run_of(mark: str) -> str:
    """The id of the run that made what carries `mark`."""
    return mark.partition(".")[0]


def _resource(said: dict[str, Any]) -> Resource | str | None:
    """What a line says: a resource, or the run's mark; None when nothing."""
    if said.get("kind") == MARK_KIND and isinstance(said.get("mark"), str):
        return str(said["mark"])
    if said.get("kind") not in get_args(ResourceKind):
        return None
    known = {name: said[name] for name in _FIELDS if isinstance(said.get(name), str)}
    # ledgers of before there were intentions call it active
    known["fate"] = CREATED if known.get("fate") == "active" else known.get("fate", CREATED)
    return Resource(**{"resource_id": "", "org_id": "", "name": "", **known})
