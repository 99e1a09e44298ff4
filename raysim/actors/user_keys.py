"""The keys that were brought along for a static platform's users, in the coordinator's memory."""

from __future__ import annotations

from collections.abc import Mapping

from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.tenancy.static import StaticKeys


class UserKeys:
    """Reads the keys once, and lends each user its own.

    Args:
        target: the platform; keys are read for a static one only.
        environ: the process's environment.
    """

    def __init__(self, target: TargetPlan, environ: Mapping[str, str]) -> None:
        self._target = target
        self._environ = environ
        self._keys: StaticKeys | None = None

    def of(self, user: int) -> Secret:
        """The key of the user with this index. Raises TenancyError."""
        return self.read().of(user)

    def read(self) -> StaticKeys:
        """All of them. Raises TenancyError."""
        if self._keys is None:
            self._keys = StaticKeys.read(self._target, self._environ)
        return self._keys
