"""Any OpenAI-compatible server: keys are brought along, organisations and users exist in raysim's books alone."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping

from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.tenancy.credentials import secret_from_environment, secret_from_file
from raysim.tenancy.port import Fate, IssuedKey, Made, ResourceKind, Tagged, TenancyError

#: what can stand in a request's header
_KEY = re.compile(r"[\x21-\x7e]+")

KeySource = Callable[[], Awaitable[Secret]]


class StaticKeys:
    """The keys that users share.

    Args:
        keys: in the order of their lines; may be none at all.
        source: where they come from, for messages.
    """

    def __init__(self, keys: tuple[Secret, ...], source: str) -> None:
        self._keys = keys
        self.source = source

    @classmethod
    def read(cls, target: TargetPlan, environ: Mapping[str, str]) -> StaticKeys:
        """The keys that `target` refers to: one a line; empty lines and lines that begin with `#` are none.

        Raises:
            TenancyError: the reference leads nowhere, or to what cannot be a key.
        """
        if target.key_file:
            source = f"spec.targets.apiKeys.file: {target.key_file}"
            text = secret_from_file(target.key_file, "spec.targets.apiKeys.file")
        elif target.key_env:
            source = f"spec.targets.apiKeys.env: the environment variable {target.key_env}"
            text = secret_from_environment(environ, target.key_env, "spec.targets.apiKeys.env")
        else:
            return cls((), "no spec.targets.apiKeys is given")
        keys = []
        for number, line in enumerate(text.reveal().splitlines(), 1):
            key = line.strip()
            if not key or key.startswith("#"):
                continue
            if not _KEY.fullmatch(key):
                raise TenancyError(f"{source} holds no key on line {number}: keys are ASCII without spaces")
            keys.append(Secret(key))
        if not keys:
            raise TenancyError(f"{source} holds no key")
        return cls(tuple(keys), source)

    def of(self, user: int) -> Secret:
        """The key of the user with this index: the n-th user's is the n-th; an empty one where there are none."""
        return self._keys[user % len(self._keys)] if self._keys else Secret("")

    def shared_by(self, users: int) -> str:
        """How `users` users share them, in words."""
        count = len(self._keys)
        if count == 0:
            return f"{users} users without a key"
        if count >= users:
            spare = f", {count - users} to spare" if count > users else ""
            return f"a key for each of {users} users{spare}"
        return f"{users} users share {count} key{'s' if count > 1 else ''} in turn"


class StaticPlatform:
    """A platform on which nothing is created and nothing removed.

    Args:
        key: gives the key of the user that is being set up.
    """

    def __init__(self, key: KeySource) -> None:
        self._key = key

    async def create_org(self, name: str, slug: str, budget_usd: float | None) -> Made:  # noqa: ARG002 - the port's signature
        """Nothing; an organisation is a name here."""
        return Made("")

    async def create_user(self, org_id: str, name: str, email: str) -> Made:  # noqa: ARG002 - the port's signature
        """Nothing; a user is a name here."""
        return Made("")

    async def create_key(self, org_id: str, user_id: str, label: str, days: int | None) -> IssuedKey:  # noqa: ARG002 - the port's signature
        """The key that was brought along for the user."""
        return IssuedKey("", await self._key())

    async def discard_keys(self, org_id: str, user_id: str, keep: Collection[str]) -> bool:  # noqa: ARG002 - the port's signature
        """Nothing: none was made."""
        return True

    async def find(self, kind: ResourceKind, org_id: str, label: str) -> str | None:  # noqa: ARG002 - the port's signature
        """Nothing is there."""
        return ""

    async def remove(self, kind: ResourceKind, org_id: str, item_id: str) -> Fate:
        """Refused: nothing there is the run's own. Raises TenancyError."""
        del org_id
        raise TenancyError(f"{kind} {item_id} was not created by a run on a static platform")

    async def is_usable(self, kind: ResourceKind, org_id: str, item_id: str) -> bool | None:  # noqa: ARG002 - the port's signature
        """Cannot be asked."""
        return None

    async def tagged(self) -> list[Tagged]:
        """Nothing: nobody is there to mark it."""
        return []

    def close(self) -> None:
        """Nothing is open."""
