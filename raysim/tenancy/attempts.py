"""Calls that are repeated while their failure may pass, inside a budget of time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import random
from typing import TypeVar

from raysim.tenancy.port import TenancyError

_FIRST_PAUSE_S = 0.25
#: a pause never grows beyond this, nor does what a platform asks for
_LONGEST_PAUSE_S = 5.0
_MOST_DOUBLINGS = 10

_Result = TypeVar("_Result")


def pause_s(failures: int, chance: float, retry_after_s: float | None = None) -> float:
    """Seconds to wait after the n-th failure of a call (from 1).

    Drawn from [0, min(0.25 · 2^(n-1), 5)]: exponential backoff with full jitter, so that users who failed together do
    not come back together. A platform's Retry-After is kept to, up to 5 s.

    Args:
        failures: how often the call failed so far.
        chance: uniform on [0, 1).
        retry_after_s: what the platform asked for.
    """
    drawn = chance * min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
    return max(drawn, min(retry_after_s or 0.0, _LONGEST_PAUSE_S))


class Attempts:
    """Repeats calls until a moment.

    Args:
        deadline_s: on the event loop's clock; a pause that would end later is not begun.
        most: attempts at one call; None for as many as there is time for.
        chance: uniform on [0, 1); for the jitter.
    """

    def __init__(self, deadline_s: float, *, most: int | None = None, chance: Callable[[], float] = random) -> None:
        self._deadline_s = deadline_s
        self._most = most
        self._chance = chance
        #: whether any call failed in a way that leaves open whether it had its effect
        self.in_doubt = False

    async def at(self, call: Callable[[], Awaitable[_Result]]) -> _Result:
        """The result of `call`.

        Raises:
            TenancyError: it failed for good, or until the time or the attempts were used up.
        """
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            if loop.time() >= self._deadline_s:
                raise TenancyError(_late(failures))
            try:
                async with asyncio.timeout_at(self._deadline_s):
                    return await call()
            except TimeoutError:
                self.in_doubt = True
                raise TenancyError(_late(failures), in_doubt=True) from None
            except TenancyError as error:
                failures += 1
                self.in_doubt |= error.in_doubt
                if not error.transient:
                    raise
                pause = pause_s(failures, self._chance(), error.retry_after_s)
                used_up = failures == self._most or loop.time() + pause >= self._deadline_s
                if used_up:
                    tried = f"{error.message} (tried {failures} times)" if failures > 1 else error.message
                    raise TenancyError(tried, in_doubt=self.in_doubt, hint=error.hint) from error
            await asyncio.sleep(pause)


def _late(failures: int) -> str:
    return "no time was left" + (f" after {failures} failures" if failures else "")
