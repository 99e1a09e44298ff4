"""What the coordinator lends: the administrator's token, and the keys that were brought along. Memory only."""

from __future__ import annotations

from collections.abc import Mapping

from raysim.actors.named import PLATFORM_NAME, actor_named
from raysim.actors.user_keys import UserKeys
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.preflight.credentials import Lenders
from raysim.tenancy.credentials import AdminCredential
from raysim.tenancy.port import TenancyError
from raysim.tenancy.select import control_client


class Lending:
    """Finds credentials where the coordinator runs.

    Args:
        run_id: the run, whose embedded platform may be asked.
        target: the platform.
        environ: the process's environment.
    """

    def __init__(self, run_id: str, target: TargetPlan, environ: Mapping[str, str]) -> None:
        self._run_id = run_id
        self._embedded = target.platform == "embedded"
        login = control_client(target) if target.auth.email and not self._embedded else None
        self._credential = AdminCredential(target.auth, environ, login)
        self._keys = UserKeys(target, environ)

    async def admin_token(self, refused: bool) -> Secret:  # noqa: FBT001 - tenancy.admin_calls.TokenSource
        """The administrator's token, a fresh one when the last was `refused`. Raises TenancyError."""
        if self._embedded:
            platform = actor_named(PLATFORM_NAME, self._run_id)
            if platform is None:
                raise TenancyError("the simulated platform has ended, and with it all that was on it")
            token: Secret = await platform.admin_token.remote()
            return token
        return await self._credential.token(refused)

    def user_key(self, user: int) -> Secret:
        """The key that was brought along for a user of a static platform. Raises TenancyError."""
        return self._keys.of(user)

    @property
    def lenders(self) -> Lenders:
        """The same for preflight."""
        return Lenders(self.admin_token, self._keys.read)
