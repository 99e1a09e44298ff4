"""The AI-AAS platform: its User/Org Service, with the ways of the running code (see `docs/platforms.md`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from raysim.core.secret import Secret
from raysim.tenancy.port import Fate, IssuedKey, TenancyError
from raysim.wire.client import HttpClient
from raysim.wire.json_call import JsonAnswer, call_json

_TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_UNAUTHORIZED, _NOT_FOUND, _NO_SUCH_METHOD, _CONFLICT = 401, 404, 405, 409

TokenSource = Callable[[bool], Awaitable[Secret]]


class AiaasPlatform:
    """One administrator's view of the User/Org Service, over one connection.

    Args:
        client: a wire client for the service; closed with this object.
        token: gives the administrator's token; called with True when the last one was refused.
        has_budget_call: whether `PUT /v1/orgs/{org}/budget` exists (the simulated platform has it).
    """

    def __init__(self, client: HttpClient, token: TokenSource, *, has_budget_call: bool) -> None:
        self._client = client
        self._token = token
        self._has_budget_call = has_budget_call

    async def create_org(self, name: str, slug: str) -> str:
        """Create an organisation; returns its id. Raises TenancyError."""
        answer = await self._call("POST", "/v1/orgs", {"name": name, "slug": slug})
        return _field(answer, "orgId", f"creating organisation {slug}")

    async def set_budget(self, org_id: str, limit_usd: float) -> bool:
        """Set the organisation's budget in USD, where there is a call for it."""
        if not self._has_budget_call:
            return False
        answer = await self._call("PUT", f"/v1/orgs/{org_id}/budget", {"limit_usd": limit_usd})
        _expect_ok(answer, f"setting the budget of organisation {org_id}")
        return True

    async def create_user(self, org_id: str, name: str, email: str) -> str:
        """Invite a user and activate it: an invited one can have no key. Raises TenancyError."""
        invited = await self._call("POST", f"/v1/orgs/{org_id}/invites", {"email": email})
        user_id = _field(invited, "inviteId", f"inviting {email}")
        active = await self._call(
            "PATCH", f"/v1/orgs/{org_id}/users/{user_id}", {"status": "active", "displayName": name}
        )
        _expect_ok(active, f"activating {email}")
        return user_id

    async def create_key(self, org_id: str, user_id: str, label: str, days: int | None) -> IssuedKey:
        """Create a key for an active user. Raises TenancyError."""
        body: dict[str, Any] = {"annotations": {"label": label}}
        if days is not None:
            body["expiresInDays"] = days
        answer = await self._call("POST", f"/v1/orgs/{org_id}/users/{user_id}/api-keys", body)
        what = f"creating a key for user {user_id}"
        return IssuedKey(_field(answer, "apiKeyId", what), Secret(_field(answer, "secret", what)))

    async def remove(self, kind: str, org_id: str, item_id: str) -> Fate:
        """Revoke a key; delete a user or an org, or suspend it where it cannot be deleted. Raises TenancyError."""
        if kind == "key":
            answer = await self._call("DELETE", f"/v1/orgs/{org_id}/api-keys/{item_id}")
            # 409: revoked before, 404: never there or gone with its user; either way nobody can use it
            if answer.status not in (_NOT_FOUND, _CONFLICT):
                _expect_ok(answer, f"revoking key {item_id}")
            return Fate.REVOKED
        path = f"/v1/orgs/{org_id}" if kind == "org" else f"/v1/orgs/{org_id}/users/{item_id}"
        answer = await self._call("DELETE", path)
        if answer.ok:
            return Fate.DELETED
        if answer.status not in (_NOT_FOUND, _NO_SUCH_METHOD):
            _expect_ok(answer, f"deleting {kind} {item_id}")
        answer = await self._call("PATCH", path, {"status": "suspended"})
        if answer.status in (_NOT_FOUND, _CONFLICT) and kind == "user":
            return Fate.DELETED
        _expect_ok(answer, f"suspending {kind} {item_id}")
        return Fate.SUSPENDED

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    async def _call(self, method: str, path: str, body: Any = None) -> JsonAnswer:
        token = await self._token(False)  # noqa: FBT003 - a callable's only argument
        answer = await self._send(method, path, body, token)
        if answer.status == _UNAUTHORIZED:
            token = await self._token(True)  # noqa: FBT003
            answer = await self._send(method, path, body, token)
        return answer

    async def _send(self, method: str, path: str, body: Any, token: Secret) -> JsonAnswer:
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        return await call_json(self._client, method, path, body=body, headers=headers)


def _expect_ok(answer: JsonAnswer, what: str) -> None:
    if not answer.ok:
        transient = bool(answer.error) or answer.status in _TRANSIENT_STATUS
        raise TenancyError(f"{what} failed: {answer.text()}", transient=transient)


def _field(answer: JsonAnswer, name: str, what: str) -> str:
    _expect_ok(answer, what)
    said = answer.json()
    value = said.get(name) if isinstance(said, dict) else None
    if not isinstance(value, str) or not value:
        # never quote this body: it may be the one that holds a key
        raise TenancyError(f"{what}: the platform answered {answer.status} without {name!r}")
    return value
