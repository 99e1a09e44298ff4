"""Setting up tenants and users on the platform, each written down before it is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from raysim.core.plan.run_plan import TenantPlan, UserPlan
from raysim.core.secret import Secret
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.ledger import CREATED, GONE, INTENDED, Resource
from raysim.tenancy.port import OrgMaker, TenancyError, UserBootstrapper

Enter = Callable[[Resource], Awaitable[None]]

_LOST_KEY = "a key may have been made whose answer never came: nobody has it"


@dataclass(frozen=True, slots=True)
class MadeUser:
    """A user that was set up: its id on the platform, empty where it has none there, and its keys."""

    user_id: str
    keys: tuple[Secret, ...]


def key_labels(run_id: str, user: UserPlan, count: int, life: int = 0) -> tuple[str, ...]:
    """What the platform is told to call a user's keys; distinct on the whole platform, and in each of its lives."""
    first = f"raysim {run_id} {user.name}" + (f" life {life + 1}" if life else "")
    return (first, *(f"{first} {number}" for number in range(2, count + 1)))


def intended_org(tenant: TenantPlan) -> Resource:
    """The ledger's line of an organisation that is about to be made."""
    return Resource("org", "", "", tenant.name, tenant.slug, INTENDED)


def intended_user(user: UserPlan, org_id: str, labels: tuple[str, ...]) -> list[Resource]:
    """The ledger's lines of a user and its keys that are about to be made."""
    return [Resource("user", "", org_id, user.name, user.email, INTENDED), *intended_keys(user, org_id, labels)]


def intended_keys(user: UserPlan, org_id: str, labels: tuple[str, ...]) -> list[Resource]:
    """The ledger's lines of a user's keys that are about to be made."""
    return [Resource("key", "", org_id, user.name, label, INTENDED) for label in labels]


async def bootstrap_org(platform: OrgMaker, tenant: TenantPlan, attempts: Attempts, enter: Enter) -> str:
    """Create an organisation; its id, "" where the platform has none of its own.

    Raises:
        TenancyError: the platform refused, or kept failing.
    """
    made = await attempts.at(lambda: platform.create_org(tenant.name, tenant.slug, tenant.budget_usd))
    if made.resource_id:
        await enter(Resource("org", made.resource_id, made.resource_id, tenant.name, tenant.slug, CREATED, made.note))
    return made.resource_id


async def bootstrap_user(
    platform: UserBootstrapper,
    org_id: str,
    user: UserPlan,
    *,
    labels: tuple[str, ...],
    key_days: int | None,
    enter: Enter,
    attempts: Attempts,
    user_id: str = "",
) -> MadeUser:
    """Create `user` and its keys.

    `enter` writes a resource to the ledger and returns once it is safe there; what was there before the run (and has
    no id for that) is not entered, so that no clean-up touches it.

    Args:
        platform: with the administrator's token.
        org_id: the user's organisation.
        user: whom to create.
        labels: one for each key.
        key_days: how long keys are valid; None for as long as the platform likes.
        enter: as above.
        attempts: the time there is.
        user_id: the user's id when it exists already, from an earlier life: then only keys are made.

    Raises:
        TenancyError: the platform refused, or kept failing.
    """
    if not user_id:
        made = await attempts.at(lambda: platform.create_user(org_id, user.name, user.email))
        user_id = made.resource_id
        if user_id:
            await enter(Resource("user", user_id, org_id, user.name, user.email, CREATED, made.note))
    keys: list[Secret] = []
    ids: list[str] = []
    attempts.in_doubt = False
    for label in labels:
        key = await attempts.at(partial(platform.create_key, org_id, user_id, label, key_days))
        if key.key_id:
            await enter(Resource("key", key.key_id, org_id, user.name, label))
            ids.append(key.key_id)
        keys.append(key.secret)
    if attempts.in_doubt and ids:
        await _discard(platform, org_id, user_id, user, ids, enter)
    return MadeUser(user_id, tuple(keys))


async def _discard(
    platform: UserBootstrapper, org_id: str, user_id: str, user: UserPlan, ids: list[str], enter: Enter
) -> None:
    """Revoke what a lost answer may have left; the user is set up, whether that succeeds or not."""
    try:
        discarded = await platform.discard_keys(org_id, user_id, ids)
    except TenancyError:
        discarded = False
    if not discarded:
        await enter(Resource("key", "", org_id, user.name, f"lost key of {user.email}", GONE, _LOST_KEY))
