"""Can results be copied to where the scenario wants them? Something small is put there, read and removed."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from raysim.core.export.address import Destination, Destinations
from raysim.core.export.manifest import MANIFEST_NAME
from raysim.preflight.check import Check
from raysim.sinks.store import ObjectStore, StoreError, open_store, read_object

_PROBE = ".raysim-probe"
_CONTENT = b"raysim preflight\n"


def check_stores(wanted: Destinations, opened: Callable[[Destination], ObjectStore] = open_store) -> list[Check]:
    """A check for each store that the scenario names; none where it names none."""
    return [_check(name, destination, opened) for name, destination in wanted.named()]


def _check(name: str, destination: Destination, opened: Callable[[Destination], ObjectStore]) -> Check:
    url = destination.url
    try:
        store = opened(destination)
        store.put(_PROBE, BytesIO(_CONTENT))
        found = read_object(store, _PROBE)
        store.delete(_PROBE)
        there = store.keys(MANIFEST_NAME)
    except StoreError as error:
        return Check(name, "failed", error.message, error.hint or "correct spec.cleanup, or leave the export out")
    if found != _CONTENT:
        return Check(name, "failed", f"{url} gave back something else than was put there", "is it an object store?")
    if there:
        advice = "use another --run-id, or an address with {testRunId}"
        return Check(name, "failed", f"{url} holds the results of a run already", advice)
    return Check(name, "passed", f"{url} can be written and read")
