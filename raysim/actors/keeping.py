"""When a coordinator's memory goes to disk: before anybody hears of what has happened, and else about once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from raysim.actors.checkpoints import Checkpoints, Memory
from raysim.actors.event_log import EventLog
from raysim.core.control.run_control import RunControl

#: the checkpoint is at most this old, see `Situation.must_keep`
_KEEP_S = 1.0
#: between two checkpoints, in multiples of what one takes
_KEEP_PAUSE = 4


class Keeping:
    """Writes down what a control has decided.

    Args:
        checkpoints: the files.
        events: takes the control's events.
        control: whose decisions they are.
        memory: what is kept beside the run's course, at a moment on the control's clock.
    """

    def __init__(
        self, checkpoints: Checkpoints, events: EventLog, control: RunControl, memory: Callable[[float], Memory]
    ) -> None:
        self._checkpoints = checkpoints
        self._events = events
        self._control = control
        self._memory = memory
        #: those of a coordinator before this one are on disk
        self._samples_kept = len(control.situation.samples)
        self._kept_s = monotonic()
        self._keep_takes_s = 0.0
        self._keeping: asyncio.Task[None] | None = None

    def take_events(self) -> None:
        """Write the events so far."""
        for event in self._control.take_events():
            self._events.write(event)

    def take_grants(self) -> None:
        """Write the grants of money so far; no pack is to hear of one before."""
        self._checkpoints.grant(self._control.take_grants())

    async def settle(self) -> None:
        """Write down what has happened; to be awaited before anybody hears of it. Callers share checkpoints."""
        self.take_events()
        if self._control.situation.must_keep and self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_when_due())
        if self._keeping is not None:
            # one caller that gives up is not to take it from the others
            await asyncio.shield(self._keeping)

    async def _keep_when_due(self) -> None:
        """With thousands of packs a checkpoint takes tens of milliseconds: most of the time is for other things."""
        await asyncio.sleep(max(0.0, self._kept_s + _KEEP_PAUSE * self._keep_takes_s - monotonic()))
        self._keeping = None
        self.keep()

    def keep_if_old(self) -> None:
        """Take a checkpoint if the last one has had its time."""
        if monotonic() - self._kept_s > _KEEP_S:
            self.keep()

    def keep(self) -> None:
        """Take a checkpoint."""
        begun_s = monotonic()
        samples = self._control.situation.samples
        self._checkpoints.add(samples=samples[self._samples_kept :])
        self._samples_kept = len(samples)
        self._checkpoints.keep(self._memory(begun_s))
        self._kept_s = monotonic()
        self._keep_takes_s = self._kept_s - begun_s
