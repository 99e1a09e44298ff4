"""A pack's records on their way out: sealed into batches, handed over, and kept until they are stored for good."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from raysim.core.records.batch import BatchBuilder
from raysim.core.records.request import RequestRecord
from raysim.users.log_lines import LogLines
from raysim.users.ports import RecordsPort

#: records leave about once a second, or sooner when a batch reaches this size
SHIP_INTERVAL_S = 1.0
_BATCH_BYTES = 90_000
#: a batch that was not taken within this is sent again
INGEST_PATIENCE_S = 30.0
#: pauses between the attempts at the end of a run; after the last attempt there is none
LAST_PAUSES_S = (0.2, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class _Sealed:
    sequence: int
    batch: bytes
    log_lines: bytes


class Outbox:
    """Takes records and log lines, hands them over in numbered batches.

    Args:
        source: where they come from; another one for each incarnation of a pack.
        port: takes the batches.
        log: its lines travel with the batches.
    """

    def __init__(self, source: str, port: RecordsPort, log: LogLines) -> None:
        self._source = source
        self._port = port
        self._log = log
        self._batch = BatchBuilder()
        self._unstored: deque[_Sealed] = deque()
        self._sequence = 0
        self._handed_over = 0

    def add(self, record: RequestRecord) -> None:
        """Take one record."""
        self._batch.append(record)
        if self._batch.size_bytes >= _BATCH_BYTES:
            self._seal()

    def _seal(self) -> None:
        lines = self._log.take()
        if self._batch.rows or lines:
            self._sequence += 1
            data = self._batch.encode() if self._batch.rows else b""
            self._unstored.append(_Sealed(self._sequence, data, lines))

    async def ship_regularly(self) -> None:
        """Hand over what there is, again and again, until cancelled."""
        while True:
            await asyncio.sleep(SHIP_INTERVAL_S)
            await self._ship()

    async def ship_rest(self) -> int:
        """Hand over everything and see it stored; returns how many batches nobody is known to have taken."""
        for pause_s in (*LAST_PAUSES_S, None):
            if await self._ship() and await self._see_stored():
                return 0
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return sum(sealed.sequence > self._handed_over for sealed in self._unstored)

    async def _ship(self) -> bool:
        """Hand over what was not handed over yet, oldest first; forget what is stored for good."""
        self._seal()
        for sealed in [sealed for sealed in self._unstored if sealed.sequence > self._handed_over]:
            try:
                async with asyncio.timeout(INGEST_PATIENCE_S):
                    stored = await self._port.ingest(
                        self._source, sealed.sequence, self._unstored[0].sequence, sealed.batch, sealed.log_lines
                    )
            except Exception as error:  # noqa: BLE001 - kept, and tried again
                self._refused(error)
                return False
            self._handed_over = sealed.sequence
            self._forget(stored)
        return True

    async def _see_stored(self) -> bool:
        """Nobody will be there to send again what is lost after this."""
        if not self._unstored:
            return True
        try:
            async with asyncio.timeout(INGEST_PATIENCE_S):
                self._forget(await self._port.store(self._source))
        except Exception as error:  # noqa: BLE001 - kept, and tried again
            self._refused(error)
        return not self._unstored

    def _refused(self, error: Exception) -> None:
        self._log.write("warning", "records_not_taken", error=type(error).__name__)
        # who took batches without storing them may have died with them: all of those go out again
        self._handed_over = self._unstored[0].sequence - 1

    def _forget(self, stored: int) -> None:
        while self._unstored and self._unstored[0].sequence <= stored:
            self._unstored.popleft()
