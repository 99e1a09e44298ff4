"""Exports a run's metrics while it goes on: on threads of its own, so that nothing that measures ever waits for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep, time

from raysim.core.metrics.book import MetricsBook
from raysim.core.metrics.export_state import ExportState
from raysim.core.metrics.readings import BackendSays, RunReadings
from raysim.core.metrics.rows import RequestRows
from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.core.records.batch import WireBatch
from raysim.sinks.metrics_sink import MetricsSink, SinkError
from raysim.sinks.stored import stored_rows

#: requests are counted this often, so that a snapshot finds little left to do
_COUNT_EVERY_S = 1.0
#: how long the end of a run waits for the last snapshot to arrive
_LAST_PATIENCE_S = 15.0


class MetricsExporter:
    """Counts requests, takes a snapshot each interval, and has every sink send it.

    `take` and `observe` may be called from any thread and return at once.

    Args:
        book: the run's metrics; from now on used by the exporter's thread alone.
        sinks: where snapshots go; each works on a thread of its own, one snapshot at a time.
        interval_s: time between two snapshots.
        beside: sinks that send nothing away: the run's directory, Ray, a page that others fetch. What they get does not
            count as sent; what they do not get counts as dropped.
        clock: seconds since 1970.
        pause: sleeps for so many seconds.
    """

    def __init__(
        self,
        book: MetricsBook,
        sinks: Sequence[MetricsSink],
        interval_s: float,
        beside: Sequence[MetricsSink] = (),
        clock: Callable[[], float] = time,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._book = book
        self._couriers = [_Courier(sink) for sink in sinks]
        self._beside = [_Courier(sink) for sink in beside]
        self._interval_s = interval_s
        self._earlier: Sequence[Path] = ()
        self._clock = clock
        self._sleep = pause
        self._waiting: deque[WireBatch] = deque()
        self._readings: RunReadings | None = None
        self._backends: Sequence[BackendSays] = ()
        self._ending = threading.Event()
        self._ended_s = 0.0
        self._fault = ""
        self._thread = threading.Thread(target=self._work, name="metrics", daemon=True)

    def start(self, earlier: Sequence[Path] = ()) -> None:
        """Begin to export, with the requests in the parts that an earlier process has stored."""
        self._earlier = earlier
        for courier in self._all:
            courier.start()
        self._thread.start()

    def take(self, batch: WireBatch) -> None:
        """A batch of requests arrived."""
        self._waiting.append(batch)

    def observe(self, readings: RunReadings) -> None:
        """The coordinator said how the run is going."""
        self._readings = readings

    def observe_backends(self, says: Sequence[BackendSays]) -> None:
        """The backends were asked how they are."""
        self._backends = says

    @property
    def _all(self) -> list[_Courier]:
        return self._couriers + self._beside

    @property
    def state(self) -> ExportState:
        """How it is going, all sinks together."""
        states = [courier.state for courier in self._all]
        trouble = self._fault or next((state.trouble for state in states if state.trouble), "")
        sent = sum(courier.state.sent for courier in self._couriers)
        return ExportState(sent, sum(state.dropped for state in states), trouble)

    def finish(self) -> None:
        """Count what is left, send a last snapshot, and wait until it has arrived or failed. Blocks."""
        self._ending.set()
        self._thread.join(_LAST_PATIENCE_S)
        for courier in self._all:
            courier.end()
        for courier in self._couriers:
            courier.join(_LAST_PATIENCE_S)
        # they write where the run's records are, and these are waited for, too
        for courier in self._beside:
            courier.join(None)
        self._ended_s = monotonic()

    def withdraw(self) -> str:
        """Take back what sinks hold of the run; what stays nevertheless, and why. To be called after `finish`.

        Blocks until an interval, which is to be that of scrapes, has passed since the last snapshot.
        """
        self._sleep(max(0.0, self._ended_s + self._interval_s - monotonic()))
        return "; ".join(filter(None, [courier.remove() for courier in self._couriers]))

    # ── its thread ──

    def _work(self) -> None:
        try:
            for rows in stored_rows(self._earlier):
                self._book.add(rows)
            next_s = monotonic()
            while not self._ending.is_set():
                self._count()
                if monotonic() >= next_s:
                    next_s = max(next_s + self._interval_s, monotonic())
                    self._export()
                self._ending.wait(min(_COUNT_EVERY_S, max(0.0, next_s - monotonic())))
            self._count()
            self._export(last=True)
        except Exception as error:  # noqa: BLE001 - the run goes on without live metrics, and says so
            self._fault = f"live metrics ended: {type(error).__name__}: {error}"

    def _count(self) -> None:
        batches = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if batches:
            self._book.add(RequestRows.of(batches))

    def _export(self, *, last: bool = False) -> None:
        snapshot = self._book.snapshot(self._clock(), self._readings, self._backends, dropped=self.state.dropped)
        for courier in self._all:
            courier.offer(snapshot, last=last)


class _Courier:
    """Has one sink send one snapshot at a time; those that come meanwhile are dropped, but for the run's last."""

    def __init__(self, sink: MetricsSink) -> None:
        self._sink = sink
        self._next: MetricsSnapshot | None = None
        self._busy = False
        self._ended = False
        self._changed = threading.Condition()
        self._sent = self._dropped = 0
        self._trouble = ""
        self._thread = threading.Thread(target=self._work, name=f"metrics-{sink.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, snapshot: MetricsSnapshot, *, last: bool) -> None:
        with self._changed:
            if self._busy and not last:
                self._dropped += 1
                return
            self._next = snapshot
            self._ended = last
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()

    def join(self, patience_s: float | None) -> None:
        self._thread.join(patience_s)

    @property
    def state(self) -> ExportState:
        return ExportState(self._sent, self._dropped, self._trouble)

    def remove(self) -> str:
        try:
            self._sink.remove()
        except SinkError as error:
            return f"{self._sink.name}: {error}"
        return ""

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next is not None or self._ended)
                snapshot, self._next = self._next, None
                self._busy = snapshot is not None
            if snapshot is None:
                self._trouble = _failure(self._sink, self._sink.finish) or self._trouble
                return
            self._send(snapshot)
            with self._changed:
                self._busy = False

    def _send(self, snapshot: MetricsSnapshot) -> None:
        self._trouble = _failure(self._sink, lambda: self._sink.send(snapshot))
        if self._trouble:
            self._dropped += 1
        else:
            self._sent += 1


def _failure(sink: MetricsSink, call: Callable[[], None]) -> str:
    """Why `call`, of `sink`, did not do what it should; empty when it did."""
    try:
        call()
    except SinkError as error:
        return f"{sink.name}: {error}"
    except Exception as error:  # noqa: BLE001 - a sink's own fault is not to end its thread either
        return f"{sink.name}: {type(error).__name__}: {error}"
    return ""
