"""LiteLLM's way of administration, with `mode: litellm`: teams, users and keys, and its errors. See docs/platforms.md.

Ids are the caller's where given; a key is known by its hash and by an alias that is distinct on the whole proxy.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from raysim.simplatform.accounts import ApiKey, Org, Refused, User
from raysim.simplatform.http import Reply
from raysim.simplatform.json_body import JsonBody

if TYPE_CHECKING:
    from collections.abc import Callable

    from raysim.simplatform.admin_access import AdminAccess
    from raysim.simplatform.http import Request
    from raysim.simplatform.state import PlatformState

    Handler = Callable[[Request], dict[str, object] | list[object]]

_CREATES = {"/team/new", "/user/new", "/key/generate"}
_HEALTH = {"/health/liveliness", "/health/readiness"}


class LitellmAdmin:
    """Answers `/team/*`, `/user/*`, `/key/*` and `/health/*`."""

    def __init__(self, state: PlatformState, access: AdminAccess) -> None:
        self._state = state
        self._access = access
        #: id of a key → what a caller gave it
        self._key_data: dict[str, dict[str, object]] = {}
        self._handlers: dict[tuple[str, str], Handler] = {
            ("POST", "/team/new"): self._new_team,
            ("POST", "/team/update"): self._update_team,
            ("POST", "/team/delete"): self._delete_teams,
            ("GET", "/team/info"): self._team_info,
            ("GET", "/team/list"): self._list_teams,
            ("POST", "/user/new"): self._new_user,
            ("POST", "/user/delete"): self._delete_users,
            ("GET", "/user/info"): self._user_info,
            ("GET", "/user/list"): self._list_users,
            ("POST", "/key/generate"): self._new_key,
            ("POST", "/key/delete"): self._delete_keys,
            ("GET", "/key/info"): self._key_info,
        }

    def answer(self, request: Request) -> Reply | None:
        """The answer; None when the path is not one of these."""
        if request.path in _HEALTH:
            return Reply(200, b'"I\'m alive!"')
        handler = self._handlers.get((request.method, request.path))
        if handler is None:
            return None
        if not self._access.allows(request.headers.get("authorization", ""), time.monotonic()):
            return _error(401, "Authentication Error, Invalid proxy server token passed", "auth_error")
        fault = self._state.dice.bootstrap() if request.path in _CREATES else None
        if fault is not None and fault.error:
            return _error(500, "Internal Server Error", "internal_server_error")
        try:
            reply = Reply(200, orjson.dumps(handler(request)))
        except Refused as refused:
            reply = _error(refused.status, refused.text, "bad_request_error")
        if fault is None:
            return reply
        return Reply(reply.status, reply.body, delay_s=fault.delay_s, withheld=fault.never_answer)

    # ── teams ──

    def _new_team(self, request: Request) -> dict[str, object]:
        body = JsonBody(request.body)
        alias = body.text("team_alias") or ""
        team_id = body.text("team_id") or f"team-{len(list(self._state.accounts.orgs()))}"
        try:
            org = self._state.accounts.create_org(
                name=alias, slug=team_id, metadata=body.mapping("metadata"), now=time.time()
            )
        except Refused:
            text = f"Team id = {team_id} already exists. Please use a different team id."
            raise Refused(400, text) from None
        self._limit(org, body)
        return self._team(org)

    def _update_team(self, request: Request) -> dict[str, object]:
        body = JsonBody(request.body)
        org = self._org(body.required("team_id"))
        self._limit(org, body)
        return {"data": self._team(org)}

    def _limit(self, org: Org, body: JsonBody) -> None:
        if "max_budget" in body.fields:
            self._state.admission.budget(org.id, time.monotonic()).limit_usd = body.number("max_budget")

    def _delete_teams(self, request: Request) -> dict[str, object]:
        orgs = [self._org(team_id) for team_id in _ids(JsonBody(request.body), "team_ids")]
        for org in orgs:
            self._state.accounts.delete_org(org, time.time())
        return {"deleted_teams": [org.slug for org in orgs]}

    def _team_info(self, request: Request) -> dict[str, object]:
        org = self._org(_asked(request, "team_id"))
        keys = [self._key(key) for key in org.keys.values() if key.revoked_at is None]
        return {"team_id": org.slug, "team_info": self._team(org), "keys": keys}

    def _list_teams(self, _: Request) -> list[object]:
        return [self._team(org) for org in self._state.accounts.orgs() if org.status != "deleted"]

    def _org(self, team_id: str) -> Org:
        org = self._state.accounts.find_org(team_id)
        if org is None:
            raise Refused(404, f"Team not found, passed team_id={team_id}")
        return org

    def _team(self, org: Org) -> dict[str, object]:
        budget = self._state.admission.budget(org.id, time.monotonic())
        return {
            "team_id": org.slug,
            "team_alias": org.name,
            "metadata": org.metadata,
            "max_budget": budget.limit_usd,
            "spend": budget.recorded_usd,
        }

    # ── users ──

    def _new_user(self, request: Request) -> dict[str, object]:
        body = JsonBody(request.body)
        user_id = body.required("user_id")
        if self._found(user_id) is not None:
            raise Refused(409, f"User with id {user_id} already exists")
        teams = _ids(body, "teams")
        if len(teams) != 1:
            raise Refused(400, "this simulator wants users in one team")
        user = self._state.accounts.invite(self._org(teams[0]), email=user_id, now=time.time())
        user.status, user.metadata = "active", body.mapping("metadata")
        return {"user_id": user_id, "teams": teams, "metadata": user.metadata}

    def _delete_users(self, request: Request) -> dict[str, object]:
        for user_id in _ids(JsonBody(request.body), "user_ids"):
            org, user = self._user(user_id)
            self._state.accounts.delete_user(org, user, time.time())
        return {"deleted": True}

    def _user_info(self, request: Request) -> dict[str, object]:
        org, user = self._user(_asked(request, "user_id"))
        info = {"user_id": user.name, "metadata": user.metadata, "teams": [org.slug]}
        return {"user_id": user.name, "user_info": info}

    def _list_users(self, request: Request) -> dict[str, object]:
        everyone = [user.name for org in self._state.accounts.orgs() for user in org.users.values()]
        page, size = (int(_asked(request, name) or default) for name, default in (("page", 1), ("page_size", 25)))
        shown = everyone[(page - 1) * size : page * size]
        return {"users": [{"user_id": name} for name in shown], "total": len(everyone), "page": page}

    def _found(self, user_id: str) -> tuple[Org, User] | None:
        for org in self._state.accounts.orgs():
            for user in org.users.values():
                if user.name == user_id and user.status != "deleted":
                    return org, user
        return None

    def _user(self, user_id: str) -> tuple[Org, User]:
        found = self._found(user_id)
        if found is None:
            raise Refused(404, f"User {user_id} not found")
        return found

    # ── keys ──

    def _new_key(self, request: Request) -> dict[str, object]:
        body = JsonBody(request.body)
        org, user = self._user(body.required("user_id"))
        alias = body.text("key_alias") or ""
        if alias and self._with("alias", alias):
            raise Refused(400, f"Key with alias '{alias}' already exists. Unique key aliases are required.")
        duration = body.text("duration")
        days = float(duration.removesuffix("d")) if duration else None
        key, secret = self._state.accounts.create_key(org, user, expires_in_days=days, now=time.time())
        self._key_data[key.id] = {"alias": alias, "hash": key.digest.hex(), "metadata": body.mapping("metadata")}
        return {"key": secret, "token_id": key.digest.hex(), **self._key(key)}

    def _delete_keys(self, request: Request) -> dict[str, object]:
        body = JsonBody(request.body)
        named = [("hash", name) for name in _ids(body, "keys")] + [("alias", n) for n in _ids(body, "key_aliases")]
        for what, name in named:
            found = self._with(what, name)
            if not found:
                raise Refused(404, f"Key not found. No key with {what}='{name}'.")
            for org, key in found:
                self._state.accounts.revoke_key(org, key.id, time.time())
        return {"deleted_keys": [name for _, name in named]}

    def _key_info(self, request: Request) -> dict[str, object]:
        name = _asked(request, "key")
        for _, key in self._with("hash", name, revoked=True):
            # the proxy goes on telling of deleted keys
            status = "active" if key.revoked_at is None else "deleted"
            return {"key": name, "info": {**self._key(key), "status": status}}
        raise Refused(404, "Key not found in database")

    def _with(self, what: str, name: str, *, revoked: bool = False) -> list[tuple[Org, ApiKey]]:
        return [
            (org, key)
            for org in self._state.accounts.orgs()
            for key in org.keys.values()
            if (revoked or key.revoked_at is None) and self._key_data.get(key.id, {}).get(what) == name
        ]

    def _key(self, key: ApiKey) -> dict[str, object]:
        data = self._key_data.get(key.id, {})
        org = next(org for org in self._state.accounts.orgs() if org.id == key.org_id)
        return {
            "token": key.digest.hex(),
            "key_alias": data.get("alias"),
            "metadata": data.get("metadata"),
            "user_id": org.users[key.owner_id].name,
            "expires": key.expires_at,
        }


def error_document(status: int, text: str, kind: str) -> dict[str, object]:
    """The proxy's errors: the type says more than the status."""
    return {"error": {"message": text, "type": kind, "param": None, "code": str(status)}}


def _error(status: int, text: str, kind: str) -> Reply:
    return Reply(status, orjson.dumps(error_document(status, text, kind)))


def _asked(request: Request, name: str) -> str:
    return parse_qs(request.query).get(name, [""])[-1]


def _ids(body: JsonBody, name: str) -> list[str]:
    given: Any = body.fields.get(name) or []
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise Refused(400, f"{name} must be a list of strings")
    return list(given)
