"""A run that is over, as its files tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from raysim.core.errors import ConfigError, Problem
from raysim.core.export.address import ENVIRONMENT, Destination, StoreSettings, is_s3
from raysim.json_lines import whole_objects
from raysim.report.older import with_later_keys
from raysim.report.summary import SUMMARY_VERSION
from raysim.results.run_files import DirectoryFiles, RunFiles
from raysim.results.store_files import StoreFiles, cache_of
from raysim.sinks.store import open_store
from raysim.yaml_text import parse_documents

Document = dict[str, Any]


def open_run(where: str | Path, *, unfinished: bool = False, settings: StoreSettings = ENVIRONMENT) -> Run:
    """The run whose directory is `where`.

    Args:
        where: a run's directory, or the s3:// address that it was exported to.
        unfinished: whether a run may be opened that has no summary, as one that goes on or was killed.
        settings: how the object store is reached, beyond what the usual AWS variables say.

    Raises:
        ConfigError: no run's directory; one without a summary, unless `unfinished`; or one that a newer raysim wrote.
        StoreError: the object store cannot be asked, or does not hold what its manifest says.
    """
    run = Run(_files(where, settings))
    run.check(unfinished=unfinished)
    return run


def _files(where: str | Path, settings: StoreSettings) -> RunFiles:
    if not is_s3(str(where)):
        return DirectoryFiles(Path(where))
    destination = Destination(str(where), settings)
    return StoreFiles(destination.url, open_store(destination), cache_of(destination))


@dataclass(frozen=True)
class Run:
    """What a run left behind. Files are read when they are asked for; frames are lazy, with the columns of the docs."""

    files: RunFiles

    def check(self, *, unfinished: bool) -> None:
        """Whether the files are a run's, as `open_run` wants them. Raises ConfigError."""
        if self.files.read("plan.json") is None and self.files.read("summary.json") is None:
            raise self._wrong("is not a run's directory: it holds neither plan.json nor summary.json")
        if not self.finished:
            if unfinished:
                return
            raise self._wrong(
                "has no summary.json: the run goes on, was killed, or ended before anything was created; "
                "`raysim report` shows what there is"
            )
        version = self.summary.get("schema_version")
        if not isinstance(version, int) or version > SUMMARY_VERSION:
            raise self._wrong(
                f"was written by a newer raysim: summary.json has schema version {version}, and this raysim "
                f"reads version {SUMMARY_VERSION}; read it with the raysim that wrote it"
            )

    @property
    def where(self) -> str:
        """What a person calls the place."""
        return self.files.where

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str((self.summary if self.finished else self.plan)["run_id"])

    @cached_property
    def finished(self) -> bool:
        """Whether the run came to its end and its totals are there."""
        return self.files.read("summary.json") is not None

    @cached_property
    def summary(self) -> Document:
        """`summary.json`, with all keys of this raysim's, null in older runs. Raises ConfigError when there is none."""
        return with_later_keys(self._document("summary.json"))

    @cached_property
    def plan(self) -> Document:
        """`plan.json`: what was going to happen. Raises ConfigError when there is none."""
        return self._document("plan.json")

    @cached_property
    def scenario(self) -> Document:
        """`scenario.yaml` as resolved, with every default: `scenario["spec"]["limits"]`. Raises ConfigError."""
        (document,) = parse_documents(self.scenario_text) or [None]
        if not isinstance(document, dict):
            raise self._wrong("has a scenario.yaml that holds no scenario")
        return document

    @property
    def scenario_text(self) -> str:
        """`scenario.yaml` as it stands there. Raises ConfigError when there is none."""
        return self._bytes("scenario.yaml").decode()

    @cached_property
    def events(self) -> list[Document]:
        """The lines of `events.jsonl`; half a line that a kill left is passed over."""
        lines = (self.files.read("events.jsonl") or b"").splitlines()
        return list(whole_objects(lines))

    def requests(self) -> pl.LazyFrame:
        """One row a request. Raises RaysimError when a part was written with another schema version."""
        return self.files.requests()

    def users(self) -> pl.LazyFrame:
        """One row a user. Raises ConfigError when the run did not come to its end."""
        return self._table("users.parquet")

    def tenants(self) -> pl.LazyFrame:
        """One row a tenant. Raises ConfigError when the run did not come to its end."""
        return self._table("tenants.parquet")

    def phases(self) -> pl.LazyFrame:
        """One row a phase. Raises ConfigError when the run did not come to its end."""
        return self._table("phases.parquet")

    def backends(self) -> pl.LazyFrame | None:
        """What backends said of themselves over time; None when the run scraped none."""
        return self.files.table("backends.parquet")

    def load(self) -> pl.LazyFrame | None:
        """Target and active users over time; None when the run kept none."""
        return self.files.table("load.parquet")

    def windows(self) -> pl.LazyFrame | None:
        """Every metric at every push interval; None when the run kept none."""
        return self.files.table("windows.parquet")

    def _document(self, name: str) -> Document:
        try:
            found = orjson.loads(self._bytes(name))
        except orjson.JSONDecodeError as error:
            raise self._wrong(f"has a {name} that is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise self._wrong(f"has a {name} that is no mapping")
        return found

    def _bytes(self, name: str) -> bytes:
        found = self.files.read(name)
        if found is None:
            raise self._wrong(f"holds no {name}")
        return found

    def _table(self, name: str) -> pl.LazyFrame:
        found = self.files.table(name)
        if found is None:
            raise self._wrong(f"holds no {name}")
        return found

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError([Problem("RUN", f"{self.where} {what}")])
