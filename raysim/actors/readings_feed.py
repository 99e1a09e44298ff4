"""The coordinator's readings on their way to the metrics actors, about once a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from raysim.core.metrics.readings import RunReadings

_EVERY_S = 1.0


class ReadingsFeed:
    """Sends readings, one at a time: a metrics actor that is away misses some, and nobody waits for it.

    Args:
        metrics: handles of the metrics actors.
        take: the readings now.
    """

    def __init__(self, metrics: Sequence[Any], take: Callable[[], RunReadings]) -> None:
        self._metrics = metrics
        self._take = take

    async def send_regularly(self) -> None:
        """Send for ever."""
        while True:
            readings = self._take()
            with contextlib.suppress(Exception):
                # whoever is gone is seen to by the driver
                await asyncio.gather(*(metrics.observe.remote(readings) for metrics in self._metrics))
            await asyncio.sleep(_EVERY_S)
