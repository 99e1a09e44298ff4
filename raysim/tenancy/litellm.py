"""LiteLLM Proxy: teams are the tenants, ids are chosen here, so that a repeated call finds what the first one made."""

from __future__ import annotations

from collections.abc import Collection
from time import time
from typing import Any
from urllib.parse import quote

from raysim.core.secret import Secret
from raysim.tenancy.admin_calls import AdminCalls, TokenSource
from raysim.tenancy.answers import expect_ok, failed, text_field
from raysim.tenancy.ledger import run_of
from raysim.tenancy.port import Fate, IssuedKey, Made, ResourceKind, Tagged, TenancyError
from raysim.wire.client import HttpClient
from raysim.wire.json_call import JsonAnswer

_BAD_REQUEST, _NOT_FOUND, _NO_SUCH_METHOD, _CONFLICT = 400, 404, 405, 409
#: the run's mark in a team's, a user's and a key's metadata
_MARK, _MADE_AT = "raysim_run", "raysim_made_at"
#: resource → path of its deletion, the field that lists its ids
_DELETE = {"key": ("/key/delete", "keys"), "user": ("/user/delete", "user_ids"), "org": ("/team/delete", "team_ids")}
#: resource → path that tells of it
_INFO = {
    "key": "/key/info?key={}",
    "user": "/user/info?user_id={}",
    "org": "/team/info?team_id={}",
}


class LitellmPlatform:
    """One administrator's view of a LiteLLM proxy, over one connection.

    A team's id is its slug and a user's id its e-mail address, both distinct by the run's short id; a key's alias is
    its label. So what a lost answer made is found again by what was asked for.

    Args:
        client: a wire client for the proxy; closed with this object.
        token: gives the master key; called with True when the last one was refused.
        mark: the run's, put on what is made; what does not carry it is never taken over.
    """

    def __init__(self, client: HttpClient, token: TokenSource, *, mark: str) -> None:
        self._calls = AdminCalls(client, token)
        self._mark = mark

    # ── making ──

    async def create_org(self, name: str, slug: str, budget_usd: float | None) -> Made:
        """Create a team, or take over the one that an earlier attempt made. Raises TenancyError."""
        body: dict[str, Any] = {"team_id": slug, "team_alias": name, "metadata": self._metadata()}
        if budget_usd is not None:
            body["max_budget"] = budget_usd
        answer = await self._calls.call("POST", "/team/new", body)
        team_id = await self._made(answer, "org", slug, f"creating team {slug}", "team_id")
        return Made(team_id, "" if budget_usd is None else f"budget of {budget_usd:g} USD")

    async def create_user(self, org_id: str, name: str, email: str) -> Made:
        """Create a user of the team, without a key, or take over the one that is there. Raises TenancyError."""
        body = {
            "user_id": email,
            "user_email": email,
            "user_alias": name,
            "teams": [org_id],
            "auto_create_key": False,
            "metadata": self._metadata(),
        }
        answer = await self._calls.call("POST", "/user/new", body)
        return Made(await self._made(answer, "user", email, f"creating user {email}", "user_id"))

    async def _made(self, answer: JsonAnswer, kind: ResourceKind, label: str, what: str, field: str) -> str:
        if not _exists_already(answer):
            return text_field(answer, what, field)
        found = await self.find(kind, "", label)
        if not found:
            raise TenancyError(f"{failed(answer, what).message}; it is not this run's, and is left alone")
        return found

    async def create_key(self, org_id: str, user_id: str, label: str, days: int | None) -> IssuedKey:
        """Generate a key of the user in its team. Raises TenancyError.

        A key of this alias whose answer was lost is deleted first: its text cannot be had again.
        """
        body: dict[str, Any] = {
            "user_id": user_id,
            "team_id": org_id,
            "key_alias": label,
            "metadata": self._metadata(),
        }
        if days is not None:
            body["duration"] = f"{days}d"
        what = f"generating a key for user {user_id}"
        answer = await self._calls.call("POST", "/key/generate", body)
        if _exists_already(answer):
            deleted = await self._calls.call("POST", "/key/delete", {"key_aliases": [label]})
            expect_ok(deleted, f"deleting the key {label}, whose text never came,")
            answer = await self._calls.call("POST", "/key/generate", body)
        secret = text_field(answer, what, "key")
        # the hash of the key: names it without being it
        return IssuedKey(text_field(answer, what, "token_id", "token"), Secret(secret))

    async def discard_keys(self, org_id: str, user_id: str, keep: Collection[str]) -> bool:
        """Nothing: a repeated call has deleted the key whose answer was lost, since aliases are unique."""
        del org_id, user_id, keep
        return True

    # ── removing ──

    async def find(self, kind: ResourceKind, org_id: str, label: str) -> str | None:
        """The id of what this run made under a slug or an address. Raises TenancyError."""
        del org_id
        if kind == "key":
            return None
        answer = await self._calls.call("GET", _INFO[kind].format(quote(label, safe="")))
        if _is_unknown(answer):
            return ""
        expect_ok(answer, f"looking for {kind} {label}")
        found = _info_of(answer, kind)
        ours = bool(self._mark) and found is not None and _metadata(found).get(_MARK) == self._mark
        return label if ours else ""

    async def remove(self, kind: ResourceKind, org_id: str, item_id: str) -> Fate:
        """Delete a key, a user or a team. Raises TenancyError."""
        del org_id
        path, field = _DELETE[kind]
        answer = await self._calls.call("POST", path, {field: [item_id]})
        if _is_unknown(answer):
            if await self.is_usable(kind, "", item_id):
                raise failed(answer, f"deleting {kind} {item_id}")
            return Fate.GONE
        expect_ok(answer, f"deleting {kind} {item_id}")
        return Fate.REVOKED if kind == "key" else Fate.DELETED

    async def is_usable(self, kind: ResourceKind, org_id: str, item_id: str) -> bool | None:
        """Whether the proxy still knows it. Raises TenancyError."""
        del org_id
        answer = await self._calls.call("GET", _INFO[kind].format(quote(item_id, safe="")))
        if answer.status == _NO_SUCH_METHOD:
            return None
        if _is_unknown(answer):
            return False
        expect_ok(answer, f"reading {kind} {item_id}")
        info = _info_of(answer, kind)
        # the proxy goes on telling of a key that was deleted
        return info is not None and info.get("status") != "deleted"

    async def tagged(self) -> list[Tagged]:
        """Teams that carry a run's mark, with their users and keys. Raises TenancyError."""
        answer = await self._calls.call("GET", "/team/list")
        if answer.status in (_NOT_FOUND, _NO_SUCH_METHOD):
            return []
        expect_ok(answer, "listing teams")
        rows = answer.json()
        teams = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        found: list[Tagged] = []
        for team in teams:
            mark, team_id = _metadata(team).get(_MARK), team.get("team_id")
            if isinstance(mark, str) and isinstance(team_id, str):
                found += await self._team(team, team_id, mark)
        return found

    async def _team(self, team: dict[str, Any], team_id: str, mark: str) -> list[Tagged]:
        """A team of a run's, and what of that run is in it."""
        answer = await self._calls.call("GET", _INFO["org"].format(quote(team_id, safe="")))
        expect_ok(answer, f"reading team {team_id}")
        said = answer.json()
        made_at, run_id = _made_at(team), run_of(mark)
        keys = [row for row in _rows(said, "keys") if _metadata(row).get(_MARK) == mark]
        found = [
            Tagged("key", key["token"], team_id, str(key.get("key_alias") or ""), run_id, made_at)
            for key in keys
            if isinstance(key.get("token"), str)
        ]
        owners = sorted({key["user_id"] for key in keys if isinstance(key.get("user_id"), str)})
        # a person who was put into the team by hand is not the run's
        marked = [owner for owner in owners if await self._is_of(mark, owner)]
        found += [Tagged("user", owner, team_id, owner, run_id, made_at) for owner in marked]
        return [*found, Tagged("org", team_id, team_id, str(team.get("team_alias") or team_id), run_id, made_at)]

    async def _is_of(self, mark: str, user_id: str) -> bool:
        answer = await self._calls.call("GET", _INFO["user"].format(quote(user_id, safe="")))
        found = _info_of(answer, "user") if answer.ok else None
        return found is not None and _metadata(found).get(_MARK) == mark

    def close(self) -> None:
        """Close the connection."""
        self._calls.close()

    def _metadata(self) -> dict[str, Any]:
        return {_MARK: self._mark, _MADE_AT: int(time())}


def _exists_already(answer: JsonAnswer) -> bool:
    return answer.status in (_BAD_REQUEST, _CONFLICT) and b"already exists" in answer.body


def _is_unknown(answer: JsonAnswer) -> bool:
    """Whether the proxy does not know what it was asked of; some calls say so with 400, as they say other things."""
    said = answer.body.lower()
    unknown = b"not found" in said or b"not exist" in said or b"n't exist" in said
    return answer.status == _NOT_FOUND or (answer.status == _BAD_REQUEST and unknown)


def _info_of(answer: JsonAnswer, kind: ResourceKind) -> dict[str, Any] | None:
    """What an info call tells of its subject; None when that is unknown, which `/user/info` answers with 200."""
    said = answer.json()
    inner = said.get({"key": "info", "user": "user_info", "org": "team_info"}[kind]) if isinstance(said, dict) else None
    return inner if isinstance(inner, dict) and inner else None


def _metadata(row: dict[str, Any]) -> dict[str, Any]:
    said = row.get("metadata")
    return said if isinstance(said, dict) else {}


def _made_at(row: dict[str, Any]) -> float:
    said = _metadata(row).get(_MADE_AT)
    return float(said) if isinstance(said, int | float) else 0.0


def _rows(said: Any, name: str) -> list[dict[str, Any]]:
    rows = said.get(name) if isinstance(said, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
