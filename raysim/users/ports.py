"""What a pack needs from the rest of the run, and a user from its pack."""

from __future__ import annotations

from typing import Protocol

from raysim.core.control.messages import Orders, PackStatus
from raysim.core.secret import Secret


class CoordinatorPort(Protocol):
    """The coordinator, as a pack sees it."""

    async def report(self, status: PackStatus) -> Orders:
        """Hand in a report, get orders. Raises any exception when the coordinator cannot be reached."""

    async def admin_token(self, refused: bool) -> Secret:  # noqa: FBT001 - what was lent last was refused
        """Borrow the administrator's token. Raises any exception when there is none to be had."""


class RecordsPort(Protocol):
    """The metrics actor that takes a pack's records."""

    async def ingest(self, pack: int, sequence: int, batch: bytes, log_lines: bytes) -> int:
        """Hand over a batch; returns the highest sequence number of this pack that is safely stored.

        Raises any exception when it cannot be reached.
        """


class RunClock(Protocol):
    """Where the run's second 0 is on this process's clocks."""

    run_start_ns: int
    wall_offset_ns: int
