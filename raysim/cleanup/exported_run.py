"""A run whose directory is lost, as its export tells of it: enough of it for a clean-up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from raysim.core.errors import ConfigError, PreflightError, Problem
from raysim.core.export.address import ENVIRONMENT, Destination
from raysim.core.export.files import EVENTS, LEDGER
from raysim.core.ids import valid_run_id
from raysim.sinks.export import Export, read_manifest
from raysim.sinks.store import ObjectStore, open_store, read_object

#: a run that goes on writes its manifest every few seconds; one that was silent for so long has no driver any more
QUIET_S = 900.0
_NEEDED = ("scenario.yaml", "plan.json", EVENTS, LEDGER)


class ExportedRun:
    """The ledger of an exported run, brought here and taken back.

    Args:
        url: its s3:// address.
        opened: opens a store.

    Raises:
        ConfigError: no run was exported there.
        StoreError: the store cannot be asked.
    """

    def __init__(self, url: str, opened: Callable[[Destination], ObjectStore] = open_store) -> None:
        self._url = url
        self._store = opened(Destination(url, ENVIRONMENT))
        manifest = read_manifest(self._store)
        if manifest is None or not valid_run_id(manifest.run_id):
            raise ConfigError([Problem("RUN", f"{url} holds no manifest.json: no run was exported there")])
        self._manifest = manifest

    def insist_on_its_end(self, now: float) -> None:
        """Nothing when the run is over, by all that can be seen from here. `now` is Unix time.

        Raises:
            PreflightError: it may go on, and then removes its tenants itself.
        """
        quiet_s = now - self._manifest.written_at
        if not self._manifest.ended and quiet_s < QUIET_S:
            raise PreflightError(
                f"{self._manifest.run_id} was exporting {quiet_s:.0f} s ago and has not said that it has ended",
                hint=f"when its driver is surely gone, wait until {QUIET_S:g} s have passed, or use --force",
            )

    def bring(self, results: Path) -> Path:
        """Make a run's directory below `results` that a clean-up can work in; returns it.

        The ledger comes as it is in the store, also where it is ahead of the manifest.

        Raises:
            ConfigError: the run has a directory there, which is to be cleaned up by itself.
            StoreError: as above.
        """
        root = results / self._manifest.run_id
        if root.exists():
            said = f"{root} is there: its ledger is the newer one; use `raysim cleanup {root}`"
            raise ConfigError([Problem("RUN", said)])
        found = {key: read_object(self._store, key) for key in _NEEDED if key in self._manifest.objects}
        root.mkdir(parents=True)
        for key, data in found.items():
            (root / key).write_bytes(data)
        return root

    def take_back(self, root: Path) -> None:
        """Put the ledger and the events, as the clean-up has continued them, into the store. Raises StoreError."""
        export = Export(
            root,
            self._store,
            run_id=self._manifest.run_id,
            url=self._url,
            takes=(EVENTS, LEDGER).__contains__,
        )
        export.resume()
        export.sync(ended=self._manifest.ended)
