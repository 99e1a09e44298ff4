"""A run's files in an object store: fetched when they are asked for, checked against the manifest, kept in a cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from raysim.core.errors import ConfigError, Problem
from raysim.core.export.address import Destination
from raysim.core.export.manifest import ExportedObject
from raysim.sinks.export import digest_of, read_manifest
from raysim.sinks.parquet import read_requests
from raysim.sinks.store import MissingObjectError, ObjectStore, StoreError
from raysim.whole_file import whole_file

_PARTS = "requests/"
_AT_ONCE = 8


class StoreFiles:
    """What the manifest of an exported run lists, byte by byte as the run wrote it; nothing else is looked at.

    Args:
        url: what people call the store.
        store: holds the run.
        cache: a folder of this run's own, made when it does not exist.

    Raises:
        ConfigError: no run was exported there.
        StoreError: the store cannot be asked.
    """

    def __init__(self, url: str, store: ObjectStore, cache: Path) -> None:
        manifest = read_manifest(store)
        if manifest is None:
            raise ConfigError([Problem("RUN", f"{url} holds no manifest.json: no run was exported there")])
        self._url = url
        self._store = store
        self._cache = cache
        self._objects = manifest.objects
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def where(self) -> str:
        """The address."""
        return self._url

    def read(self, name: str) -> bytes | None:
        """As `RunFiles` says. Raises StoreError when it cannot be fetched, or is not what the manifest says."""
        path = self.fetch(name)
        return None if path is None else path.read_bytes()

    def table(self, name: str) -> pl.LazyFrame | None:
        """As `RunFiles` says. Raises StoreError when it cannot be fetched, or is not what the manifest says."""
        path = self.fetch(name)
        return None if path is None else pl.scan_parquet(path, glob=False)

    def requests(self) -> pl.LazyFrame:
        """As `RunFiles` says. Raises StoreError as `read` does, RaysimError when a part has another schema version."""
        parts = [key for key in self._objects if key.startswith(_PARTS)]
        for path in (self._cache / _PARTS).glob("*"):
            if path.relative_to(self._cache).as_posix() not in self._objects:
                path.unlink()
        self.fetch_all(parts)
        return read_requests(self._cache)

    def fetch_all(self, names: Iterable[str]) -> None:
        """Have all of `names` in the cache. Raises StoreError as `read` does."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self.fetch, names))

    def fetch(self, name: str) -> Path | None:
        """Where the file is in the cache; None when the manifest does not list it. Raises StoreError as `read` does."""
        item = self._objects.get(name)
        if item is None:
            return None
        path = self._cache / name
        if not (path.is_file() and _is(path, item)):
            self._fetch(item, path)
        return path

    def _fetch(self, item: ExportedObject, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with whole_file(path, synced=False, shared=True) as file:
                self._store.get(item.key, file)
                # a file that grows may be ahead of the manifest
                file.truncate(min(item.bytes, file.tell()))
                file.flush()
                if not _is(Path(file.name), item):
                    raise StoreError(
                        f"{self._url} holds another {item.key} than its manifest says",
                        hint="is the run being exported now? Then try again; else `raysim upload` it once more",
                    )
        except MissingObjectError as error:
            raise StoreError(f"{self._url} has lost {item.key}, which its manifest lists") from error


def cache_of(destination: Destination) -> Path:
    """Where what is read of an address is kept: below `$RAYSIM_CACHE`, else the user's cache folder."""
    named = os.environ.get("RAYSIM_CACHE")
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    said = f"{destination.settings.endpoint_url or ''} {destination.url.rstrip('/')}"
    return (Path(named) if named else user / "raysim" / "runs") / hashlib.sha256(said.encode()).hexdigest()[:16]


def _is(path: Path, item: ExportedObject) -> bool:
    return path.stat().st_size == item.bytes and digest_of(path, item.bytes) == item.sha256
