"""Which files of a run's directory go to a store, and when."""

from __future__ import annotations

from collections.abc import Iterable

from raysim.core.export.manifest import MANIFEST_NAME

EVENTS = "events.jsonl"
LEDGER = "resources.jsonl"
SUMMARY = "summary.json"
#: written once the others are in the store, since they say so
SAID_LAST = frozenset({EVENTS, SUMMARY})
_PLAN = ("scenario.yaml", "plan.json")
_PARTS = "requests/"
_LOGS = "logs/"
#: they say who is at work on this machine, now
_LOCAL = ("address", "alive", MANIFEST_NAME)
#: what a clean-up after a lost node needs goes first, what sums up the rest goes last
_ORDER = (LEDGER, EVENTS, *_PLAN)


def is_exported(key: str) -> bool:
    """Whether a file belongs to the results; hidden ones are being written."""
    return key not in _LOCAL and not any(part.startswith(".") for part in key.split("/"))


def is_log(key: str) -> bool:
    """Whether it is one of the structured logs."""
    return key.startswith(_LOGS)


def grows(key: str) -> bool:
    """Whether lines are added to it for as long as the run goes on."""
    return key in (EVENTS, LEDGER) or is_log(key)


def goes_early(key: str) -> bool:
    """Whether it goes to the store while the run goes on: a part is final, and the ledger is what a clean-up needs."""
    return key in _ORDER or key.startswith(_PARTS)


def in_order(keys: Iterable[str]) -> list[str]:
    """The order in which files go."""
    return sorted(keys, key=lambda key: (_ORDER.index(key) if key in _ORDER else len(_ORDER), key == SUMMARY, key))
