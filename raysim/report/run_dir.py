"""The names in a run's directory, and JSON files that are whole or not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from raysim.whole_file import whole_file


@dataclass(frozen=True, slots=True)
class RunDir:
    """Where everything of a run lies, under `root`; the same names on disk and in an object store."""

    root: Path

    @property
    def scenario(self) -> Path:
        """The scenario as resolved, secrets by reference only."""
        return self.root / "scenario.yaml"

    @property
    def address(self) -> Path:
        """Address of the Ray cluster that the run is on; there only while its driver lives."""
        return self.root / "address"

    @property
    def plan(self) -> Path:
        """What was going to happen, with the seed."""
        return self.root / "plan.json"

    @property
    def events(self) -> Path:
        """Phases, limits, losses: JSON lines with time, kind and detail."""
        return self.root / "events.jsonl"

    @property
    def resources(self) -> Path:
        """The ledger of every org, user and key id that was created, and its fate."""
        return self.root / "resources.jsonl"

    @property
    def state(self) -> Path:
        """What the coordinator would go on from if its process died; there only while the run is on."""
        return self.root / "state"

    @property
    def requests(self) -> Path:
        """The folder of Parquet parts with a row a request."""
        return self.root / "requests"

    @property
    def users(self) -> Path:
        """One row a user."""
        return self.root / "users.parquet"

    @property
    def tenants(self) -> Path:
        """One row a tenant."""
        return self.root / "tenants.parquet"

    @property
    def phases(self) -> Path:
        """One row a phase."""
        return self.root / "phases.parquet"

    @property
    def load(self) -> Path:
        """One row a second: users that were to be active, and that were."""
        return self.root / "load.parquet"

    @property
    def html(self) -> Path:
        """The report as a page."""
        return self.root / "report.html"

    @property
    def backends(self) -> Path:
        """One row a look at a backend's metrics page."""
        return self.root / "backends.parquet"

    @property
    def summary(self) -> Path:
        """The totals."""
        return self.root / "summary.json"

    @property
    def logs(self) -> Path:
        """The folder of structured logs."""
        return self.root / "logs"


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON, whole or not at all. NaN and infinity become null.

    Raises:
        OSError: the file could not be written.
        TypeError: `value` holds something that JSON cannot.
    """
    data = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path, synced=True) as file:
        file.write(data)


def read_json(path: Path) -> object:
    """What `write_json` wrote.

    Raises:
        OSError: the file could not be read.
        ValueError: it is not JSON.
    """
    return orjson.loads(path.read_bytes())
