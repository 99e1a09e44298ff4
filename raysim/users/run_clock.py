"""The coordinator's clock as a pack finds it, by the quickest exchange so far (Cristian's algorithm)."""

from __future__ import annotations

from time import monotonic_ns

from raysim.core.control.messages import Orders
from raysim.users.sender import wall_offset_ns


class FoundClock:
    """Where the run's second 0 is on this process's clocks: a `RunClock`."""

    def __init__(self) -> None:
        #: 0 while it is not known
        self.run_start_ns = 0
        self.wall_offset_ns = wall_offset_ns()
        self._offset_ns = 0
        self._round_trip_ns = 1 << 62

    def hear(self, orders: Orders, sent_ns: int, received_ns: int) -> None:
        """An exchange of a report for orders; once the run's start is known, nothing changes any more."""
        if self.run_start_ns:
            return
        round_trip_ns = received_ns - sent_ns
        if round_trip_ns < self._round_trip_ns:
            self._round_trip_ns = round_trip_ns
            self._offset_ns = sent_ns + round_trip_ns // 2 - int(orders.clock_s * 1e9)
            self.wall_offset_ns = int(orders.wall_offset_s * 1e9) - self._offset_ns
        if orders.run_start_s is not None:
            self.run_start_ns = int(orders.run_start_s * 1e9) + self._offset_ns

    @property
    def offset_s(self) -> float:
        """What to add to the coordinator's clock for this process's monotonic one, in seconds."""
        return self._offset_ns / 1e9

    @property
    def run_s(self) -> float | None:
        """The run's second now; None while its start is not known."""
        return (monotonic_ns() - self.run_start_ns) / 1e9 if self.run_start_ns else None

    def left_s(self, at_run_s: float) -> float:
        """How long it is until a second of the run; negative when that is over."""
        return (self.run_start_ns - monotonic_ns()) / 1e9 + at_run_s
