"""The coordinator's part in the tenants' life: organisations, users' turns to be set up, the ledger, clean-up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from secrets import token_hex
from time import time

from raysim.core.plan.run_plan import RunPlan, TenantPlan, UserPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.sinks.journal import Journal
from raysim.tenancy.admin_calls import TokenSource
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.bootstrap import bootstrap_org, intended_keys, intended_org, intended_user, key_labels
from raysim.tenancy.ledger import CREATED, MARK_KIND, RETAINED, Ledger, Resource, new_mark
from raysim.tenancy.port import TenancyError
from raysim.tenancy.removal import RemovalTerms, remove_owed
from raysim.tenancy.select import bootstrap_call_timeout_s, open_platform

REMOVALS_AT_ONCE = 16
#: so many failures without a success mean that the next user would fail as well
_HOPELESS = 4


@dataclass(frozen=True, slots=True)
class Admission:
    """A user may be set up now, in this organisation, marked as the run's; or it is not worth a try, and why.

    `user_id` is the user's own id when it has been set up before.
    """

    org_id: str
    mark: str = ""
    refusal: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class RemovalProgress:
    """How many resources have met their fate, of how many."""

    done: int
    of: int


class TenantDesk:
    """Holds one run's ledger and lets users be set up in their turn.

    Args:
        plan: what is to happen.
        target: the platform, with its addresses.
        journal: the ledger's file.
        written: what the ledger's file held already, from a coordinator before this one.
        token: lends the administrator's token.
        retain: whether tenants stay when the run is over.
        cleanup_timeout_s: longest clean-up.
    """

    def __init__(
        self,
        plan: RunPlan,
        target: TargetPlan,
        journal: Journal,
        token: TokenSource,
        *,
        retain: bool,
        cleanup_timeout_s: float,
        written: bytes = b"",
    ) -> None:
        self._plan = plan
        self._target = target
        self._journal = journal
        self._token = token
        self._retain = retain
        self._cleanup_timeout_s = cleanup_timeout_s
        self._ledger = Ledger.parse(written)
        self._marked = bool(self._ledger.mark)
        self._ledger.mark = self._ledger.mark or new_mark(plan.run_id, token_hex(4))
        self._users = {user.index: user for user in plan.users}
        self._turns = asyncio.Semaphore(plan.bootstrap.concurrency)
        self._admitted: set[int] = set()
        self._succeeded = 0
        self._failed = 0
        made = self._ledger.ids("org")
        #: platforms without organisations of their own have no ids for them
        self._org_ids = {tenant.index: made.get(tenant.name, "") for tenant in plan.tenants}
        self._to_remove = 0

    @property
    def ledger(self) -> Ledger:
        """What the run created."""
        return self._ledger

    async def prepare(self) -> None:
        """Create the organisations, each on the ledger before it is used. Raises TenancyError."""
        if self._target.platform != "static" and not self._marked:
            self._marked = True
            self._journal.append([{"time": time(), "kind": MARK_KIND, "mark": self._ledger.mark}])
        results = await asyncio.gather(*map(self._prepare, self._plan.tenants), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _prepare(self, tenant: TenantPlan) -> None:
        timeout_s = self._plan.bootstrap.timeout_s
        async with self._turns:
            if self._target.platform != "static":
                self.enter([intended_org(tenant)])
            platform = open_platform(
                self._target,
                self._token,
                mark=self._ledger.mark,
                call_timeout_s=bootstrap_call_timeout_s(timeout_s),
            )
            try:
                attempts = Attempts(asyncio.get_running_loop().time() + timeout_s)
                self._org_ids[tenant.index] = await bootstrap_org(platform, tenant, attempts, self._enter)
            finally:
                platform.close()

    async def admit(self, index: int, life: int = 0, *, keys_in_use: bool = False) -> Admission:
        """Wait for a turn to set up a user; what is about to be made is on the ledger then. `settled` ends the turn.

        In a further `life` the keys of those before are revoked first, unless they are in use until somebody takes
        over: whoever still holds them cannot use them.
        """
        await self._turns.acquire()
        self._admitted.add(index)
        user = self._users[index]
        org_id = self._org_ids[user.tenant]
        if life:
            return await self._admit_again(user, org_id, life, revoke=not keys_in_use)
        if self._hopeless():
            return Admission(org_id, refusal=f"not tried: {self._failed} users before could not be set up")
        if self._target.platform != "static":
            self.enter(intended_user(user, org_id, self._labels(user)))
        return Admission(org_id, self._ledger.mark)

    async def _admit_again(self, user: UserPlan, org_id: str, life: int, *, revoke: bool) -> Admission:
        if self._target.platform == "static":
            return Admission(org_id, self._ledger.mark)
        if revoke:
            await self._revoke_keys(user)
        made = [r.resource_id for r in self._ledger.find("user", user.name) if r.resource_id and r.fate == CREATED]
        labels = self._labels(user, life)
        self.enter(intended_keys(user, org_id, labels) if made else intended_user(user, org_id, labels))
        return Admission(org_id, self._ledger.mark, user_id=made[-1] if made else "")

    async def _revoke_keys(self, user: UserPlan) -> None:
        """A key that cannot be revoked now is still owed, and tried again when the run is over."""
        keys = [key for key in self._ledger.find("key", user.name) if key.resource_id and key.fate == CREATED]
        platform = open_platform(self._target, self._token, mark=self._ledger.mark)
        try:
            for key in keys:
                with contextlib.suppress(TenancyError):
                    fate = await platform.remove("key", key.org_id, key.resource_id)
                    self.enter([self._ledger.settle(key, str(fate), "its user was lost and set up again")])
        finally:
            platform.close()

    def recall(self, succeeded: int, failed: int) -> None:
        """So many users were set up, and so many could not be, before this coordinator was started."""
        self._succeeded, self._failed = succeeded, failed

    def settled(self, index: int, *, succeeded: bool) -> None:
        """A user was set up, or could not be."""
        self._succeeded += succeeded
        self._failed += not succeeded
        self.give_back(index)

    def give_back(self, index: int) -> None:
        """The turn of a user is over, if it had one."""
        if index in self._admitted:
            self._admitted.discard(index)
            self._turns.release()

    def enter(self, resources: Iterable[Resource], *, sync: bool = True) -> None:
        """Write resources to the ledger; returns once they are on disk, or with `sync` off in the system's hands."""
        entries = list(resources)
        for resource in entries:
            self._ledger.enter(resource)
        self._journal.append(({"time": time(), **asdict(entry)} for entry in entries), sync=sync)

    async def clean_up(self) -> dict[str, int]:
        """Remove what the run created, or note that it stays; returns how many resources met which fate."""
        owed = self._ledger.owed()
        self._to_remove = len(owed)
        if self._retain:
            self.enter([self._ledger.settle(resource, RETAINED, resource.detail) for resource in owed])
        elif owed:
            await self._remove()
        return self._ledger.counts()

    async def _remove(self) -> None:
        mark = self._ledger.mark
        removers = [open_platform(self._target, self._token, mark=mark) for _ in range(REMOVALS_AT_ONCE)]

        async def written(resources: list[Resource]) -> None:
            # a line that a crash of the machine loses is written again by the next clean-up
            self.enter(resources, sync=False)

        try:
            await remove_owed(self._ledger, removers, written, RemovalTerms(self._cleanup_timeout_s))
        finally:
            for remover in removers:
                remover.close()

    def removed(self) -> RemovalProgress:
        """How far the clean-up has got."""
        return RemovalProgress(max(0, self._to_remove - len(self._ledger.owed())), self._to_remove)

    async def _enter(self, resource: Resource) -> None:
        self.enter([resource])

    def _labels(self, user: UserPlan, life: int = 0) -> tuple[str, ...]:
        return key_labels(self._plan.run_id, user, self._plan.keys_per_user, life)

    def _hopeless(self) -> bool:
        """Whether it is certain, or as good as certain, that too few users come up."""
        bootstrap, users = self._plan.bootstrap, len(self._users)
        too_many = users - self._failed < bootstrap.min_success * users
        return too_many or (self._succeeded == 0 and self._failed >= max(_HOPELESS, bootstrap.concurrency))
