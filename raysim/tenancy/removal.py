"""Removing what a ledger says is owed: some at a time, retried, bounded in time, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from raysim.tenancy.ledger import Ledger, Resource
from raysim.tenancy.port import TenancyError, TenantKeeper

_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.25


async def remove_owed(
    ledger: Ledger,
    keepers: list[TenantKeeper],
    written: Callable[[list[Resource]], Awaitable[None]],
    *,
    timeout_s: float,
) -> None:
    """Remove everything the ledger owes, kind after kind; what cannot be removed is settled as `remaining`.

    Args:
        ledger: is brought up to date.
        keepers: one platform connection for each removal that may go on at once.
        written: is told of every settled entry, so that it is written down.
        timeout_s: seconds for all of it; what is not done by then remains.
    """
    owed = ledger.owed()
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    for kind in ("key", "user", "org"):
        queue = [resource for resource in owed if resource.kind == kind]
        queue.reverse()

        async def work(keeper: TenantKeeper, queue: list[Resource] = queue) -> None:
            while queue:
                resource = queue.pop()
                fate, detail = await _remove(keeper, resource, deadline_s)
                await written([ledger.settle(resource, fate, detail)])

        await asyncio.gather(*(work(keeper) for keeper in keepers))


async def _remove(keeper: TenantKeeper, resource: Resource, deadline_s: float) -> tuple[str, str]:
    loop = asyncio.get_running_loop()
    pause_s = _FIRST_PAUSE_S
    detail = "no time was left"
    for attempt in range(_ATTEMPTS):
        if loop.time() >= deadline_s:
            break
        if attempt:
            await asyncio.sleep(pause_s)
            pause_s *= 2
        try:
            async with asyncio.timeout_at(deadline_s):
                return str(await keeper.remove(resource.kind, resource.org_id, resource.resource_id)), ""
        except TimeoutError:
            detail = "no time was left"
        except TenancyError as error:
            detail = error.message
            if not error.transient:
                break
    return "remaining", detail
