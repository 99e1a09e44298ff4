"""Whether somebody looks after a run's tenants: a locked file in its directory; any death unlocks it."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from time import time

import orjson

#: a lock on another machine cannot be seen; there a mark that was not renewed for so long is an old one
STALE_AFTER_S = 60.0
_NAME = "alive"


class AliveError(Exception):
    """Somebody else looks after the run; the text says who."""


class LifeMark:
    """Held as long as tenants are looked after; only one process can hold it.

    Args:
        directory: the run's directory, which must exist.

    Raises:
        AliveError: another process holds it.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / _NAME
        self._file = self._path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _read(self._path)
            self._file.close()
            raise AliveError(_described(holder)) from None
        self._file.truncate(0)
        self._file.write(orjson.dumps({"host": socket.gethostname(), "pid": os.getpid()}))
        self._file.flush()

    def renew(self) -> None:
        """Say that it is still so, for those who cannot see the lock."""
        os.utime(self._path)

    def release(self) -> None:
        """Nobody looks after it any more."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def keeper_of(directory: Path) -> str:
    """Who looks after the run in `directory`, in words; "" when nobody does."""
    path = directory / _NAME
    try:
        file = path.open("rb")
        renewed_at = path.stat().st_mtime
    except OSError:
        return ""
    with file:
        holder = _read(path)
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _described(holder)
    elsewhere = holder.get("host") not in (None, socket.gethostname())
    return _described(holder) if elsewhere and time() - renewed_at < STALE_AFTER_S else ""


def _read(path: Path) -> dict[str, object]:
    try:
        said = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return said if isinstance(said, dict) else {}


def _described(holder: dict[str, object]) -> str:
    return f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"
