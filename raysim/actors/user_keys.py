"""The keys that were brought along for a static platform's users, in the coordinator's memory."""

from __future__ import annotations

from collections.abc import Mapping

from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.preflight.check import Check
from raysim.preflight.router import check_router
from raysim.tenancy.port import TenancyError
from raysim.tenancy.static import StaticKeys


class UserKeys:
    """Reads the keys once, tries the first, and lends each user its own.

    Args:
        target: the platform; keys are read for a static one only.
        users: how many users there are.
        environ: the process's environment.
    """

    def __init__(self, target: TargetPlan, users: int, environ: Mapping[str, str]) -> None:
        self._target = target
        self._users = users
        self._environ = environ
        self._keys: StaticKeys | None = None

    async def check(self) -> list[Check]:
        """Whether there are keys and the server takes the first; nothing on a platform with keys of its own."""
        if self._target.platform != "static":
            return []
        try:
            keys = self._read()
        except TenancyError as error:
            return [Check("users' keys", "failed", error.message, error.hint or "")]
        return [
            Check("users' keys", "passed", keys.shared_by(self._users)),
            await check_router(self._target, keys.of(0), keys.source),
        ]

    def of(self, user: int) -> Secret:
        """The key of the user with this index. Raises TenancyError."""
        return self._read().of(user)

    def _read(self) -> StaticKeys:
        if self._keys is None:
            self._keys = StaticKeys.read(self._target, self._environ)
        return self._keys
