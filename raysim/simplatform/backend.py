"""One model server on the event loop: wakes its engine when something is due."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

from raysim.simplatform.measured_engine import MeasuredEngine, Receiver

if TYPE_CHECKING:
    from raysim.simplatform.config import BackendConfig
    from raysim.simplatform.engine import Sequence


class Backend(MeasuredEngine):
    """A measured engine and its timer."""

    def __init__(self, config: BackendConfig) -> None:
        super().__init__(config)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = math.inf

    def submit(self, model: str, sequence: Sequence, receiver: Receiver) -> None:
        """Generate `sequence` for `receiver`.

        Raises:
            Rejection: the engine does not take it.
        """
        self.take(model, sequence, receiver, time.monotonic())
        self._schedule()

    def cancel(self, sequence: Sequence) -> None:
        """Forget `sequence`; its tokens so far are in the counters."""
        if self.drop(sequence, time.monotonic()):
            self._schedule()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        due = self.engine.next_event()
        if due is None or due >= self._wakes_at:
            return
        self.close()
        self._wakes_at = due
        # timers of libuv have whole milliseconds; rounding up never lets a token leave before its time
        delay = math.ceil(max(0.0, due - time.monotonic()) * 1000) / 1000
        self._timer = self._loop.call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._wakes_at = math.inf
        self.advance(time.monotonic())
        self._schedule()
