"""The administrator's token, on loan to the users of a pack for calls that their own keys do not open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from raysim.core.secret import Secret

#: the lender renews a token well before it ends: whoever asks this often never holds one that has ended
_ASK_AGAIN_S = 30.0


class TokenLoan:
    """Keeps the token in memory and asks for it again from time to time, or once it was refused.

    Args:
        lend: gives the current token; called with True when the last one was refused. Raises any exception when there
            is none to be had.
    """

    def __init__(self, lend: Callable[[bool], Awaitable[Secret]]) -> None:
        self._lend = lend
        self._token: Secret | None = None
        self._refused = False
        self._ask_at_s = 0.0
        self._asking = asyncio.Lock()

    async def token(self) -> Secret:
        """The token. Raises whatever `lend` raises."""
        async with self._asking:
            if self._token is None or monotonic() >= self._ask_at_s:
                self._token = await self._lend(self._refused)
                self._refused = False
                self._ask_at_s = monotonic() + _ASK_AGAIN_S
            return self._token

    def refused(self, token: Secret) -> None:
        """The platform does not accept `token`: get another, unless that has happened already."""
        if token == self._token:
            self._token = None
            self._refused = True
