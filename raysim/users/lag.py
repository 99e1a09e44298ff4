"""How late the event loop is: the first thing that makes a load generator lie."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic_ns

TICK_S = 0.01
#: a stamp taken while the loop was later than this is not to be trusted
FLAG_LAG_NS = 10_000_000
#: late spells that are remembered: far more than fall into one request
_SPELLS = 256
_BUCKET_US = 250
_BUCKETS = 400


class LagMeter:
    """A 10 ms tick that notes by how much it is late. Memory is fixed: a histogram in steps of 0.25 ms up to 100 ms."""

    def __init__(self) -> None:
        self._buckets = [0] * (_BUCKETS + 1)
        self._ticks = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due_ns = 0
        #: (from, to) in monotonic ns: whatever was stamped in between may have waited
        self._late: deque[tuple[int, int]] = deque(maxlen=_SPELLS)

    def start(self) -> None:
        """Tick on the running loop until `stop`."""
        self._schedule(asyncio.get_running_loop())

    def stop(self) -> None:
        """Stop ticking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due_ns = monotonic_ns() + int(TICK_S * 1e9)
        self._timer = loop.call_later(TICK_S, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now_ns = monotonic_ns()
        late_ns = max(0, now_ns - self._due_ns)
        self._buckets[min(_BUCKETS, late_ns // (_BUCKET_US * 1000))] += 1
        self._ticks += 1
        if late_ns > FLAG_LAG_NS:
            self._late.append((self._due_ns, now_ns))
        self._schedule(loop)

    def spoilt(self, *stamps_ns: int) -> bool:
        """Whether one of these monotonic stamps was taken while the loop was more than 10 ms late; 0 is no stamp."""
        return any(self._spoilt(stamp_ns) for stamp_ns in stamps_ns if stamp_ns)

    def _spoilt(self, stamp_ns: int) -> bool:
        # after a stall, sockets may be served before the tick that will note it
        if self._timer is not None and stamp_ns - self._due_ns > FLAG_LAG_NS:
            return True
        for from_ns, to_ns in reversed(self._late):
            if stamp_ns > to_ns:
                break
            if stamp_ns >= from_ns:
                return True
        return False

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
