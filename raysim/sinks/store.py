"""Stores for a run's files: the port, one in memory, one that is a folder."""

from __future__ import annotations

import shutil
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol

from raysim.core.errors import ExitCode, RaysimError
from raysim.core.export.address import Destination, is_s3
from raysim.whole_file import whole_file

_CHUNK = 1 << 20


class StoreError(RaysimError):
    """A store did not do what it was asked; nothing of an object that was to be put is visible."""

    exit_code = ExitCode.PREFLIGHT_FAILED


class MissingObjectError(StoreError):
    """There is no object of that key."""


class Source(Protocol):
    """What bytes are read from, once; a file is one."""

    def read(self, size: int = -1, /) -> bytes:
        """As a file does."""
        ...


class ObjectStore(Protocol):
    """Keeps bytes by their keys, below an address of its own.

    Every method raises StoreError when the store cannot be reached or refuses, after a bounded time.
    """

    def put(self, key: str, source: Source) -> None:
        """Keep all that `source` still yields under `key`, in place of what was there; whole or not at all."""

    def get(self, key: str, target: BinaryIO) -> None:
        """Write the object to `target`. Raises MissingObjectError when there is none."""

    def keys(self, prefix: str = "") -> list[str]:
        """All keys that begin with `prefix`, sorted."""

    def delete(self, key: str) -> None:
        """Forget the object; nothing happens when there is none."""


class MemoryStore:
    """A store for tests, which can be out of order.

    Args:
        objects: what it holds.
    """

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects: dict[str, bytes] = objects if objects is not None else {}
        #: what every call fails with, as long as it is set
        self.failure: StoreError | None = None
        #: keys in the order in which they were put
        self.put_keys: list[str] = []

    def put(self, key: str, source: Source) -> None:
        """As the port says."""
        self._fail()
        self.objects[key] = _all_of(source)
        self.put_keys.append(key)

    def get(self, key: str, target: BinaryIO) -> None:
        """As the port says."""
        self._fail()
        if key not in self.objects:
            raise MissingObjectError(f"there is no {key}")
        target.write(self.objects[key])

    def keys(self, prefix: str = "") -> list[str]:
        """As the port says."""
        self._fail()
        return sorted(key for key in self.objects if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """As the port says."""
        self._fail()
        self.objects.pop(key, None)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class FolderStore:
    """A folder, such as one on a network file system.

    Args:
        root: made when something is put and it does not exist.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, source: Source) -> None:
        """As the port says; on the disk when it returns."""
        path = self._root / key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path, synced=True) as file:
                shutil.copyfileobj(source, file, _CHUNK)
        except OSError as error:
            raise self._refused("written", path, error) from error

    def get(self, key: str, target: BinaryIO) -> None:
        """As the port says."""
        path = self._root / key
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, target, _CHUNK)
        except FileNotFoundError as error:
            raise MissingObjectError(f"there is no {path}") from error
        except OSError as error:
            raise self._refused("read", path, error) from error

    def keys(self, prefix: str = "") -> list[str]:
        """As the port says."""
        found = (path for path in self._root.rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(
            key for key in (path.relative_to(self._root).as_posix() for path in found) if key.startswith(prefix)
        )

    def delete(self, key: str) -> None:
        """As the port says."""
        path = self._root / key
        try:
            path.unlink(missing_ok=True)
            # an object store has no empty folders
            with suppress(OSError):
                path.parent.rmdir()
        except OSError as error:
            raise self._refused("removed", path, error) from error

    @staticmethod
    def _refused(done: str, path: Path, error: OSError) -> StoreError:
        return StoreError(f"{path} cannot be {done}: {error.strerror}")


def open_store(destination: Destination) -> ObjectStore:
    """The store at an address.

    Raises:
        StoreError: the settings or the environment describe none.
    """
    if is_s3(destination.url):
        # a tenth of a second to import, and most runs need none
        from raysim.sinks.object_store import S3Store  # noqa: PLC0415

        return S3Store(destination)
    return FolderStore(Path(destination.url))


def read_object(store: ObjectStore, key: str) -> bytes:
    """A small object. Raises StoreError, MissingObjectError."""
    target = BytesIO()
    store.get(key, target)
    return target.getvalue()


def _all_of(source: Source) -> bytes:
    return b"".join(iter(lambda: source.read(_CHUNK), b""))
