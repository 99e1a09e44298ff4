"""The User/Org service: its calls, its answers, and its peculiarities."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
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

    Handler = Callable[[Request], Reply]

_ZERO_UUID = "00000000-0000-0000-0000-000000000000"
_OPEN = {"healthz", "readyz", "login", "validate-api-key"}


def json_reply(document: object, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(status, orjson.dumps(document))


def text_reply(status: int, text: str) -> Reply:
    """A plain text, as the service's errors are."""
    return Reply(status, f"{text}\n".encode(), "text/plain; charset=utf-8")


class OrgService:
    """Answers `/healthz`, `/readyz`, `/v1/auth/*` and `/v1/orgs*`."""

    def __init__(self, state: PlatformState, access: AdminAccess) -> None:
        self._state = state
        self._access = access

    def answer(self, request: Request) -> Reply:
        """The answer to a control-plane request."""
        parts = request.path.strip("/").split("/")
        handlers = self._handlers(parts)
        if handlers is None:
            return _no_route(404, "not found", request)
        handler = handlers.get(request.method)
        if handler is None:
            return _no_route(405, "method not allowed", request)
        authorization = request.headers.get("authorization", "")
        if parts[-1] not in _OPEN and not self._access.allows(authorization, time.monotonic()):
            return text_reply(401, "unauthorized")
        if request.too_large:
            return text_reply(413, "request body too large")
        try:
            return handler(request)
        except Refused as refused:
            return text_reply(refused.status, refused.text)

    def _handlers(self, parts: list[str]) -> dict[str, Handler] | None:  # noqa: PLR0911 - one row of the API each
        match parts:
            case ["healthz"]:
                return {"GET": lambda _: json_reply({"status": "ok"})}
            case ["readyz"]:
                return {"GET": self._ready}
            case ["v1", "auth", "login"]:
                return {"POST": self._login}
            case ["v1", "auth", "validate-api-key"]:
                return {"POST": self._validate_key}
            case ["v1", "orgs"]:
                return {"GET": lambda _: json_reply([]), "POST": partial(self._creating, self._create_org)}
            case ["v1", "orgs", org, *rest]:
                return self._org_handlers(org, rest)
            case _:
                return None

    def _org_handlers(self, org: str, rest: list[str]) -> dict[str, Handler] | None:  # noqa: C901, PLR0911 - as above
        def bound(method: Callable[..., Reply], *names: str) -> Handler:
            return partial(method, org, *names)

        def creating(method: Callable[..., Reply], *names: str) -> Handler:
            return partial(self._creating, bound(method, *names))

        deletes = self._state.config.deletes
        match rest:
            case []:
                more = {"DELETE": bound(self._delete_org)} if deletes else {}
                return {"GET": bound(self._get_org), "PATCH": bound(self._patch_org)} | more
            case ["budget"]:
                return {"PUT": bound(self._set_budget)}
            case ["invites"]:
                return {"POST": creating(self._invite)}
            case ["users"]:
                return {"GET": lambda _: json_reply([])}
            case ["users", "by-email", email] if self._state.config.lookups:
                return {"GET": bound(self._find_user, email)}
            case ["users", user]:
                more = {"DELETE": bound(self._delete_user, user)} if deletes else {}
                return {"GET": bound(self._get_user, user), "PATCH": bound(self._patch_user, user)} | more
            case ["service-accounts"]:
                return {"POST": creating(self._create_service_account)}
            case [("users" | "service-accounts"), owner, "api-keys"]:
                return {"POST": creating(self._create_key, owner)}
            case ["api-keys"]:
                return {"GET": bound(self._list_keys)}
            case ["api-keys", key]:
                return {"DELETE": bound(self._revoke_key, key)}
            case _:
                return None

    def _creating(self, create: Handler, request: Request) -> Reply:
        """Run a call that creates something, with the faults that strike such calls."""
        fault = self._state.dice.bootstrap()
        if fault.error:
            return text_reply(500, "internal server error")
        reply = create(request)
        delay = reply.delay_s + fault.delay_s
        return Reply(reply.status, reply.body, reply.content_type, delay_s=delay, withheld=fault.never_answer)

    def _ready(self, _: Request) -> Reply:
        if self._state.dice.faults.unready:
            return text_reply(503, "not ready")
        return json_reply({"status": "ready"})

    def _login(self, request: Request) -> Reply:
        body = JsonBody(request.body)
        token = self._access.login(body.fields.get("email"), body.fields.get("password"), time.monotonic())
        if token is None:
            text = "the resource owner's credentials are not valid"
            return json_reply({"error": "invalid_grant", "error_description": text}, 400)
        ttl = self._access.token_ttl_s
        return json_reply({"access_token": token, "token_type": "bearer", "expires_in": ttl})

    def _validate_key(self, request: Request) -> Reply:
        body = JsonBody(request.body)
        identity = self._state.accounts.identify(body.required("apiKeySecret"), time.time())
        wanted = body.text("orgId")
        if identity is None or identity.refusal or (wanted and wanted not in (identity.org.id, identity.org.slug)):
            return json_reply({"valid": False, "message": (identity and identity.refusal) or "api key not found"})
        key = identity.key
        return json_reply(
            {
                "valid": True,
                "apiKeyId": key.id,
                "organizationId": identity.org.id,
                "principalId": key.owner_id,
                "status": "active",
                "expiresAt": _timestamp(key.expires_at),
            }
        )

    def _create_org(self, request: Request) -> Reply:
        body = JsonBody(request.body)
        name, slug, metadata = body.required("name"), body.required("slug"), body.mapping("metadata")
        org = self._state.accounts.create_org(name=name, slug=slug, metadata=metadata, now=time.time())
        return json_reply(_org_json(org), 201)

    def _get_org(self, reference: str, _: Request) -> Reply:
        org = self._state.accounts.find_org(reference)
        # the real service does not notice that its query found nothing
        return json_reply(_org_json(org or Org(_ZERO_UUID, "", "", "active", 0.0)))

    def _patch_org(self, reference: str, request: Request) -> Reply:
        body = JsonBody(request.body)
        org = self._state.accounts.find_org(reference)
        if org is None:
            raise Refused(409, "version conflict")
        match body.text("status"):
            case None:
                pass
            case "active" | "suspended" as status:
                org.status = status
            case other:
                raise Refused(400, f"invalid status {other!r}: expected active or suspended")
        org.name = body.text("displayName") or org.name
        org.metadata = org.metadata | body.mapping("metadata")
        return json_reply(_org_json(org))

    def _delete_org(self, reference: str, _: Request) -> Reply:
        self._state.accounts.delete_org(self._state.accounts.org(reference), time.time())
        return Reply(204)

    def _set_budget(self, reference: str, request: Request) -> Reply:
        org = self._state.accounts.org(reference)
        body = JsonBody(request.body)
        if "limit_usd" not in body.fields:
            raise Refused(400, "limit_usd is required: dollars, or null for no limit")
        budget = self._state.admission.budget(org.id, time.monotonic())
        budget.limit_usd = body.number("limit_usd")
        document = {"orgId": org.id, "limit_usd": budget.limit_usd, "spent_usd": budget.recorded_usd}
        return json_reply(document)

    def _invite(self, reference: str, request: Request) -> Reply:
        org = self._state.accounts.org(reference)
        email = JsonBody(request.body).required("email")
        if "@" not in email:
            raise Refused(400, "email is not valid")
        user = self._state.accounts.invite(org, email=email, now=time.time())
        document = {"inviteId": user.id, "email": email, "status": "pending"}
        return Reply(202, orjson.dumps(document), delay_s=self._state.config.bootstrap_delay)

    def _get_user(self, reference: str, user_id: str, _: Request) -> Reply:
        accounts = self._state.accounts
        return json_reply(_user_json(accounts.user(accounts.org(reference), user_id)))

    def _find_user(self, reference: str, email: str, _: Request) -> Reply:
        accounts = self._state.accounts
        return json_reply(_user_json(accounts.user_by_name(accounts.org(reference), email)))

    def _patch_user(self, reference: str, user_id: str, request: Request) -> Reply:
        accounts = self._state.accounts
        user = accounts.user(accounts.org(reference), user_id)
        body = JsonBody(request.body)
        match body.text("status"):
            case None:
                pass
            case "active" | "suspended" | "invited" as status:
                user.status = status
            case other:
                raise Refused(400, f"invalid status {other!r}: expected active, suspended or invited")
        user.display_name = body.text("displayName") or user.display_name
        user.metadata = user.metadata | body.mapping("metadata")
        return json_reply(_user_json(user))

    def _delete_user(self, reference: str, user_id: str, _: Request) -> Reply:
        accounts = self._state.accounts
        org = accounts.org(reference)
        accounts.delete_user(org, accounts.user(org, user_id), time.time())
        return Reply(204)

    def _create_service_account(self, reference: str, request: Request) -> Reply:
        accounts = self._state.accounts
        name = JsonBody(request.body).required("name")
        account = accounts.create_service_account(accounts.org(reference), name=name, now=time.time())
        document = {"serviceAccountId": account.id, "orgId": account.org_id, "name": name, "status": account.status}
        return json_reply(document, 201)

    def _create_key(self, reference: str, owner_id: str, request: Request) -> Reply:
        accounts = self._state.accounts
        org = accounts.org(reference)
        owner = accounts.user(org, owner_id)
        days = JsonBody(request.body).number("expiresInDays")
        key, secret = accounts.create_key(org, owner, expires_in_days=days, now=time.time())
        return json_reply(_key_json(key) | {"secret": secret}, 201)

    def _list_keys(self, reference: str, request: Request) -> Reply:
        if not self._state.config.lookups:
            raise Refused(501, "not implemented")
        org = self._state.accounts.org(reference)
        asked = parse_qs(request.query)
        first, most = (_whole(asked.get(name, [""])[-1], default) for name, default in (("offset", 0), ("limit", 100)))
        return json_reply([_key_json(key) for key in list(org.keys.values())[first : first + most]])

    def _revoke_key(self, reference: str, key_id: str, _: Request) -> Reply:
        accounts = self._state.accounts
        accounts.revoke_key(accounts.org(reference), key_id, time.time())
        return Reply(204)


def _no_route(status: int, text: str, request: Request) -> Reply:
    return json_reply({"error": text, "method": request.method, "path": request.path}, status)


def _whole(text: str, default: int) -> int:
    return int(text) if text.isdecimal() else default


def _timestamp(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _org_json(org: Org) -> dict[str, object]:
    return {
        "orgId": org.id,
        "name": org.name,
        "slug": org.slug,
        "status": org.status,
        "createdAt": _timestamp(org.created_at),
        "metadata": org.metadata,
    }


def _user_json(user: User) -> dict[str, object]:
    return {
        "userId": user.id,
        "orgId": user.org_id,
        "email": user.name,
        "displayName": user.display_name,
        "status": user.status,
        "createdAt": _timestamp(user.created_at),
        "metadata": user.metadata,
    }


def _key_json(key: ApiKey) -> dict[str, object]:
    document: dict[str, object] = {
        "apiKeyId": key.id,
        "principalId": key.owner_id,
        "fingerprint": key.fingerprint,
        "status": "active" if key.revoked_at is None else "revoked",
    }
    if key.expires_at is not None:
        document["expiresAt"] = _timestamp(key.expires_at)
    return document
