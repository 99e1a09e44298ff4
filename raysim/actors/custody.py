"""Whose run it is: while a process holds its directory, no other writes there or looks after its tenants."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep

from raysim.tenancy.liveness import AliveError, LifeMark

_RENEW_S = 5.0
#: the system needs a moment to drop the lock of a process that was killed
_LOCK_PATIENCE_S = 5.0
_LOCK_PAUSE_S = 0.05


class Custody:
    """Held from its making until it is released; also when the process before this one was killed just now.

    Args:
        directory: the run's.

    Raises:
        AliveError: another process holds it.
    """

    def __init__(self, directory: Path) -> None:
        self._mark: LifeMark | None = _take_over(directory)
        self._renewed_s = monotonic()

    def renew(self) -> None:
        """Say from time to time that it is still held."""
        if self._mark is not None and monotonic() - self._renewed_s > _RENEW_S:
            self._renewed_s = monotonic()
            self._mark.renew()

    def release(self) -> None:
        """Nobody has to look after tenants any more."""
        if self._mark is not None:
            self._mark.release()
            self._mark = None


def _take_over(directory: Path) -> LifeMark:
    until_s = monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            return LifeMark(directory)
        except AliveError:
            if monotonic() > until_s:
                raise
        sleep(_LOCK_PAUSE_S)
