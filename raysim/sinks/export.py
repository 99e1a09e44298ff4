"""A run's directory on its way to a store: what is new goes there, then the manifest that says so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from time import time
from typing import BinaryIO

from raysim.core.export.files import SAID_LAST, goes_early, grows, in_order, is_exported
from raysim.core.export.manifest import MANIFEST_NAME, ExportedObject, Manifest, total_bytes
from raysim.core.export.outcome import ExportOutcome
from raysim.sinks.store import MissingObjectError, ObjectStore, StoreError, read_object

_CHUNK = 1 << 20
#: a long backlog is committed on the way, so that a process that is killed leaves what it had done
_COMMIT_OBJECTS = 50


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells whether a file was changed."""

    bytes: int
    modified_ns: int


class Export:
    """Brings the files of one run's directory to one store. Not for two threads at once.

    Nothing is kept in memory but names: the directory is the only spool, and what has been copied stays in it.

    Args:
        root: the run's directory.
        store: where to.
        run_id: the run; the manifest says whose it is.
        url: what people call the store.
        takes: which files are copied, by their keys.
        command: what finishes a copy that stays incomplete.
    """

    def __init__(
        self,
        root: Path,
        store: ObjectStore,
        *,
        run_id: str,
        url: str,
        takes: Callable[[str], bool] = is_exported,
        command: str = "",
    ) -> None:
        self._root = root
        self._store = store
        self._run_id = run_id
        self._url = url
        self._takes = takes
        self._command = command
        self._sent: dict[str, ExportedObject] = {}
        self._stamps: dict[str, _Stamp] = {}
        self._committed: Manifest | None = None
        #: how many files were put, by this process
        self.puts = 0

    @property
    def url(self) -> str:
        """What people call the store."""
        return self._url

    @property
    def ended(self) -> bool:
        """Whether the store says that the run is over and all of it is there."""
        return self._committed is not None and self._committed.ended

    def resume(self) -> None:
        """Go on after what an earlier process has committed.

        Raises:
            StoreError: the store cannot be asked, or holds the results of another run.
        """
        found = read_manifest(self._store)
        if found is None:
            return
        plan = found.objects.get("plan.json")
        mine = self._root / "plan.json"
        if found.run_id != self._run_id or (plan and mine.is_file() and not _same(mine, plan)):
            raise StoreError(
                f"{self._url} holds the results of another run ({found.run_id})",
                hint="give an address of its own to each run, such as s3://bucket/{testRunId}/",
            )
        self._committed = found
        self._sent = dict(found.objects)

    def sync(self, *, ended: bool = False, early: bool = False, without: frozenset[str] = frozenset()) -> None:
        """Copy what is new or has changed, and commit it.

        Args:
            ended: whether the run is over and this is all of it.
            early: only what goes while the run goes on.
            without: keys that are left for later.

        Raises:
            StoreError: something could not be copied or committed; the next call goes on from there.
        """
        for key in in_order(self._files()):
            if key in without or (early and not goes_early(key)):
                continue
            self._bring(key)
            if len(self._sent) - self._committed_objects >= _COMMIT_OBJECTS:
                self._commit(ended=False)
        self._commit(ended=ended)

    def outcome(self, reason: str = "", *, expecting: frozenset[str] = frozenset()) -> ExportOutcome:
        """How it stands, by what is committed.

        Args:
            reason: why it stays as it is, "" when nothing is amiss.
            expecting: files that are about to be copied and do not count as pending.
        """
        listed = dict(self._committed.objects) if self._committed else {}
        pending = sum(key not in listed or self._changed(key) for key in self._files() if key not in expecting)
        counted = [item for key, item in listed.items() if key not in SAID_LAST]
        whole = not pending and not reason
        return ExportOutcome(
            status="complete" if whole else "partial" if listed else "failed",
            url=self._url,
            objects=len(counted),
            bytes=total_bytes(counted),
            pending=pending,
            reason=reason,
            command="" if whole else self._command,
        )

    @property
    def _committed_objects(self) -> int:
        return len(self._committed.objects) if self._committed else 0

    def _files(self) -> list[str]:
        """Keys of what there is to copy."""
        found = (path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file())
        return [key for key in found if is_exported(key) and self._takes(key)]

    def _changed(self, key: str) -> bool:
        return _stamp(self._root / key) != self._stamps.get(key)

    def _bring(self, key: str) -> None:
        path = self._root / key
        stamp = _stamp(path)
        if stamp is None or stamp == self._stamps.get(key):
            return
        # a line that is added now comes the next time
        digest = digest_of(path, stamp.bytes)
        known = self._sent.get(key)
        if known != ExportedObject(key, stamp.bytes, digest):
            try:
                with path.open("rb") as file:
                    self._store.put(key, _First(file, stamp.bytes) if grows(key) else file)
            except OSError as error:
                raise StoreError(f"{path} cannot be read: {error.strerror}") from error
            self._sent[key] = ExportedObject(key, stamp.bytes, digest)
            self.puts += 1
        self._stamps[key] = stamp

    def _commit(self, *, ended: bool) -> None:
        before = self._committed
        if before is not None and before.objects == self._sent and before.ended >= ended:
            return
        manifest = Manifest(self._run_id, dict(self._sent), ended, time())
        self._store.put(MANIFEST_NAME, BytesIO(manifest.encode()))
        self._committed = manifest


def read_manifest(store: ObjectStore) -> Manifest | None:
    """What the store's manifest says; None when there is none.

    Raises:
        StoreError: the store cannot be asked, or its manifest cannot be read.
    """
    try:
        return Manifest.decode(read_object(store, MANIFEST_NAME))
    except MissingObjectError:
        return None
    except ValueError as error:
        raise StoreError(f"{MANIFEST_NAME} in the store cannot be used: {error}") from error


class _First:
    """The first `count` bytes of a file that may be growing."""

    def __init__(self, file: BinaryIO, count: int) -> None:
        self._file = file
        self._left = count

    def read(self, size: int = -1) -> bytes:
        """As a file does."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return _Stamp(found.st_size, found.st_mtime_ns)


def _same(path: Path, item: ExportedObject) -> bool:
    return path.stat().st_size == item.bytes and digest_of(path, item.bytes) == item.sha256


def digest_of(path: Path, count: int) -> str:
    """SHA-256 of the first `count` bytes. Raises StoreError when the file cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while count > 0 and (chunk := file.read(min(_CHUNK, count))):
                digest.update(chunk)
                count -= len(chunk)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    return digest.hexdigest()
