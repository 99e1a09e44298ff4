"""The actor that decides: tenants, admission, phases, limits, clean-up.

It outlives its driver long enough to clean up, and its own process: Ray starts another one, which goes on from what
`Checkpoints` holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep, time

import ray

from raysim.actors.checkpoints import Checkpoints, Memory, Recalled
from raysim.actors.named import PLATFORM_NAME, actor_named, metrics_name
from raysim.actors.readings_feed import ReadingsFeed
from raysim.actors.run_record import RunRecord, record_of
from raysim.actors.tenant_desk import Admission, RemovalProgress, TenantDesk
from raysim.actors.user import Bootstrapped, node_name
from raysim.actors.user_keys import UserKeys
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
from raysim.preflight.credentials import Lenders
from raysim.preflight.platform import check_platform
from raysim.report.run_dir import RunDir
from raysim.sinks.journal import Journal
from raysim.tenancy.credentials import AdminCredential
from raysim.tenancy.ledger import Resource
from raysim.tenancy.liveness import AliveError, LifeMark
from raysim.tenancy.port import TenancyError
from raysim.tenancy.select import control_client

_TICK_S = 0.25
_RENEW_S = 5.0
#: the checkpoint is at most this old, see `RunControl.must_keep`
_KEEP_S = 1.0
#: between two checkpoints, in multiples of what one takes
_KEEP_PAUSE = 4
#: the system needs a moment to drop the lock of a process that was killed
_LOCK_PATIENCE_S = 5.0


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
        self._plan = plan
        self._target = target
        paths = RunDir(Path(directory))
        # from here on no other process writes what this one does
        self._life: LifeMark | None = _take_over(paths.root)
        self._checkpoints = Checkpoints(paths.state)
        recalled = self._checkpoints.recall()
        self._events_file = Journal(paths.events)
        ledger = paths.resources.read_bytes() if paths.resources.exists() else b""
        self._desk = TenantDesk(
            plan,
            target,
            Journal(paths.resources),
            self.admin_token,
            retain=retain,
            cleanup_timeout_s=cleanup_timeout_s,
            written=ledger,
        )
        self._renewed_s = monotonic()
        self._kept_s = monotonic()
        self._keep_takes_s = 0.0
        self._keeping: asyncio.Task[None] | None = None
        self._control = RunControl.of(plan, wall_offset_s=time() - monotonic())
        self._bootstraps: list[Bootstrapped] = []
        #: users that were set up, in their latest life
        self._set_up: dict[int, Bootstrapped] = {}
        metrics = [actor_named(metrics_name(shard), plan.run_id) for shard in range(shards)]
        self._feed = ReadingsFeed([actor for actor in metrics if actor is not None], self._readings)
        self._feeding: asyncio.Task[None] | None = None
        #: users among `_bootstraps`
        self._known: set[int] = set()
        self._driver_seen_s = monotonic()
        self._directory = directory
        self._node = node_name()
        self._stop_asked = 0
        self._cleaning = False
        self._cleaned = False
        self._samples_kept = 0
        login = control_client(target) if target.auth.email and target.platform != "embedded" else None
        self._credential = AdminCredential(target.auth, os.environ, login)
        self._keys = UserKeys(target, os.environ)
        self._background: asyncio.Task[None] | None = None
        if recalled is not None:
            self._resume(recalled)

    def _resume(self, recalled: Recalled) -> None:
        """Go on where the process before this one was killed, on the same clock: it is that of the machine."""
        memory, now_s = recalled.memory, monotonic()
        self._control = RunControl.resume(self._plan, memory.course, recalled.grants, now_s)
        self._plan = self._control.situation.plan
        self._control.situation.samples.extend(recalled.samples)
        self._samples_kept = len(recalled.samples)
        self._bootstraps = recalled.bootstraps
        self._set_up = {each.user: each for each in recalled.bootstraps if not each.error}
        self._known = {result.user for result in recalled.bootstraps}
        failed = sum(bool(result.error) for result in recalled.bootstraps)
        self._desk.recall(len(recalled.bootstraps) - failed, failed)
        self._stop_asked, self._cleaned = memory.stop_asked, memory.cleaned
        if self._cleaned:
            self._release()
        self._take_events()
        # nobody else may be left to call it
        ray.get_runtime_context().current_actor.wake.remote()

    async def wake(self) -> None:
        """Keep time from now on."""
        if self._background is None:
            self._background = asyncio.create_task(self._keep_time())
            self._feeding = asyncio.create_task(self._feed.send_regularly())

    # ── before the run ──

    async def check_platform(self, probe: bool) -> list[Check]:  # noqa: FBT001 - an actor's only argument
        """Ask the platform everything that needs credentials or does not, before anything is created."""
        return await check_platform(self._plan, self._target, Lenders(self.admin_token, self._keys.read), probe=probe)

    async def prepare(self) -> None:
        """Create the organisations, each on the ledger before it is used. Raises TenancyError."""
        self._keep()
        await self.wake()
        self._note(Event("preparing", {"run_id": self._plan.run_id, "tenants": len(self._plan.tenants)}))
        await self._desk.prepare()

    async def admin_token(self, refused: bool) -> Secret:  # noqa: FBT001 - tenancy.admin_calls.TokenSource
        """Lend the administrator's token; it never leaves memory. Raises TenancyError."""
        if self._target.platform == "embedded":
            platform = actor_named(PLATFORM_NAME, self._plan.run_id)
            if platform is None:
                raise TenancyError("the simulated platform has ended, and with it all that was on it")
            token: Secret = await platform.admin_token.remote()
            return token
        return await self._credential.token(refused)

    async def user_key(self, user: int) -> Secret:
        """Lend the key that was brought along for a user of a static platform. Raises TenancyError."""
        return self._keys.of(user)

    async def admit(self, user: int, life: int = 0) -> Admission:
        """Wait for a turn to be set up; `bootstrapped` gives the turn back."""
        return await self._desk.admit(user, life, keys_in_use=self._control.lives.is_moving(user))

    async def bootstrapped(self, result: Bootstrapped) -> None:
        """A user was set up, or could not be."""
        if result.user not in self._known:
            self._known.add(result.user)
            self._bootstraps.append(result)
            self._checkpoints.add(bootstraps=[result])
            self._desk.settled(result.user, succeeded=not result.error)
        else:
            self._desk.give_back(result.user)
        if not result.error:
            self._set_up[result.user] = result
        else:
            self._note(Event("bootstrap_failed", {"user": result.user, "error": result.error}))

    async def enter(self, resources: list[Resource]) -> None:
        """Write resources to the ledger; returns once they are on disk."""
        self._desk.enter(resources)

    async def pack_ready(self, pack: int, users: Sequence[int], life: int) -> None:
        """A pack is set up and about to report."""
        self._control.lives.pack_ready(pack, users, monotonic(), life)
        await self._settle()

    # ── the run ──

    async def begin(self) -> None:
        """Start the run's clock."""
        self._control.begin(monotonic())
        await self._settle()

    async def report(self, status: PackStatus) -> Orders:
        """A pack's report; the answer is what it is to do."""
        orders = self._control.report(status, monotonic())
        self._checkpoints.grant(self._control.take_grants())
        await self._settle()
        return orders

    async def pack_lost(self, pack: int, users: Sequence[int], why: str, certain: bool) -> int:  # noqa: FBT001 - an actor's argument
        """The driver has lost a pack; returns the life in which it is to place it again, 0 for not at all.

        `certain` is whether its process has ended; else it is only out of reach.
        """
        for user in users:
            self._desk.give_back(user)
        life = self._control.lives.pack_lost(pack, users, why, monotonic(), certain=certain)
        await self._settle()
        return life

    async def pack_moving(self, pack: int, address: str, leaves_in_s: float) -> int:
        """A pack's node is about to go; returns the life in which to place it elsewhere, 0 for not at all."""
        life = self._control.lives.pack_moving(pack, address, leaves_in_s)
        await self._settle()
        return life

    async def hand_over(self, pack: int, drain_s: float) -> bool:
        """Whoever takes a moving pack's place is ready, or there is no more time: the old process is to finish.

        False when the pack is not moving.
        """
        begun = self._control.lives.hand_over(pack, drain_s, monotonic())
        await self._settle()
        return begun

    async def take_over(self, pack: int, life: int) -> bool:
        """The old process of a moving pack is gone; False when there is nothing to take over any more."""
        done = self._control.lives.take_over(pack, life, monotonic())
        await self._settle()
        return done

    async def move_failed(self, pack: int, why: str) -> None:
        """Nobody can take a pack's place elsewhere."""
        self._control.lives.move_failed(pack, why)
        await self._settle()

    async def accepted(self, users: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """How many requests users have accepted in all their lives, if that is limited."""
        return self._control.situation.accepted(users)

    async def request_stop(self, reason: str, message: str, drain_s: float) -> None:
        """End the run."""
        self._control.stop(reason, message, drain_s, monotonic())
        await self._settle()

    async def amend(self, asked: Amendment) -> Ruling:
        """Change the run's terms as far as that can be."""
        ruling = self._control.amend(asked, monotonic())
        self._plan = self._control.situation.plan
        await self._settle()
        return ruling

    async def watch(self) -> RunProgress:
        """Where the run is. The driver's calls are also its heartbeat."""
        self._driver_seen_s = monotonic()
        return self._progress()

    async def note(self, event: Event) -> None:
        """Something that the driver saw and that belongs among the events."""
        self._note(event)

    async def readings(self) -> RunReadings:
        """How the run is going, for its metrics."""
        return self._readings()

    def _readings(self) -> RunReadings:
        return take_readings(
            self._plan,
            self._control.situation,
            [(each.user, each.node, each.seconds) for each in self._set_up.values()],
            now_s=monotonic(),
            pod=self._node,
            orgs_created=len(self._desk.ledger.ids("org")),
        )

    async def standing(self) -> Standing:
        """Where the run is, for anybody but the driver."""
        plan = self._plan
        stage = (
            "cleaned up" if self._cleaned else "cleaning up" if self._cleaning else str(self._control.situation.state)
        )
        return Standing(
            run_id=plan.run_id,
            scenario=plan.scenario,
            directory=self._directory,
            stage=stage,
            duration_s=plan.schedule.duration_s,
            phase_count=len(plan.schedule.phases),
            users_planned=plan.user_count,
            limit_usd=plan.limits.max_cost_usd,
            drain_s=plan.limits.drain_s,
            progress=self._progress(),
        )

    async def ask_to_stop(self, at_once: bool) -> Standing:  # noqa: FBT001 - an actor's only argument
        """End the run as a signal to its driver would; a second time or `at_once`, cut what is in flight.

        While users are set up the driver alone can end it: it hears of this when it next looks.
        """
        before = await self.standing()
        self._stop_asked = 2 if at_once else max(1, self._stop_asked)
        self._keep()
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
        self._release()
        self._keep()
        self._note(Event("cleaned_up", dict(counts)))
        return counts

    async def removed(self) -> RemovalProgress:
        """How far the clean-up has got, for a progress line."""
        return self._desk.removed()

    async def record(self) -> RunRecord:
        """Everything the report needs from here."""
        return record_of(self._control.situation, self._desk.ledger, self._bootstraps)

    # ── inside ──

    async def _keep_time(self) -> None:
        """Decide also when nobody reports, and finish alone when the driver has died."""
        while True:
            await asyncio.sleep(_TICK_S)
            self._control.tick(monotonic())
            await self._settle()
            if monotonic() - self._kept_s > _KEEP_S:
                self._keep()
            if self._life is not None and monotonic() - self._renewed_s > _RENEW_S:
                self._renewed_s = monotonic()
                self._life.renew()
            if monotonic() - self._driver_seen_s > self._plan.limits.lease_s:
                await self._finish_alone()
                return

    async def _finish_alone(self) -> None:
        """The driver is gone, and with it the packs: pay what is owed and go."""
        if not self._cleaned:
            self._control.stop("driver_lost", "the driver's heartbeat stopped", 0.0, monotonic())
            self._take_events()
            with contextlib.suppress(Exception):
                await self.clean_up()
        with contextlib.suppress(Exception):
            await self._withdraw_metrics()
        self._checkpoints.forget()
        # a process that merely ends is started again
        ray.kill(ray.get_runtime_context().current_actor, no_restart=True)

    def _release(self) -> None:
        """Nobody has to look after tenants any more."""
        if self._life is not None:
            self._life.release()
            self._life = None

    async def _withdraw_metrics(self) -> None:
        """Delete what the run's metrics actors have pushed, which died with the driver, if it is not to stay."""
        wanted = self._plan.metrics
        if not wanted.pushgateway_url or wanted.retain:
            return
        from raysim.sinks.pushgateway import Pushgateway  # noqa: PLC0415 - httpx and numpy, for this alone

        # the last push is as old as the silence that was waited for
        await asyncio.sleep(max(0.0, wanted.interval_s - self._plan.limits.lease_s))
        await asyncio.to_thread(Pushgateway(wanted.pushgateway_url, self._plan.run_id).remove)

    def _take_events(self) -> None:
        for event in self._control.take_events():
            self._note(event)

    async def _settle(self) -> None:
        """Write down what has happened; to be awaited before anybody hears of it. Callers share checkpoints."""
        self._take_events()
        if self._control.situation.must_keep and self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_when_due())
        if self._keeping is not None:
            # one caller that gives up is not to take it from the others
            await asyncio.shield(self._keeping)

    async def _keep_when_due(self) -> None:
        """With thousands of packs a checkpoint takes tens of milliseconds: most of the time is for other things."""
        await asyncio.sleep(max(0.0, self._kept_s + _KEEP_PAUSE * self._keep_takes_s - monotonic()))
        self._keeping = None
        self._keep()

    def _keep(self) -> None:
        """Take a checkpoint."""
        begun_s = monotonic()
        samples = self._control.situation.samples
        self._checkpoints.add(samples=samples[self._samples_kept :])
        self._samples_kept = len(samples)
        course = self._control.checkpoint(begun_s)
        self._checkpoints.keep(Memory(course, self._cleaned, self._stop_asked))
        self._kept_s = monotonic()
        self._keep_takes_s = self._kept_s - begun_s

    def _note(self, event: Event) -> None:
        line = {"time": time(), "run_s": self._run_s(), "kind": event.kind, "detail": event.detail}
        # as a checkpoint, an event is to survive this process, not this machine: nobody waits for the disk
        self._events_file.append([line], sync=False)

    def _run_s(self) -> float | None:
        start_s = self._control.situation.run_start_s
        return None if start_s is None else round(monotonic() - start_s, 3)


def _take_over(directory: Path) -> LifeMark:
    """The life mark, also when the process before this one was killed just now. Raises AliveError: somebody lives."""
    until_s = monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            return LifeMark(directory)
        except AliveError:
            if monotonic() > until_s:
                raise
        sleep(_TICK_S / 5)
