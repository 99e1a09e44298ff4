"""Removing what a ledger says is owed: some at a time, retried, verified, bounded in time, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from random import random

from raysim.tenancy.attempts import Attempts
from raysim.tenancy.ledger import CREATED, GONE, INTENDED, REMAINING, Ledger, Resource
from raysim.tenancy.port import Fate, Remover, TenancyError

_ATTEMPTS = 4
_NEVER_MADE = "was never made"
_UNKNOWN = "the platform cannot be asked whether it exists"
_UNVERIFIED = "the platform cannot be asked whether it is so"

Written = Callable[[list[Resource]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RemovalTerms:
    """How a clean-up goes about it.

    Args:
        timeout_s: seconds for all of it; what is not done by then remains.
        retained: whether what was left on purpose goes too.
        chance: uniform on [0, 1), for the jitter between attempts.
    """

    timeout_s: float
    retained: bool = False
    chance: Callable[[], float] = random


async def remove_owed(ledger: Ledger, removers: Sequence[Remover], written: Written, terms: RemovalTerms) -> None:
    """Remove everything the ledger owes, kind after kind; what cannot be removed is settled as `remaining`.

    What was intended and has no id is looked for first. Each removal is verified by asking the platform.

    Args:
        ledger: is brought up to date.
        removers: one platform connection for each removal that may go on at once.
        written: is told of every settled entry, so that it is written down.
        terms: how long, and what of it.
    """
    deadline_s = asyncio.get_running_loop().time() + terms.timeout_s
    removal = _Removal(ledger, removers, written, deadline_s, terms.chance)
    await removal.look_for("org", ledger.owed(retained=terms.retained))
    await removal.look_for("user", ledger.owed(retained=terms.retained))
    for kind in ("key", "user", "org"):
        if kind == "user":
            # a call that was under way when its maker was killed may have made one only now
            await removal.look_for("user", ledger.owed(retained=terms.retained))
        owed = ledger.owed(retained=terms.retained)
        await removal.remove(resource for resource in owed if resource.kind == kind and resource.resource_id)
    await removal.close_intentions(ledger.owed(retained=terms.retained))


class _Removal:
    def __init__(
        self,
        ledger: Ledger,
        removers: Sequence[Remover],
        written: Written,
        deadline_s: float,
        chance: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._removers = removers
        self._written = written
        self._deadline_s = deadline_s
        self._chance = chance

    async def look_for(self, kind: str, owed: Iterable[Resource]) -> None:
        """Find out the ids of what was intended, where the platform can say."""
        await self._share(self._look, [r for r in owed if r.kind == kind and not r.resource_id])

    async def remove(self, owed: Iterable[Resource]) -> None:
        await self._share(self._remove, list(owed))

    async def close_intentions(self, owed: Iterable[Resource]) -> None:
        """What could not be looked for is gone with what it belonged to, once that is removed."""
        open_ones = [resource for resource in owed if not resource.resource_id]
        for resource in sorted(open_ones, key=lambda resource: resource.kind == "key"):
            if resource.kind == "org":
                fate, detail = REMAINING, resource.detail or _UNKNOWN
            else:
                fate, detail = self._closed(resource)
            await self._settle(resource, fate, detail)

    def _closed(self, resource: Resource) -> tuple[str, str]:
        if resource.kind == "key":
            owners = self._ledger.find("user", resource.name)
        else:
            owners = self._ledger.org(resource.org_id)
        held = next((owner for owner in owners if owner.fate in (CREATED, INTENDED, REMAINING)), None)
        if held is not None:
            return REMAINING, resource.detail or f"it may exist, and its {held.kind} remains"
        what = "user" if resource.kind == "key" else "organisation"
        return GONE, f"never made, or ended with its {what}"

    async def _share(self, work: Callable[[Remover, Resource], Awaitable[None]], resources: list[Resource]) -> None:
        queue = list(reversed(resources))

        async def labour(remover: Remover) -> None:
            while queue:
                await work(remover, queue.pop())

        await asyncio.gather(*(labour(remover) for remover in self._removers[: len(queue)]))

    def _attempts(self) -> Attempts:
        return Attempts(self._deadline_s, most=_ATTEMPTS, chance=self._chance)

    async def _look(self, remover: Remover, resource: Resource) -> None:
        try:
            found = await self._attempts().at(lambda: remover.find(resource.kind, resource.org_id, resource.label))
        except TenancyError as error:
            await self._settle(resource, REMAINING, error.message)
            return
        if found:
            org_id = found if resource.kind == "org" else resource.org_id
            self._ledger.enter(replace(resource, resource_id=found, org_id=org_id, fate=CREATED))
        elif found is not None:
            await self._settle(resource, GONE, _NEVER_MADE)

    async def _remove(self, remover: Remover, resource: Resource) -> None:
        kind, org_id, item_id = resource.kind, resource.org_id, resource.resource_id

        async def removed() -> tuple[Fate, bool | None]:
            fate = await remover.remove(kind, org_id, item_id)
            usable = False if fate is Fate.GONE else await remover.is_usable(kind, org_id, item_id)
            if usable:
                raise TenancyError(f"{kind} {item_id} is still active although it was {fate}", transient=True)
            return fate, usable

        try:
            fate, usable = await self._attempts().at(removed)
        except TenancyError as error:
            await self._settle(resource, REMAINING, error.message)
        else:
            await self._settle(resource, fate, _UNVERIFIED if usable is None else "")

    async def _settle(self, resource: Resource, fate: str, detail: str) -> None:
        await self._written([self._ledger.settle(resource, str(fate), detail)])
