"""The actor that plays the users of one pack: sets them up, runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from raysim.actors.patience import patiently
from raysim.core.control.messages import Orders, PackStatus
from raysim.core.plan.run_plan import PackBrief, UserPlan
from raysim.core.secret import Secret
from raysim.tenancy.attempts import Attempts
from raysim.tenancy.bootstrap import bootstrap_user, key_labels
from raysim.tenancy.ledger import Resource
from raysim.tenancy.port import TenancyError
from raysim.tenancy.select import bootstrap_call_timeout_s, open_platform
from raysim.users.identity import Identity
from raysim.users.pack import Pack, PackEnd
from raysim.wire.tokenizer import TokenCounter, TokenizerError, open_tokenizer

if TYPE_CHECKING:
    from raysim.actors.tenant_desk import Admission


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """How setting up one user went. `error` is empty for success; `seconds` counts from its admission.

    `life` is 0 the first time, and grows each time the user was lost; `node` is the host name of the user's node.
    """

    user: int
    seconds: float
    error: str
    life: int = 0
    node: str = ""


class _Coordinator:
    """The coordinator as a pack sees it, over Ray."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def report(self, status: PackStatus) -> Orders:
        orders: Orders = await self._handle.report.remote(status)
        return orders

    async def admin_token(self, refused: bool) -> Secret:  # noqa: FBT001 - users.ports.CoordinatorPort
        token: Secret = await patiently(lambda: self._handle.admin_token.remote(refused))
        return token


class _Records:
    """A metrics actor as a pack sees it, over Ray."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def ingest(self, source: str, sequence: int, oldest: int, batch: bytes, log_lines: bytes) -> int:
        stored: int = await self._handle.ingest.remote(source, sequence, oldest, batch, log_lines)
        return stored

    async def store(self, source: str) -> int:
        stored: int = await self._handle.store.remote(source)
        return stored


class UserActor:
    """One simulated user, or a pack of them, in a process of their own.

    Args:
        brief: what is to be done; holds no secret.
        coordinator: handle of the run's coordinator.
        metrics: handle of the metrics actor that takes this pack's records.
        debug: whether every request is logged.
    """

    def __init__(self, brief: PackBrief, coordinator: Any, metrics: Any, *, debug: bool) -> None:
        self._brief = brief
        self._coordinator = coordinator
        self._metrics = metrics
        self._debug = debug
        self._identities: list[Identity] = []
        self._counter: TokenCounter | None = None

    async def node_id(self) -> str:
        """Which of the cluster's nodes it is on."""
        import ray  # noqa: PLC0415 - whoever holds this actor's handle imports this module, but not all of Ray

        found: str = ray.get_runtime_context().get_node_id()
        return found

    async def bootstrap(self) -> list[Bootstrapped]:
        """Create this pack's users and their keys; returns how each went."""
        users = self._brief.pack.users
        try:
            self._counter = open_tokenizer(self._brief.target.tokenizer)
        except TokenizerError as error:
            # nothing is created for users who could not count
            return [Bootstrapped(user.index, 0.0, f"on {node_name()}: {error.message}") for user in users]
        results = await asyncio.gather(*(self._bootstrap(user) for user in users))
        ready = [identity.plan.index for identity in self._identities]
        brief = self._brief
        await patiently(lambda: self._coordinator.pack_ready.remote(brief.pack.index, ready, brief.incarnation))
        return list(results)

    async def _bootstrap(self, user: UserPlan) -> Bootstrapped:
        admission: Admission = await patiently(
            lambda: self._coordinator.admit.remote(user.index, self._brief.incarnation)
        )
        started_s = monotonic()
        error = admission.refusal
        if not error:
            try:
                self._identities.append(await self._set_up(user, admission))
            except TenancyError as failure:
                error = failure.message
        result = Bootstrapped(user.index, monotonic() - started_s, error, self._brief.incarnation, node_name())
        await patiently(lambda: self._coordinator.bootstrapped.remote(result))
        return result

    async def _set_up(self, user: UserPlan, admission: Admission) -> Identity:
        """The user on the platform, with its keys. Raises TenancyError."""
        brief, org_id = self._brief, admission.org_id
        timeout_s = brief.bootstrap.timeout_s
        platform = open_platform(
            brief.target,
            self._lend_token,
            partial(self._lend_key, user.index),
            mark=admission.mark,
            call_timeout_s=bootstrap_call_timeout_s(timeout_s),
        )
        try:
            made = await bootstrap_user(
                platform,
                org_id,
                user,
                labels=key_labels(brief.run_id, user, brief.keys_per_user, brief.incarnation),
                key_days=brief.key_days,
                enter=self._enter,
                attempts=Attempts(asyncio.get_running_loop().time() + timeout_s),
                user_id=admission.user_id,
            )
        finally:
            platform.close()
        return Identity(user, made.keys[0], org_id, made.user_id, made.keys[1:])

    async def _lend_token(self, refused: bool) -> Secret:  # noqa: FBT001 - tenancy.admin_calls.TokenSource
        token: Secret = await patiently(lambda: self._coordinator.admin_token.remote(refused))
        return token

    async def _lend_key(self, user: int) -> Secret:
        key: Secret = await patiently(lambda: self._coordinator.user_key.remote(user))
        return key

    async def _enter(self, resource: Resource) -> None:
        await patiently(lambda: self._coordinator.enter.remote([resource]))

    async def run(self, accepted: tuple[tuple[int, int], ...] = ()) -> PackEnd:
        """Play the users that were set up until the run stops; `accepted` is what former lives count, see PackBrief."""
        pack = Pack(
            replace(self._brief, accepted=accepted),
            self._ready(),
            _Coordinator(self._coordinator),
            _Records(self._metrics),
            node=node_name(),
            debug=self._debug,
            counter=self._counter,
        )
        return await pack.run()

    def _ready(self) -> Sequence[Identity]:
        return sorted(self._identities, key=lambda identity: identity.plan.index)


def node_name() -> str:
    """The host name of this process's node; on Kubernetes that of its pod."""
    import socket  # noqa: PLC0415 - one call in an actor's life

    return socket.gethostname()
