"""Waiting that can be cut short."""

from __future__ import annotations

import asyncio
from time import monotonic_ns


class Alarm:
    """Wakes one waiting task at a set time, or when it is rung."""

    def __init__(self) -> None:
        self._wake: asyncio.Future[None] | None = None

    async def wait(self, due_ns: int | None) -> None:
        """Sleep until `due_ns` (monotonic), or until it rings; None waits for that alone."""
        loop = asyncio.get_running_loop()
        wake = self._wake = loop.create_future()
        timer = None
        if due_ns is not None:
            timer = loop.call_later(max(0.0, (due_ns - monotonic_ns()) / 1e9), _resolve, wake)
        try:
            await wake
        finally:
            if timer is not None:
                timer.cancel()
            self._wake = None

    def ring(self) -> None:
        """End the wait, if there is one."""
        if self._wake is not None:
            _resolve(self._wake)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
