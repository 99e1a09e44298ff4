"""The actor that decides: tenants, admission, phases, limits, clean-up.

It outlives its driver long enough to clean up, and its own process: Ray starts another one, which goes on from what
`Checkpoints` holds. Longer than other modules: a method for each thing that others ask of it, and no decisions.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, time

import ray

from raysim.actors.bootstraps import Bootstraps
from raysim.actors.checkpoints import Checkpoints, Memory, Recalled
from raysim.actors.custody import Custody
from raysim.actors.event_log import EventLog
from raysim.actors.keeping import Keeping
from raysim.actors.lending import Lending
from raysim.actors.named import actor_named, metrics_name
from raysim.actors.readings_feed import ReadingsFeed
from raysim.actors.run_record import RunRecord, record_of
from raysim.actors.tenant_desk import Admission, RemovalProgress, TenantDesk
from raysim.actors.user import Bootstrapped, node_name
from raysim.core.control.messages import Event, Orders, PackStatus
from raysim.core.control.progress import RunProgress, Standing, progress_of
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from raysim.core.control.terms import Amendment, Ruling
from raysim.core.metrics.readings import RunReadings
from raysim.core.metrics.survey import take_readings
from raysim.core.plan.run_plan import RunPlan
from raysim.core.plan.target_plan import TargetPlan
from raysim.core.secret import Secret
from raysim.preflight.check import Check
from raysim.preflight.platform import check_platform
from raysim.report.run_dir import RunDir
from raysim.sinks.journal import Journal
from raysim.tenancy.ledger import Resource

_TICK_S = 0.25


class Coordinator:
    """One run's coordinator.

    Args:
        plan: what is to happen.
        target: the platform, with its addresses.
        directory: the run's directory, on this actor's node.
        shards: how many metrics actors there are.
        retain: whether tenants stay when the run is over.
        cleanup_timeout_s: longest clean-up.
    """

    def __init__(
        self,
        plan: RunPlan,
        target: TargetPlan,
        directory: str,
        *,
        shards: int,
        retain: bool,
        cleanup_timeout_s: float,
    ) -> None:
        self._target = target
        paths = RunDir(Path(directory))
        # from here on no other process writes what this one does
        self._custody = Custody(paths.root)
        self._lending = Lending(plan.run_id, target, os.environ)
        self._checkpoints = Checkpoints(paths.state)
        recalled = self._checkpoints.recall()
        self._desk = TenantDesk(
            plan,
            target,
            Journal(paths.resources),
            self._lending.admin_token,
            retain=retain,
            cleanup_timeout_s=cleanup_timeout_s,
            written=paths.resources.read_bytes() if paths.resources.exists() else b"",
        )
        self._control = _control_of(plan, recalled)
        self._events = EventLog(paths.events, self._control.situation)
        self._keeping = Keeping(self._checkpoints, self._events, self._control, self._memory)
        self._bootstraps = Bootstraps(recalled.bootstraps if recalled is not None else ())
        metrics = [actor_named(metrics_name(shard), plan.run_id) for shard in range(shards)]
        self._feed = ReadingsFeed([actor for actor in metrics if actor is not None], self._readings)
        self._feeding: asyncio.Task[None] | None = None
        self._background: asyncio.Task[None] | None = None
        self._driver_seen_s = monotonic()
        self._directory = directory
        self._node = node_name()
        self._stop_asked = 0
        self._cleaning = False
        self._cleaned = False
        if recalled is not None:
            self._resume(recalled.memory)

    def _resume(self, memory: Memory) -> None:
        """Go on where the process before this one was killed."""
        failed = self._bootstraps.failed
        self._desk.recall(len(self._bootstraps.first) - failed, failed)
        self._stop_asked, self._cleaned = memory.stop_asked, memory.cleaned
        if self._cleaned:
            self._custody.release()
        self._keeping.take_events()
        # nobody may be left to call it, and Ray drops a call that it made to itself while it is being started again
        self._wake()

    @property
    def _plan(self) -> RunPlan:
        """The run's plan, with the terms that are in force."""
        return self._control.situation.plan

    def _wake(self) -> None:
        """Keep time from now on; also an actor's constructor runs on its event loop."""
        if self._background is None:
            self._background = asyncio.create_task(self._keep_time())
            self._feeding = asyncio.create_task(self._feed.send_regularly())

    # ── before the run ──

    async def check_platform(self, probe: bool) -> list[Check]:  # noqa: FBT001 - an actor's only argument
        """Ask the platform everything that needs credentials or does not, before anything is created."""
        return await check_platform(self._plan, self._target, self._lending.lenders, probe=probe)

    async def prepare(self) -> None:
        """Create the organisations, each on the ledger before it is used. Raises TenancyError."""
        self._keeping.keep()
        self._wake()
        self._events.write(Event("preparing", {"run_id": self._plan.run_id, "tenants": len(self._plan.tenants)}))
        await self._desk.prepare()

    async def admin_token(self, refused: bool) -> Secret:  # noqa: FBT001 - tenancy.admin_calls.TokenSource
        """Lend the administrator's token; it never leaves memory. Raises TenancyError."""
        return await self._lending.admin_token(refused)

    async def user_key(self, user: int) -> Secret:
        """Lend the key that was brought along for a user of a static platform. Raises TenancyError."""
        return self._lending.user_key(user)

    async def admit(self, user: int, life: int = 0) -> Admission:
        """Wait for a turn to be set up; `bootstrapped` gives the turn back."""
        return await self._desk.admit(user, life, keys_in_use=self._control.lives.is_moving(user))

    async def bootstrapped(self, result: Bootstrapped) -> None:
        """A user was set up, or could not be."""
        if self._bootstraps.add(result):
            self._checkpoints.add(bootstraps=[result])
            self._desk.settled(result.user, succeeded=not result.error)
        else:
            self._desk.give_back(result.user)
        if result.error:
            self._events.write(Event("bootstrap_failed", {"user": result.user, "error": result.error}))

    async def enter(self, resources: list[Resource]) -> None:
        """Write resources to the ledger; returns once they are on disk."""
        self._desk.enter(resources)

    async def pack_ready(self, pack: int, users: Sequence[int], life: int) -> None:
        """A pack is set up and about to report."""
        self._control.lives.pack_ready(pack, users, monotonic(), life)
        await self._keeping.settle()

    # ── the run ──

    async def begin(self) -> None:
        """Start the run's clock."""
        self._control.begin(monotonic())
        await self._keeping.settle()

    async def report(self, status: PackStatus) -> Orders:
        """A pack's report; the answer is what it is to do."""
        orders = self._control.report(status, monotonic())
        self._keeping.take_grants()
        await self._keeping.settle()
        return orders

    async def pack_lost(self, pack: int, users: Sequence[int], why: str, certain: bool) -> int:  # noqa: FBT001 - an actor's argument
        """The driver has lost a pack; returns the life in which it is to place it again, 0 for not at all.

        `certain` is whether its process has ended; else it is only out of reach.
        """
        for user in users:
            self._desk.give_back(user)
        life = self._control.lives.pack_lost(pack, users, why, monotonic(), certain=certain)
        await self._keeping.settle()
        return life

    async def pack_moving(self, pack: int, address: str, leaves_in_s: float) -> int:
        """A pack's node is about to go; returns the life in which to place it elsewhere, 0 for not at all."""
        life = self._control.lives.pack_moving(pack, address, leaves_in_s)
        await self._keeping.settle()
        return life

    async def hand_over(self, pack: int, drain_s: float) -> bool:
        """Whoever takes a moving pack's place is ready, or there is no more time: the old process is to finish.

        False when the pack is not moving.
        """
        begun = self._control.lives.hand_over(pack, drain_s, monotonic())
        await self._keeping.settle()
        return begun

    async def take_over(self, pack: int, life: int) -> bool:
        """The old process of a moving pack is gone; False when there is nothing to take over any more."""
        done = self._control.lives.take_over(pack, life, monotonic())
        await self._keeping.settle()
        return done

    async def move_failed(self, pack: int, why: str) -> None:
        """Nobody can take a pack's place elsewhere."""
        self._control.lives.move_failed(pack, why)
        await self._keeping.settle()

    async def accepted(self, users: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """How many requests users have accepted in all their lives, if that is limited."""
        return self._control.situation.accepted(users)

    async def request_stop(self, reason: str, message: str, drain_s: float) -> None:
        """End the run."""
        self._control.stop(reason, message, drain_s, monotonic())
        await self._keeping.settle()

    async def amend(self, asked: Amendment) -> Ruling:
        """Change the run's terms as far as that can be."""
        ruling = self._control.amend(asked, monotonic())
        await self._keeping.settle()
        return ruling

    async def watch(self) -> RunProgress:
        """Where the run is. The driver's calls are also its heartbeat."""
        self._driver_seen_s = monotonic()
        return self._progress()

    async def note(self, event: Event) -> None:
        """Something that the driver saw and that belongs among the events."""
        self._events.write(event)

    async def readings(self) -> RunReadings:
        """How the run is going, for its metrics."""
        return self._readings()

    def _readings(self) -> RunReadings:
        return take_readings(
            self._plan,
            self._control.situation,
            self._bootstraps.set_up,
            now_s=monotonic(),
            pod=self._node,
            orgs_created=len(self._desk.ledger.ids("org")),
        )

    async def standing(self) -> Standing:
        """Where the run is, for anybody but the driver."""
        at_last = "cleaned up" if self._cleaned else "cleaning up" if self._cleaning else ""
        return Standing.of(self._plan, self._progress(), directory=self._directory, at_last=at_last)

    async def ask_to_stop(self, at_once: bool) -> Standing:  # noqa: FBT001 - an actor's only argument
        """End the run as a signal to its driver would; a second time or `at_once`, cut what is in flight.

        While users are set up the driver alone can end it: it hears of this when it next looks.
        """
        before = await self.standing()
        self._stop_asked = 2 if at_once else max(1, self._stop_asked)
        self._keeping.keep()
        if self._control.situation.state is not RunState.PREPARING:
            drain_s = 0.0 if at_once else self._plan.limits.drain_s
            await self.request_stop("interrupted", "stopped by `raysim stop`", drain_s)
        return before

    def _progress(self) -> RunProgress:
        return progress_of(self._control.situation, self._plan.schedule, monotonic(), self._stop_asked)

    # ── after the run ──

    async def clean_up(self) -> dict[str, int]:
        """Remove what the run created, or note that it stays; returns how many resources met which fate."""
        self._cleaning = True
        counts = await self._desk.clean_up()
        self._cleaned = True
        self._custody.release()
        self._keeping.keep()
        self._events.write(Event("cleaned_up", dict(counts)))
        return counts

    async def removed(self) -> RemovalProgress:
        """How far the clean-up has got, for a progress line."""
        return self._desk.removed()

    async def record(self) -> RunRecord:
        """Everything the report needs from here."""
        return record_of(self._control.situation, self._desk.ledger, self._bootstraps.first)

    # ── inside ──

    async def _keep_time(self) -> None:
        """Decide also when nobody reports, and finish alone when the driver has died."""
        while True:
            await asyncio.sleep(_TICK_S)
            self._control.tick(monotonic())
            await self._keeping.settle()
            self._keeping.keep_if_old()
            self._custody.renew()
            if monotonic() - self._driver_seen_s > self._plan.limits.lease_s:
                await self._finish_alone()
                return

    async def _finish_alone(self) -> None:
        """The driver is gone, and with it the packs: pay what is owed and go."""
        if not self._cleaned:
            self._control.stop("driver_lost", "the driver's heartbeat stopped", 0.0, monotonic())
            self._keeping.take_events()
            with contextlib.suppress(Exception):
                await self.clean_up()
        with contextlib.suppress(Exception):
            await self._withdraw_metrics()
        self._checkpoints.forget()
        # a process that merely ends is started again
        ray.kill(ray.get_runtime_context().current_actor, no_restart=True)

    async def _withdraw_metrics(self) -> None:
        """Delete what the run's metrics actors have pushed, which died with the driver, if it is not to stay."""
        wanted = self._plan.metrics
        if not wanted.pushgateway_url or wanted.retain:
            return
        from raysim.sinks.pushgateway import Pushgateway  # noqa: PLC0415 - httpx and numpy, for this alone

        # the last push is as old as the silence that was waited for
        await asyncio.sleep(max(0.0, wanted.interval_s - self._plan.limits.lease_s))
        gateway = Pushgateway(wanted.pushgateway_url, self._plan.run_id, access=wanted.pushgateway_access)
        await asyncio.to_thread(gateway.remove)

    def _memory(self, now_s: float) -> Memory:
        return Memory(self._control.checkpoint(now_s), self._cleaned, self._stop_asked)


def _control_of(plan: RunPlan, recalled: Recalled | None) -> RunControl:
    """The run from its beginning, or from where the process before this one was killed; the clock is the machine's."""
    if recalled is None:
        return RunControl.of(plan, wall_offset_s=time() - monotonic())
    control = RunControl.resume(plan, recalled.memory.course, recalled.grants, monotonic())
    control.situation.samples.extend(recalled.samples)
    return control
