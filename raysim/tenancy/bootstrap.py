"""Setting up one user on the platform: the user, then its key, each written down before it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from raysim.core.plan.run_plan import UserPlan
from raysim.core.secret import Secret
from raysim.tenancy.ledger import Resource
from raysim.tenancy.port import TenancyError, UserBootstrapper

_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.25

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class MadeUser:
    """A user that was set up: its id on the platform, empty where it has none there, and its key."""

    user_id: str
    key: Secret


async def bootstrap_user(
    platform: UserBootstrapper,
    org_id: str,
    user: UserPlan,
    *,
    run_id: str,
    key_days: int | None,
    enter: Callable[[Resource], Awaitable[None]],
) -> MadeUser:
    """Create `user` and a key for it.

    `enter` writes a resource to the ledger and returns once it is safe there; what was there before the run (and has
    no id for that) is not entered, so that no clean-up touches it.

    Raises:
        TenancyError: the platform refused, or kept failing.
    """
    user_id = await _persist(lambda: platform.create_user(org_id, user.name, user.email))
    if user_id:
        await enter(Resource("user", user_id, org_id, user.name))
    key = await _persist(lambda: platform.create_key(org_id, user_id, f"raysim {run_id}", key_days))
    if key.key_id:
        await enter(Resource("key", key.key_id, org_id, user.name))
    return MadeUser(user_id, key.secret)


async def _persist(call: Callable[[], Awaitable[_Result]]) -> _Result:
    pause_s = _FIRST_PAUSE_S
    for _ in range(_ATTEMPTS - 1):
        try:
            return await call()
        except TenancyError as error:
            if not error.transient:
                raise
        await asyncio.sleep(pause_s)
        pause_s *= 2
    return await call()
