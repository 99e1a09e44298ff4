"""What a pack needs from the rest of the run, and a user from its pack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from raysim.core.control.messages import Orders, PackStatus
from raysim.core.records.request import RequestRecord
from raysim.core.secret import Secret

#: takes a request's record, its body and that of the last answer, both without keys
TellBodies: TypeAlias = Callable[[RequestRecord, str, str], None]


class CoordinatorPort(Protocol):
    """The coordinator, as a pack sees it."""

    async def report(self, status: PackStatus) -> Orders:
        """Hand in a report, get orders. Raises any exception when the coordinator cannot be reached."""

    async def admin_token(self, refused: bool) -> Secret:  # noqa: FBT001 - what was lent last was refused
        """Borrow the administrator's token. Raises any exception when there is none to be had."""


class RecordsPort(Protocol):
    """The metrics actor that takes a pack's records."""

    async def ingest(self, source: str, sequence: int, oldest: int, batch: bytes, log_lines: bytes) -> int:
        """Hand over a batch; returns the highest sequence number of this source that is safely stored.

        `oldest` is the lowest number that the sender still keeps: what is below it has been stored. Raises any
        exception when the batch was not taken: nobody is there, or earlier ones are missing.
        """

    async def store(self, source: str) -> int:
        """Store what was taken now, not at its time; returns as `ingest` does. Raises any exception as well."""


class RunClock(Protocol):
    """Where the run's second 0 is on this process's clocks."""

    run_start_ns: int
    wall_offset_ns: int
