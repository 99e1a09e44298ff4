"""Are the credentials there, and does the platform take them? They are lent by whoever may read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.preflight.check import Check
from raysim.preflight.page import Page, Request

_SUCCESS = range(200, 300)
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class KeyRing(Protocol):
    """The keys that were brought along for the users of a static platform."""

    @property
    def source(self) -> str:
        """Where they come from, for messages."""

    def of(self, user: int) -> Secret:
        """The key of the user with this index; an empty one where there are none."""

    def shared_by(self, users: int) -> str:
        """How `users` users share them, in words."""


@dataclass(frozen=True, slots=True)
class Lenders:
    """Who lends credentials, in the one process that may read them. Both raise RaysimError.

    `admin_token` is called with True when the last token was refused; `keys` reads users' keys of a static platform.
    """

    admin_token: Callable[[bool], Awaitable[Secret]]
    keys: Callable[[], KeyRing]


def admin_request(target: TargetPlan, token: Secret) -> Request:
    """A call that shows nothing and changes nothing, and that only an administrator may make."""
    if target.platform == "litellm":
        return Request(target.org_url or target.router_url, "/user/list?page=1&page_size=1", secret=token)
    return Request(target.org_url, "/v1/orgs", secret=token)


def judge_admin(target: TargetPlan, page: Page) -> Check:
    """Whether the platform takes the administrator's token. What it says is not quoted: it may quote the token."""
    name, source = "administrator", token_source(target)
    if not page.reached:
        return Check(name, "failed", page.failure, page.advice)
    found = f"{page.request.url} answered {page.status}"
    if page.status in _SUCCESS:
        if page.answer.json() is None:
            return Check(name, "failed", f"{found}, but not with JSON", "is this the address of the service?")
        return Check(name, "passed", f"{source} is taken")
    if page.status == _UNAUTHORIZED:
        return Check(name, "failed", f"{found}: the token is not taken", f"renew what {source} holds")
    if page.status == _FORBIDDEN:
        return Check(name, "failed", f"{found}: the token's owner is no administrator", f"correct what {source} holds")
    return Check(name, "passed", found, "so it could not be told whether the token is taken; bootstrap will show it")


def token_source(target: TargetPlan) -> str:
    """Which reference of the scenario leads to the administrator's token."""
    auth = target.auth
    if target.platform == "embedded":
        return "the embedded platform's own token"
    if auth.email:
        return f"the login of {auth.email} (spec.targets.auth.login)"
    if auth.token_file:
        return f"the file {auth.token_file} (spec.targets.auth.tokenFile)"
    return f"the variable {auth.token_env} (spec.targets.auth.tokenEnv)"


def judge_keys(keys: KeyRing, users: int) -> Check:
    """How many keys were brought along."""
    found = keys.shared_by(users)
    shared = keys.of(0) != Secret("") and len({keys.of(user) for user in range(users)}) < users
    advice = "limits that a server keeps for each key then hold for several users together" if shared else ""
    return Check("users' keys", "passed", found, advice)


def judge_key(page: Page, keys: KeyRing) -> Check:
    """Whether the server takes the first key, by what it answers to a list of models."""
    name, given = "first key", page.request.secret != Secret("")
    if not page.reached:
        return Check(name, "failed", page.failure, page.advice)
    found = f"{page.request.url} answered {page.status}"
    if page.status in (_UNAUTHORIZED, _FORBIDDEN):
        if given:
            return Check(name, "failed", f"{found}: the key is not taken", f"correct the key: {keys.source}")
        return Check(name, "failed", f"{found} to a request without a key", "name a key with spec.targets.apiKeys")
    if page.status in _SUCCESS:
        return Check(name, "passed", "taken, or not asked for" if given else "none is asked for")
    return Check(name, "skipped", f"{found}: that says nothing of keys")
