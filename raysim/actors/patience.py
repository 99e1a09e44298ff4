"""Calls to an actor that Ray starts again when its process dies: asked once more until somebody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from ray.exceptions import RayActorError

#: starting an actor again takes a second or two, on a busy machine ten
PATIENCE_S = 30.0
#: between two attempts
PAUSE_S = 0.25

T = TypeVar("T")


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """The value of a call that may be made more than once. Raises RayActorError: nobody came back in time."""
    until_s = monotonic() + PATIENCE_S
    while True:
        try:
            return await call()
        except RayActorError:
            if monotonic() > until_s:
                raise
        await asyncio.sleep(PAUSE_S)
