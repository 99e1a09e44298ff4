"""Where a run's files lie: a port of three methods, and the one for a directory."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import polars as pl

from raysim.core.errors import ConfigError, Problem
from raysim.sinks.parquet import read_requests


class RunFiles(Protocol):
    """The files of one run, by the names that a run's directory has."""

    @property
    def where(self) -> str:
        """What a person calls the place."""
        ...

    def read(self, name: str) -> bytes | None:
        """The bytes of the file `name`; None when there is none."""
        ...

    def table(self, name: str) -> pl.LazyFrame | None:
        """The Parquet file `name`, lazily; None when there is none."""
        ...

    def requests(self) -> pl.LazyFrame:
        """The rows of all parts of the requests, lazily; no rows when there are no parts."""
        ...


class DirectoryFiles:
    """A run's directory on this machine.

    Args:
        root: the directory.

    Raises:
        ConfigError: there is no such directory.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ConfigError([Problem("RUN", f"there is no directory {root}; give a run's directory")])
        self._root = root.resolve()

    @property
    def where(self) -> str:
        """The directory's path."""
        return str(self._root)

    def read(self, name: str) -> bytes | None:
        """As `RunFiles` says. Raises ConfigError when the file cannot be read."""
        path = self._root / name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError([Problem("RUN", f"{path} cannot be read: {error.strerror}")]) from error

    def table(self, name: str) -> pl.LazyFrame | None:
        """As `RunFiles` says."""
        path = self._root / name
        return pl.scan_parquet(path, glob=False) if path.is_file() else None

    def requests(self) -> pl.LazyFrame:
        """As `RunFiles` says. Raises RaysimError when a part has another schema version."""
        return read_requests(self._root)
