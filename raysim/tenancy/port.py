"""What raysim asks of a platform that has tenants. One implementation a platform, in a module of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from raysim.core.errors import RaysimError
from raysim.core.secret import Secret


class TenancyError(RaysimError):
    """The platform refused or failed a call.

    Args:
        message: which call, and what the platform said.
        transient: whether the same call may succeed when it is tried again.
    """

    def __init__(self, message: str, *, transient: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient


class Fate(StrEnum):
    """What became of something that was to be removed."""

    DELETED = "deleted"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A user's API key: its id, which may be written down, and the key itself, which may not.

    The id is "" when the key was not created for the run, so that it is not the run's to revoke.
    """

    key_id: str
    secret: Secret


class UserBootstrapper(Protocol):
    """What a user actor does for its own user, with the administrator's token it was lent."""

    async def create_user(self, org_id: str, name: str, email: str) -> str:
        """An active user of the organisation; returns its id, "" where nothing was created. Raises TenancyError."""

    async def create_key(self, org_id: str, user_id: str, label: str, days: int | None) -> IssuedKey:
        """A key of the user, valid for `days` or for as long as the platform likes. Raises TenancyError."""

    def close(self) -> None:
        """Close the connection."""


class TenantKeeper(Protocol):
    """What the coordinator does: organisations, their budgets, and the removal of everything."""

    async def create_org(self, name: str, slug: str) -> str:
        """An active organisation; returns its id, "" where nothing was created. Raises TenancyError."""

    async def set_budget(self, org_id: str, limit_usd: float) -> bool:
        """Limit what the organisation may spend, in USD. False where the platform has no such call."""

    async def remove(self, kind: str, org_id: str, item_id: str) -> Fate:
        """Remove a `key`, `user` or `org`, as far as the platform can; done already counts as done."""

    def close(self) -> None:
        """Close the connection."""


class TenantPlatform(UserBootstrapper, TenantKeeper, Protocol):
    """Both sides of one platform."""
