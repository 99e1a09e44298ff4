"""Calls with the administrator's token, which may end at any time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from raysim.core.secret import Secret
from raysim.wire.client import HttpClient
from raysim.wire.json_call import JsonAnswer, call_json

_UNAUTHORIZED = 401

#: gives the administrator's token; called with True when the one it gave was refused
TokenSource = Callable[[bool], Awaitable[Secret]]


class AdminCalls:
    """JSON calls over one connection; one whose token is refused is made once more with a fresh one.

    Args:
        client: a wire client for the service; closed with this object.
        token: gives the token.
    """

    def __init__(self, client: HttpClient, token: TokenSource) -> None:
        self._client = client
        self._token = token

    async def call(self, method: str, path: str, body: Any = None) -> JsonAnswer:
        """The answer, whatever it is. Raises what `token` raises."""
        answer = await self._send(method, path, body, await self._token(False))  # noqa: FBT003 - a callable's only argument
        if answer.status == _UNAUTHORIZED:
            answer = await self._send(method, path, body, await self._token(True))  # noqa: FBT003
        return answer

    async def _send(self, method: str, path: str, body: Any, token: Secret) -> JsonAnswer:
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        return await call_json(self._client, method, path, body=body, headers=headers)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
