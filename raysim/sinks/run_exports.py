"""All copies of one run: its results, and its logs where they go elsewhere as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from raysim.core.control.messages import Event
from raysim.core.export.address import Destination, Destinations
from raysim.core.export.files import SAID_LAST, is_log
from raysim.core.export.outcome import ExportOutcome
from raysim.sinks.export import Export
from raysim.sinks.exporter import PATIENCE_S, Exporter, News, exported
from raysim.sinks.store import ObjectStore, open_store

#: for what a run that broke leaves
_SHORT_PATIENCE_S = 5.0

Say = Callable[[str], None]


class RunExports:
    """The exporters of a run; none of them when the scenario wants none.

    Args:
        results: of the run's files.
        logs: of its logs alone.
    """

    def __init__(self, results: Exporter | None = None, logs: Exporter | None = None) -> None:
        self._results = results
        self._logs = logs
        self._going = False

    @classmethod
    def open(
        cls,
        root: Path,
        run_id: str,
        wanted: Destinations,
        opened: Callable[[Destination], ObjectStore] = open_store,
    ) -> RunExports:
        """As the scenario wants them. Raises StoreError: an address or the environment describes no store."""
        exports = [Exporter(export) for export in exports_of(root, run_id, wanted, opened)]
        logs = exports.pop() if wanted.logs else None
        return cls(exports[0] if exports else None, logs)

    def start(self) -> None:
        """Begin to export."""
        self._going = True
        for exporter in self._exporters():
            exporter.start()

    def news(self) -> Iterable[News]:
        """What has happened since the last call."""
        return [news for exporter in self._exporters() for news in exporter.news()]

    def end(
        self,
        summary: dict[str, Any],
        *,
        write_summary: Callable[[dict[str, Any]], None],
        write_event: Callable[[Event], None],
        say: Say,
        hurried: Callable[[], bool] = lambda: False,
        patience_s: float = PATIENCE_S,
    ) -> dict[str, Any]:
        """Copy what is left; returns the summary with how that went.

        Args:
            summary: of the run; its file has been written, as all others have.
            write_summary: writes that file again.
            write_event: adds to the run's events.
            say: takes a sentence for a person.
            hurried: whether somebody does not want to wait any longer.
            patience_s: give up when no file got through for so long.
        """
        if not self._going:
            return summary
        self._going = False
        blocks: dict[str, ExportOutcome] = {}
        for key, exporter in self._named():
            say(f"exporting to {exporter.outcome().url}")
            reason = exporter.flush(ended=key != "export", without=SAID_LAST, patience_s=patience_s, hurried=hurried)
            blocks[key] = exporter.outcome(reason, expecting=SAID_LAST if not reason else frozenset())
        summary = self._said(summary, blocks, write_summary, write_event)
        if self._results is not None and not blocks["export"].reason:
            # the last two files, which say that the others are there
            reason = self._results.flush(ended=True, patience_s=patience_s, hurried=hurried)
            if reason:
                failed = {"export": self._results.outcome(reason)}
                summary = self._said(summary, failed, write_summary, write_event)
        for news in self.news():
            say(news.sentence)
        for exporter in self._exporters():
            exporter.close()
        return summary

    def abandon(self) -> None:
        """The run broke: copy what there is, for as long as that is quick."""
        if self._going:
            self._going = False
            for exporter in self._exporters():
                exporter.flush(ended=False, patience_s=_SHORT_PATIENCE_S)
                exporter.close()

    @staticmethod
    def _said(
        summary: dict[str, Any],
        blocks: dict[str, ExportOutcome],
        write_summary: Callable[[dict[str, Any]], None],
        write_event: Callable[[Event], None],
    ) -> dict[str, Any]:
        for outcome in blocks.values():
            write_event(exported(outcome))
        said = summary | {key: asdict(outcome) for key, outcome in blocks.items()}
        write_summary(said)
        return said

    def _named(self) -> list[tuple[str, Exporter]]:
        both = (("export", self._results), ("log_export", self._logs))
        return [(key, exporter) for key, exporter in both if exporter is not None]

    def _exporters(self) -> list[Exporter]:
        return [exporter for _, exporter in self._named()]


def exports_of(
    root: Path,
    run_id: str,
    wanted: Destinations,
    opened: Callable[[Destination], ObjectStore] = open_store,
) -> list[Export]:
    """The exports that a scenario wants: results, then logs.

    Raises:
        StoreError: an address or the environment describes no store.
    """
    command = f"raysim upload {root}"
    found = []
    if wanted.results is not None:
        takes = _everything if wanted.with_logs else _no_logs
        found.append((wanted.results, takes))
    if wanted.logs is not None:
        found.append((wanted.logs, is_log))
    return [
        Export(root, opened(destination), run_id=run_id, url=destination.url, takes=takes, command=command)
        for destination, takes in found
    ]


def _everything(key: str) -> bool:
    del key
    return True


def _no_logs(key: str) -> bool:
    return not is_log(key)
