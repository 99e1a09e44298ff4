"""Finishes a copy of results that an outage of the store, or the run's end, cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from time import time

from raysim.cleanup.left_run import LeftRun
from raysim.core.errors import ConfigError, PreflightError, Problem
from raysim.core.export.address import Destination, Destinations
from raysim.core.export.files import SAID_LAST
from raysim.core.export.outcome import ExportOutcome
from raysim.report.run_dir import read_json, write_json
from raysim.sinks.export import Export
from raysim.sinks.exporter import exported
from raysim.sinks.journal import Journal
from raysim.sinks.run_exports import exports_of
from raysim.sinks.store import ObjectStore, StoreError, open_store
from raysim.tenancy.liveness import keeper_of

_KEYS = ("export", "log_export")


def destinations(run: LeftRun, to: str | None) -> Destinations:
    """Where the run's scenario wants its files, or `to` instead. Raises ConfigError when neither says anything."""
    wanted = Destinations.of(run.scenario.spec.cleanup, run.run_id)
    if to is not None:
        spec = Destinations.of(run.scenario.spec.cleanup.model_copy(update={"export_results_to": to}), run.run_id)
        return Destinations(spec.results, None)
    if not wanted.named():
        raise ConfigError([Problem("RUN", "its scenario has no cleanup.exportResultsTo; say where with --to")])
    return wanted


def upload(
    run: LeftRun,
    wanted: Destinations,
    say: Callable[[str], None],
    opened: Callable[[Destination], ObjectStore] = open_store,
) -> list[ExportOutcome]:
    """Copy what is not in its store yet; one outcome for each store. Can be repeated: then there is nothing to do.

    Args:
        run: as read from its directory.
        wanted: where to.
        say: takes a line for a person.
        opened: opens a store.

    Raises:
        PreflightError: the run goes on, and copies its files itself.
        StoreError: a store cannot be asked what it has, or holds another run's results.
    """
    holder = keeper_of(run.paths.root)
    if holder:
        raise PreflightError(f"{run.run_id} goes on ({holder}), and copies its files itself")
    exports = exports_of(run.paths.root, run.run_id, wanted, opened)
    for export in exports:
        export.resume()
    keys = _KEYS if wanted.results else _KEYS[1:]
    # logs first: the summary, which tells of both, goes with the results
    work = list(zip(keys, exports, strict=False))[::-1]
    return [_finish(run, key, export, say) for key, export in work]


def _finish(run: LeftRun, key: str, export: Export, say: Callable[[str], None]) -> ExportOutcome:
    last = SAID_LAST if key == "export" else frozenset()
    say(f"{run.run_id}: comparing with {export.url}")
    reason = _failure(lambda: export.sync(ended=not last, without=last))
    outcome = export.outcome(reason, expecting=frozenset() if reason else last)
    _note(run, key, outcome, changed=export.puts > 0 or not export.ended)
    if last and not reason:
        reason = _failure(lambda: export.sync(ended=True))
        if reason:
            outcome = export.outcome(reason)
            _note(run, key, outcome, changed=True)
    return outcome


def _failure(work: Callable[[], None]) -> str:
    try:
        work()
    except StoreError as error:
        return str(error)
    return ""


def _note(run: LeftRun, key: str, outcome: ExportOutcome, *, changed: bool) -> None:
    """Say in the run's own files how it went, unless they say so already."""
    summary = read_json(run.paths.summary) if run.paths.summary.is_file() else None
    said = asdict(outcome)
    if isinstance(summary, dict):
        if summary.get(key) == said:
            return
        write_json(run.paths.summary, summary | {key: said})
    elif not changed:
        return
    events = Journal(run.paths.events)
    try:
        event = exported(outcome)
        events.append([{"time": time(), "run_s": None, "kind": event.kind, "detail": event.detail}])
    finally:
        events.close()
