"""How late the event loop is: the first thing that makes a load generator lie."""

from __future__ import annotations

import asyncio
from time import monotonic_ns

TICK_S = 0.01
#: a sample taken while the loop was later than this is flagged
FLAG_LAG_NS = 10_000_000
_BUCKET_US = 250
_BUCKETS = 400


class LagMeter:
    """A 10 ms tick that notes by how much it is late. Memory is fixed: a histogram in steps of 0.25 ms up to 100 ms."""

    def __init__(self) -> None:
        self._buckets = [0] * (_BUCKETS + 1)
        self._ticks = 0
        self._timer: asyncio.TimerHandle | None = None
        #: monotonic ns of the last moment at which the loop was known to be too late
        self.last_late_ns = 0

    def start(self) -> None:
        """Tick on the running loop until `stop`."""
        self._schedule(asyncio.get_running_loop())

    def stop(self) -> None:
        """Stop ticking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        due_ns = monotonic_ns() + int(TICK_S * 1e9)
        self._timer = loop.call_later(TICK_S, self._tick, loop, due_ns)

    def _tick(self, loop: asyncio.AbstractEventLoop, due_ns: int) -> None:
        now_ns = monotonic_ns()
        late_ns = max(0, now_ns - due_ns)
        self._buckets[min(_BUCKETS, late_ns // (_BUCKET_US * 1000))] += 1
        self._ticks += 1
        if late_ns > FLAG_LAG_NS:
            self.last_late_ns = now_ns
        self._schedule(loop)

    def p99_ms(self) -> float:
        """The 99th percentile of lateness so far, in ms (upper edge of its bucket; 100 stands for anything beyond)."""
        if self._ticks == 0:
            return 0.0
        left = self._ticks * 0.99
        for index, count in enumerate(self._buckets):
            left -= count
            if left <= 0:
                return min((index + 1) * _BUCKET_US / 1000, _BUCKETS * _BUCKET_US / 1000)
        return _BUCKETS * _BUCKET_US / 1000
