"""The thread that exports while a run goes on. Nobody ever waits for it, except at the end and not for ever."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic

from raysim.core.control.messages import Event
from raysim.core.export.outcome import ExportOutcome
from raysim.sinks.export import Export
from raysim.sinks.store import StoreError

INTERVAL_S = 5.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0
#: at the end, an export that gets nothing through for so long is left to `raysim upload`
PATIENCE_S = 30.0
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class News:
    """Something about the export that belongs among the run's events, and as a sentence on the screen."""

    event: Event
    sentence: str


@dataclass(slots=True)
class _Order:
    """What `flush` wants of the thread. `failure` is why it has not been done yet."""

    ended: bool
    without: frozenset[str]
    done: threading.Event
    failure: str = ""


class Exporter:
    """Runs an `Export` in a thread of its own: on its own time, tried again for as long as it fails.

    Args:
        export: what is copied where; the thread's alone from `start` on.
        interval_s: time between two looks at the directory.
    """

    def __init__(self, export: Export, *, interval_s: float = INTERVAL_S) -> None:
        self._export = export
        self._interval_s = interval_s
        self._wake = threading.Event()
        self._closing = False
        self._order: _Order | None = None
        self._news: deque[News] = deque()
        self._failing_since_s: float | None = None
        self._pause_s = _FIRST_PAUSE_S
        # a store that hangs must not keep the process
        self._thread = threading.Thread(target=self._work, name="raysim-export", daemon=True)

    def start(self) -> None:
        """Begin to export."""
        self._thread.start()

    def news(self) -> list[News]:
        """What has happened since the last call."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def flush(
        self,
        *,
        ended: bool,
        without: frozenset[str] = frozenset(),
        patience_s: float = PATIENCE_S,
        hurried: Callable[[], bool] = lambda: False,
    ) -> str:
        """Wait until all files are copied; returns why they are not, "" when they are.

        Args:
            ended: whether the run is over and this is all of it.
            without: keys that are left for later.
            patience_s: give up when no file got through for so long.
            hurried: asked about twice a second; whether somebody does not want to wait any longer.
        """
        order = _Order(ended, without, threading.Event())
        self._order = order
        self._pause_s = _FIRST_PAUSE_S
        self._wake.set()
        moved_s, puts = monotonic(), self._export.puts
        while not order.done.wait(_LOOK_S):
            if hurried():
                self._order = None
                return "interrupted"
            if self._export.puts != puts:
                moved_s, puts = monotonic(), self._export.puts
            if monotonic() - moved_s > patience_s:
                self._order = None
                return order.failure or f"the store has not answered for {patience_s:g} s"
        return ""

    def outcome(self, reason: str = "", *, expecting: frozenset[str] = frozenset()) -> ExportOutcome:
        """As of `Export`."""
        return self._export.outcome(reason, expecting=expecting)

    def close(self) -> None:
        """End the thread, if it still can."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_LOOK_S)

    def _work(self) -> None:
        while not self._closing:
            self._wake.clear()
            order = self._order
            try:
                if order is None:
                    self._export.sync(early=True)
                else:
                    self._export.sync(ended=order.ended, without=order.without)
            except Exception as error:  # noqa: BLE001 - a load test must not end because its copy does
                self._failed(error if isinstance(error, StoreError) else StoreError(repr(error)), order)
            else:
                self._worked(order)
            self._wake.wait(self._interval_s if self._failing_since_s is None else self._pause_s)

    def _failed(self, error: StoreError, order: _Order | None) -> None:
        if order is not None:
            order.failure = str(error)
        if self._failing_since_s is None:
            self._failing_since_s = monotonic()
            self._pause_s = _FIRST_PAUSE_S
            detail: dict[str, object] = {"url": self._export.url, "reason": str(error)}
            sentence = f"export: {error}; files stay here, and are tried again"
            self._news.append(News(Event("export_failing", detail), sentence))
        else:
            self._pause_s = min(_LONGEST_PAUSE_S, 2 * self._pause_s)

    def _worked(self, order: _Order | None) -> None:
        if self._failing_since_s is not None:
            away_s = round(monotonic() - self._failing_since_s, 3)
            self._failing_since_s = None
            event = Event("export_back", {"url": self._export.url, "away_s": away_s})
            self._news.append(News(event, f"export: the store takes files again after {away_s:.0f} s"))
        if order is not None and self._order is order:
            self._order = None
            order.done.set()


def exported(outcome: ExportOutcome) -> Event:
    """The event that says how an export ended."""
    return Event("exported", asdict(outcome))
