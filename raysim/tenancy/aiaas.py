"""The AI-AAS platform: its User/Org Service, with the ways of the running code (see `docs/platforms.md`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from raysim.core.secret import Secret
from raysim.tenancy.admin_calls import AdminCalls, TokenSource
from raysim.tenancy.answers import expect_ok, failed, optional_field, text_field
from raysim.tenancy.port import Fate, IssuedKey, Made, ResourceKind, Tagged, TenancyError
from raysim.wire.client import HttpClient

_BAD_REQUEST, _NOT_FOUND, _NO_SUCH_METHOD, _CONFLICT = 400, 404, 405, 409
_NOT_IMPLEMENTED = 501
#: what the service answers for an organisation that it does not know
_ZERO_UUID = "00000000-0000-0000-0000-000000000000"
#: the run's mark in an organisation's metadata
_MARK = "raysim_run"
#: invitations that may be lost before a user is given up
_MOST_ADDRESSES = 4
#: keys on a page of the list, and pages that are read at most
_PAGE = 100
_MOST_PAGES = 100


class AiaasPlatform:
    """One administrator's view of the User/Org Service, over one connection.

    Args:
        client: a wire client for the service; closed with this object.
        token: gives the administrator's token; called with True when the last one was refused.
        mark: the run's, put on the organisations that are made; what does not carry it is never taken over.
        has_budget_call: whether `PUT /v1/orgs/{org}/budget` exists (the simulated platform has it).
    """

    def __init__(self, client: HttpClient, token: TokenSource, *, mark: str, has_budget_call: bool) -> None:
        self._calls = AdminCalls(client, token)
        self._mark = mark
        self._has_budget_call = has_budget_call
        #: who was invited already, by organisation and address: an attempt that failed later need not ask again
        self._invited: dict[tuple[str, str], str] = {}

    # ── making ──

    async def create_org(self, name: str, slug: str, budget_usd: float | None) -> Made:
        """Create an organisation, or take over the one that an earlier attempt made. Raises TenancyError."""
        body = {"name": name, "slug": slug, "metadata": {_MARK: self._mark}}
        what = f"creating organisation {slug}"
        answer = await self._calls.call("POST", "/v1/orgs", body)
        if answer.status == _CONFLICT:
            org_id = await self.find("org", "", slug)
            if not org_id:
                raise TenancyError(f"{failed(answer, what).message}; it is not this run's, and is left alone")
        else:
            org_id = text_field(answer, what, "orgId")
        return Made(org_id, await self._set_budget(org_id, budget_usd))

    async def _set_budget(self, org_id: str, limit_usd: float | None) -> str:
        if limit_usd is None or not self._has_budget_call:
            return ""
        answer = await self._calls.call("PUT", f"/v1/orgs/{org_id}/budget", {"limit_usd": limit_usd})
        expect_ok(answer, f"setting the budget of organisation {org_id}")
        return f"budget of {limit_usd:g} USD"

    async def create_user(self, org_id: str, name: str, email: str) -> Made:
        """Invite a user and activate it: an invited one can have no key. Raises TenancyError.

        Where an earlier invitation was made without an answer and the service cannot say whom it made, the user is
        invited under another address; the first one stays invited, without a key, and ends with its organisation.
        """
        user_id, lost = "", []
        for address in _addresses(email):
            user_id = await self._invite(org_id, address)
            if user_id:
                break
            lost.append(address)
        if not user_id:
            raise TenancyError(f"inviting {email} failed: every answer to {_MOST_ADDRESSES} invitations was lost")
        body = {"status": "active", "displayName": name}
        activated = await self._calls.call("PATCH", f"/v1/orgs/{org_id}/users/{user_id}", body)
        if activated.status == _CONFLICT:
            # somebody else's change came first; the next one finds the new version
            raise TenancyError(failed(activated, f"activating {email}").message, transient=True)
        expect_ok(activated, f"activating {email}")
        note = f"invited without an answer, and left as invited: {', '.join(lost)}" if lost else ""
        return Made(user_id, note)

    async def _invite(self, org_id: str, email: str) -> str:
        """The user's id; "" when an earlier attempt invited it and nobody can say under which id."""
        known = self._invited.get((org_id, email))
        if known is not None:
            return known
        invited = await self._calls.call("POST", f"/v1/orgs/{org_id}/invites", {"email": email})
        if invited.status == _CONFLICT:
            # the organisation is the run's own, so whoever has this address in it is too
            return await self.find("user", org_id, email) or ""
        user_id = self._invited[org_id, email] = text_field(invited, f"inviting {email}", "inviteId", "userId")
        return user_id

    async def create_key(self, org_id: str, user_id: str, label: str, days: int | None) -> IssuedKey:
        """Create a key for an active user. Raises TenancyError."""
        body: dict[str, Any] = {"notes": label, "annotations": {"label": label}}
        if days is not None:
            body["expiresInDays"] = days
        answer = await self._calls.call("POST", f"/v1/orgs/{org_id}/users/{user_id}/api-keys", body)
        what = f"creating a key for user {user_id}"
        # later revisions of the service say keyId and token
        return IssuedKey(
            text_field(answer, what, "apiKeyId", "keyId"), Secret(text_field(answer, what, "secret", "token"))
        )

    async def discard_keys(self, org_id: str, user_id: str, keep: Collection[str]) -> bool:
        """Revoke the user's keys other than `keep`, where the service lists keys. Raises TenancyError."""
        listed = await self._keys_of(org_id, user_id)
        if listed is None:
            return False
        for key_id in listed - set(keep):
            await self.remove("key", org_id, key_id)
        return True

    async def _keys_of(self, org_id: str, user_id: str) -> set[str] | None:
        """Ids of the user's keys that are not revoked; None where the service has no list."""
        found: set[str] = set()
        for page in range(_MOST_PAGES):
            path = f"/v1/orgs/{org_id}/api-keys?limit={_PAGE}&offset={page * _PAGE}"
            answer = await self._calls.call("GET", path)
            if answer.status in (_NOT_FOUND, _NO_SUCH_METHOD, _NOT_IMPLEMENTED):
                return None
            expect_ok(answer, f"listing the keys of organisation {org_id}")
            rows = answer.json()
            if not isinstance(rows, list):
                return None
            mine = [row for row in rows if isinstance(row, dict) and row.get("principalId") == user_id]
            active = [row for row in mine if row.get("status") == "active"]
            found |= {str(row.get("apiKeyId") or row.get("keyId")) for row in active}
            if len(rows) < _PAGE:
                break
        return found

    # ── removing ──

    async def find(self, kind: ResourceKind, org_id: str, label: str) -> str | None:
        """The id of what this run made under a slug or an address. Raises TenancyError."""
        if kind == "key":
            return None
        if kind == "user":
            # later revisions of the service have this call; an older one takes the path for a wrong or unknown one
            answer = await self._calls.call("GET", f"/v1/orgs/{org_id}/users/by-email/{_segment(label)}")
            if answer.status in (_BAD_REQUEST, _NOT_FOUND, _NO_SUCH_METHOD, _NOT_IMPLEMENTED):
                return None
            return text_field(answer, f"looking for {label}", "userId")
        answer = await self._calls.call("GET", f"/v1/orgs/{_segment(label)}")
        if answer.status == _NOT_FOUND:
            return ""
        expect_ok(answer, f"looking for organisation {label}")
        said = answer.json()
        metadata = said.get("metadata") if isinstance(said, dict) else None
        ours = bool(self._mark) and isinstance(metadata, dict) and metadata.get(_MARK) == self._mark
        found = optional_field(answer, "orgId")
        return found if ours and found != _ZERO_UUID else ""

    async def remove(self, kind: ResourceKind, org_id: str, item_id: str) -> Fate:
        """Revoke a key; delete a user or an org, or suspend it where it cannot be deleted. Raises TenancyError."""
        if kind == "key":
            answer = await self._calls.call("DELETE", f"/v1/orgs/{org_id}/api-keys/{item_id}")
            # 409: revoked before, 404: never there or gone with its user; either way nobody can use it
            if answer.status not in (_NOT_FOUND, _CONFLICT):
                expect_ok(answer, f"revoking key {item_id}")
            return Fate.REVOKED
        path = f"/v1/orgs/{org_id}" if kind == "org" else f"/v1/orgs/{org_id}/users/{item_id}"
        answer = await self._calls.call("DELETE", path)
        if answer.ok:
            return Fate.DELETED
        if answer.status not in (_NOT_FOUND, _NO_SUCH_METHOD):
            expect_ok(answer, f"deleting {kind} {item_id}")
        answer = await self._calls.call("PATCH", path, {"status": "suspended"})
        if answer.status in (_NOT_FOUND, _CONFLICT):
            # of an unknown organisation the service says that its version conflicts
            if await self._status(path) is None:
                return Fate.GONE
            raise TenancyError(failed(answer, f"suspending {kind} {item_id}").message, transient=True)
        expect_ok(answer, f"suspending {kind} {item_id}")
        return Fate.SUSPENDED

    async def is_usable(self, kind: ResourceKind, org_id: str, item_id: str) -> bool | None:
        """Whether the service still calls it active. Raises TenancyError.

        A key has no page of its own: revoking it once more must be refused, since it is revoked or unknown.
        """
        if kind == "key":
            answer = await self._calls.call("DELETE", f"/v1/orgs/{org_id}/api-keys/{item_id}")
            return None if answer.status not in (_NOT_FOUND, _CONFLICT) else False
        path = f"/v1/orgs/{org_id}" if kind == "org" else f"/v1/orgs/{org_id}/users/{item_id}"
        return await self._status(path) in ("active", "invited")

    async def _status(self, path: str) -> str | None:
        """The status of an organisation or user; None when there is none."""
        answer = await self._calls.call("GET", path)
        if answer.status == _NOT_FOUND:
            return None
        expect_ok(answer, f"reading {path}")
        if optional_field(answer, "userId", "orgId") == _ZERO_UUID:
            return None
        return optional_field(answer, "status")

    async def tagged(self) -> list[Tagged]:
        """Nothing: the service's lists are always empty."""
        return []

    def close(self) -> None:
        """Close the connection."""
        self._calls.close()


def _addresses(email: str) -> list[str]:
    """The address itself, then others of the same mailbox."""
    local, _, domain = email.rpartition("@")
    return [email, *(f"{local}-{number}@{domain}" for number in range(2, _MOST_ADDRESSES + 1))]


def _segment(text: str) -> str:
    return quote(text, safe="@+")
