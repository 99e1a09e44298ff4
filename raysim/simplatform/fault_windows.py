"""Switches faults on and off at their times."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysim.simplatform.config import Faults, FaultWindow
    from raysim.simplatform.state import PlatformState


class FaultWindows:
    """The windows of one platform, on its event loop."""

    def __init__(self, state: PlatformState) -> None:
        self._state = state
        self._timers: list[asyncio.TimerHandle] = []

    def begin(self, elapsed_s: float) -> None:
        """Second 0 was `elapsed_s` seconds ago, or is to come when that is negative. Begins anew when called again."""
        self.cancel()
        config = self._state.config
        loop = asyncio.get_running_loop()
        edges = {edge for window in config.fault_windows for edge in (window.start, window.end)}
        for edge in sorted(edges):
            faults = faults_at(edge, config.fault_windows, config.faults)
            # what is past is caught up with at once, in order
            if edge <= elapsed_s:
                self._state.set_faults(faults)
            else:
                self._timers.append(loop.call_later(edge - elapsed_s, self._state.set_faults, faults))

    def cancel(self) -> None:
        """Switch nothing more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def faults_at(seconds: float, windows: Sequence[FaultWindow], otherwise: Faults) -> Faults:
    """The faults that are to be in force at `seconds`; a window's own replace those of the rest of the time."""
    return next((window.faults for window in windows if window.start <= seconds < window.end), otherwise)
