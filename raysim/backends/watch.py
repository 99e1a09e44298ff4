"""Looks at every backend's metrics page every few seconds. A backend that is down or slow holds up nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from raysim.backends.page import PageError, PageSource
from raysim.core.backends.history import BackendHistory
from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget

#: seconds between two looks at a page
LOOK_EVERY_S = 2.0
#: pages longer than this are read beside the event loop, which also takes the users' records
_LONG_PAGE = 200_000

Keep = Callable[[Sequence[BackendReading]], None]


class BackendWatch:
    """Reads pages for as long as it runs.

    Args:
        targets: whose pages.
        pages: where they come from.
        keep: is given every reading.
        every_s: seconds between two looks at a page.
    """

    def __init__(
        self, targets: Sequence[BackendTarget], pages: PageSource, keep: Keep, *, every_s: float = LOOK_EVERY_S
    ) -> None:
        self._pages = pages
        self._keep = keep
        self._every_s = every_s
        self._histories = [(target, BackendHistory(target)) for target in targets]
        self._latest: dict[int, tuple[BackendReading, ...]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def latest(self) -> tuple[BackendReading, ...]:
        """The last readings of every backend, in the order of the targets; of some kinds one for each GPU."""
        return tuple(reading for place in sorted(self._latest) for reading in self._latest[place])

    def start(self) -> None:
        """Begin to look, on the running event loop; nothing when it has begun."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._follow(place)) for place in range(len(self._histories))]

    async def stop(self) -> None:
        """Look once more at all pages, so that the end of the load is in them, and end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            await asyncio.gather(*(self.look(place) for place in range(len(self._histories))))
        self._tasks = []
        self._pages.close()

    async def _follow(self, place: int) -> None:
        due_s = time.monotonic()
        while True:
            await self.look(place)
            # from the beginning of the last look, but never several at once after a slow one
            due_s = max(due_s + self._every_s, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())

    async def look(self, place: int) -> None:
        """Look once at the page of the target at `place`; whatever comes of it is a reading."""
        target, history = self._histories[place]
        began_s, unix_s = time.monotonic(), time.time()
        try:
            text = await self._pages.fetch(target)
        except PageError as error:
            readings = history.missed(str(error), unix_s=unix_s)
        else:
            took_s = time.monotonic() - began_s

            def read() -> tuple[BackendReading, ...]:
                return history.read(text, unix_s=unix_s, at_s=began_s, took_s=took_s)

            readings = await asyncio.to_thread(read) if len(text) > _LONG_PAGE else read()
        self._latest[place] = readings
        self._keep(readings)
