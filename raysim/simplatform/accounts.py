"""Organisations, users, service accounts and API keys. No I/O; the caller gives the time (Unix seconds).

Of a key only a digest is kept: its text is known once, to whoever made it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterable

Status = Literal["active", "suspended", "invited", "deleted"]
_SECONDS_PER_DAY = 86_400


class Refused(Exception):  # noqa: N818 - an answer of the service, not a fault of the program
    """The service says no: an HTTP status and its text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(slots=True)
class User:
    """A person or a service account of one organisation."""

    id: str
    org_id: str
    name: str
    status: Status
    created_at: float
    service: bool = False
    metadata: dict[str, object] = field(default_factory=dict)
    display_name: str = ""


@dataclass(slots=True)
class ApiKey:
    """A key that was issued. `digest` is all that is known of its text."""

    id: str
    org_id: str
    owner_id: str
    digest: bytes
    created_at: float
    expires_at: float | None
    revoked_at: float | None = None

    @property
    def fingerprint(self) -> str:
        """A short name for the key that says nothing about its text."""
        return self.digest.hex()[:16]


@dataclass(slots=True)
class Org:
    """One tenant."""

    id: str
    slug: str
    name: str
    status: Status
    created_at: float
    metadata: dict[str, object] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose key a request carries, and why it may not be used (empty when it may)."""

    org: Org
    key: ApiKey
    refusal: str


def digest_of(secret: str) -> bytes:
    """What is kept of a key."""
    return blake2b(secret.encode(), digest_size=16).digest()


class Accounts:
    """Everything that the User/Org service knows.

    Args:
        revocation_delay_s: how long a revoked key goes on working at the router.
    """

    def __init__(self, *, revocation_delay_s: float) -> None:
        self._revocation_delay_s = revocation_delay_s
        self._orgs: dict[str, Org] = {}
        self._slugs: dict[str, Org] = {}
        self._keys: dict[bytes, ApiKey] = {}

    def orgs(self) -> Iterable[Org]:
        """Every organisation that was ever made, deleted ones too."""
        return self._orgs.values()

    def find_org(self, reference: str) -> Org | None:
        """The organisation with this id or slug; None when there is none, or it is deleted."""
        org = self._orgs.get(reference) or self._slugs.get(reference)
        return None if org is None or org.status == "deleted" else org

    def org(self, reference: str) -> Org:
        """As `find_org`.

        Raises:
            Refused: 404, no such organisation.
        """
        org = self.find_org(reference)
        if org is None:
            raise Refused(404, "organization not found")
        return org

    def create_org(self, *, name: str, slug: str, metadata: dict[str, object], now: float) -> Org:
        """A new, active organisation.

        Raises:
            Refused: 409, the slug is taken.
        """
        if slug in self._slugs:
            raise Refused(409, "organization slug already exists")
        org = Org(id=str(uuid4()), slug=slug, name=name, status="active", created_at=now, metadata=metadata)
        self._orgs[org.id] = self._slugs[slug] = org
        return org

    def delete_org(self, org: Org, now: float) -> None:
        """Remove an organisation with its users; its keys are revoked."""
        for user in org.users.values():
            user.status = "deleted"
        self._revoke_all(org.keys.values(), now)
        org.status = "deleted"
        self._slugs.pop(org.slug, None)

    def user(self, org: Org, user_id: str) -> User:
        """A user or service account of `org`.

        Raises:
            Refused: 404, no such user.
        """
        user = org.users.get(user_id)
        if user is None or user.status == "deleted":
            raise Refused(404, "user not found")
        return user

    def user_by_name(self, org: Org, name: str) -> User:
        """The user of `org` with this e-mail address.

        Raises:
            Refused: 404, no such user.
        """
        for user in org.users.values():
            if user.name == name and not user.service and user.status != "deleted":
                return user
        raise Refused(404, "user not found")

    def invite(self, org: Org, *, email: str, now: float) -> User:
        """A new user, who is not active yet.

        Raises:
            Refused: 409, the e-mail address is taken in this organisation.
        """
        if self._taken(org, email, service=False):
            raise Refused(409, "user already exists")
        return self._add(org, User(str(uuid4()), org.id, email, "invited", now))

    def create_service_account(self, org: Org, *, name: str, now: float) -> User:
        """A new service account, active at once.

        Raises:
            Refused: 500, the name is taken (the real service does not expect that).
        """
        if self._taken(org, name, service=True):
            raise Refused(500, "failed to create service account")
        return self._add(org, User(str(uuid4()), org.id, name, "active", now, service=True))

    def delete_user(self, org: Org, user: User, now: float) -> None:
        """Remove a user; the keys are revoked."""
        user.status = "deleted"
        self._revoke_all((key for key in org.keys.values() if key.owner_id == user.id), now)

    def create_key(self, org: Org, owner: User, *, expires_in_days: float | None, now: float) -> tuple[ApiKey, str]:
        """A new key, and its text, which is not kept.

        Raises:
            Refused: 400, the owner is not active.
        """
        if owner.status != "active":
            raise Refused(400, "user is not active")
        secret = f"sk-sim-{secrets.token_urlsafe(24)}"
        expires_at = None if expires_in_days is None else now + expires_in_days * _SECONDS_PER_DAY
        key = ApiKey(str(uuid4()), org.id, owner.id, digest_of(secret), now, expires_at)
        org.keys[key.id] = self._keys[key.digest] = key
        return key, secret

    def revoke_key(self, org: Org, key_id: str, now: float) -> None:
        """Revoke a key.

        Raises:
            Refused: 404, no such key; 409, it is revoked already.
        """
        key = org.keys.get(key_id)
        if key is None:
            raise Refused(404, "api key not found")
        if key.revoked_at is not None:
            raise Refused(409, "api key already revoked")
        key.revoked_at = now

    def identify(self, secret: str, now: float) -> Identity | None:
        """Whose key this is, as the router sees it at `now`; None when nobody's."""
        key = self._keys.get(digest_of(secret))
        if key is None:
            return None
        org = self._orgs[key.org_id]
        return Identity(org, key, self._refusal(org, key, now))

    def _refusal(self, org: Org, key: ApiKey, now: float) -> str:
        if key.revoked_at is not None and now >= key.revoked_at + self._revocation_delay_s:
            return "api key revoked"
        if key.expires_at is not None and now >= key.expires_at:
            return "api key expired"
        if org.status == "suspended":
            return "organization suspended"
        if org.users[key.owner_id].status == "suspended":
            return "user suspended"
        return ""

    @staticmethod
    def _taken(org: Org, name: str, *, service: bool) -> bool:
        return any(u.name == name and u.service == service and u.status != "deleted" for u in org.users.values())

    @staticmethod
    def _add(org: Org, user: User) -> User:
        org.users[user.id] = user
        return user

    @staticmethod
    def _revoke_all(keys: Iterable[ApiKey], now: float) -> None:
        for key in keys:
            if key.revoked_at is None:
                key.revoked_at = now
