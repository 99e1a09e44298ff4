"""The last snapshot of a run as text, in the run's directory."""

from __future__ import annotations

from pathlib import Path

from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.sinks.exposition import exposition
from raysim.sinks.metrics_sink import SinkError
from raysim.whole_file import whole_file


class ExpositionFile:
    """A sink that keeps the last snapshot in `metrics.prom`, whole at any time.

    Args:
        directory: the run's directory.
    """

    name = "metrics.prom"

    def __init__(self, directory: Path) -> None:
        self._path = directory / "metrics.prom"

    def send(self, snapshot: MetricsSnapshot) -> None:
        """Replace the file.

        Raises:
            SinkError: it could not be written; what was there stays.
        """
        try:
            # not synced: the next one is as good, and comes soon
            with whole_file(self._path, synced=False) as file:
                file.write(exposition(snapshot.families, snapshot.constants))
        except OSError as error:
            raise SinkError(f"{self._path} cannot be written: {error.strerror}") from error

    def finish(self) -> None:
        """The file is whole."""

    def remove(self) -> None:
        """It stays: it is a result."""
