"""What raysim asks of a platform that has tenants. One implementation a platform, in a module of its own.

Every call that creates something is safe to repeat: what an earlier attempt of the same run made without raysim
hearing of it is found and taken over, what is somebody else's is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from raysim.core.errors import RaysimError
from raysim.core.secret import Secret

ResourceKind = Literal["org", "user", "key"]


class TenancyError(RaysimError):
    """The platform refused or failed a call.

    Args:
        message: which call, and what the platform said.
        transient: whether the same call may succeed when it is tried again.
        in_doubt: whether the call may have had its effect all the same: it was sent, and its answer never came.
        retry_after_s: how long the platform asks to wait, in seconds; None when it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool = False,
        in_doubt: bool = False,
        retry_after_s: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient
        self.in_doubt = in_doubt
        self.retry_after_s = retry_after_s


class Fate(StrEnum):
    """What became of something that was to be removed. `GONE`: it was not there any more."""

    DELETED = "deleted"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Made:
    """Something that exists for the run: its id, "" where nothing was created, and what the ledger should say of it."""

    resource_id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A user's API key: its id, which may be written down, and the key itself, which may not.

    The id is "" when the key was not created for the run, so that it is not the run's to revoke.
    """

    key_id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Tagged:
    """Something that a platform lists with the mark of a run on it. `made_at` is Unix time, 0 when it is not known."""

    kind: ResourceKind
    resource_id: str
    org_id: str
    name: str
    run_id: str
    made_at: float


class OrgMaker(Protocol):
    """What the coordinator does before the run."""

    async def create_org(self, name: str, slug: str, budget_usd: float | None) -> Made:
        """An active organisation, with its budget in USD where the platform lets it be set. Raises TenancyError."""

    def close(self) -> None:
        """Close the connection."""


class UserBootstrapper(Protocol):
    """What a user actor does for its own user, with the administrator's token it was lent."""

    async def create_user(self, org_id: str, name: str, email: str) -> Made:
        """An active user of the organisation. Raises TenancyError."""

    async def create_key(self, org_id: str, user_id: str, label: str, days: int | None) -> IssuedKey:
        """A key of the user, valid for `days` or for as long as the platform likes. Raises TenancyError."""

    async def discard_keys(self, org_id: str, user_id: str, keep: Collection[str]) -> bool:
        """Revoke the user's keys other than `keep`: made by calls whose answers never came, so that nobody has them.

        False where the platform cannot say which keys a user has. Raises TenancyError.
        """

    def close(self) -> None:
        """Close the connection."""


class Remover(Protocol):
    """What clean-up does, in the run or long after it."""

    async def find(self, kind: ResourceKind, org_id: str, label: str) -> str | None:
        """The id of what the run made under `label`: "" when there is none, None where that cannot be asked.

        `label` is an organisation's slug, a user's e-mail address, a key's label. Raises TenancyError.
        """

    async def remove(self, kind: ResourceKind, org_id: str, item_id: str) -> Fate:
        """Remove it, as far as the platform can; done already counts as done. Raises TenancyError."""

    async def is_usable(self, kind: ResourceKind, org_id: str, item_id: str) -> bool | None:
        """Whether it can still be used, asked of the platform; None where that cannot be asked. Raises TenancyError."""

    def close(self) -> None:
        """Close the connection."""


class Lister(Protocol):
    """A platform that can be asked what runs have left on it."""

    async def tagged(self) -> list[Tagged]:
        """Everything that carries a run's mark; nothing where the platform has no lists. Raises TenancyError."""


class TenantPlatform(OrgMaker, UserBootstrapper, Remover, Lister, Protocol):
    """All sides of one platform."""
