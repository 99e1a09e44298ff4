"""The actor that decides: tenants, admission, phases, limits, clean-up. Outlives its driver long enough to clean up."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Any

from raysim.actors.tenant_desk import Admission, RemovalProgress, TenantDesk
from raysim.actors.user import Bootstrapped
from raysim.actors.user_keys import UserKeys
from raysim.core.control.losses import Loss
from raysim.core.control.messages import Event, Orders, PackHealth, PackStatus, Totals
from raysim.core.control.progress import RunProgress, Standing
from raysim.core.control.run_control import RunControl, RunState
from raysim.core.control.terms import Amendment, Ruling
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
from raysim.tenancy.liveness import LifeMark
from raysim.tenancy.select import control_client

_TICK_S = 0.25
_RENEW_S = 5.0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the coordinator knows at the end that the records do not hold."""

    stop_reason: str
    stop_message: str
    #: unix seconds of the run's second 0; None when it never began
    started_at: float | None
    stopped_at_s: float
    drained_at_s: float
    samples: tuple[tuple[float, int, int], ...]
    lost: tuple[Loss, ...]
    gone_users: dict[int, str]
    bootstraps: tuple[Bootstrapped, ...]
    health: tuple[PackHealth, ...]
    totals: Totals
    org_ids: dict[str, str]
    user_ids: dict[str, str]
    #: pack → all that it may have spent, in USD, of those that lost a process
    lost_commitments: dict[int, float]
    money_short_from_s: float | None
    arrivals_due: int | None
    #: what became of changes of the scenario that were made while the run went on
    rulings: tuple[Ruling, ...] = ()
    #: the most that may have been spent under the limits of cost that were in force, in USD
    allowed_usd: float | None = None


class Coordinator:
    """One run's coordinator.

    Args:
        plan: what is to happen.
        target: the platform, with its addresses.
        directory: the run's directory, on this actor's node.
        platform: handle of the embedded platform's actor, if there is one.
        retain: whether tenants stay when the run is over.
        cleanup_timeout_s: longest clean-up.
    """

    def __init__(
        self,
        plan: RunPlan,
        target: TargetPlan,
        directory: str,
        platform: Any | None,
        *,
        retain: bool,
        cleanup_timeout_s: float,
    ) -> None:
        self._plan = plan
        self._target = target
        self._platform = platform
        paths = RunDir(Path(directory))
        self._events_file = Journal(paths.events)
        self._desk = TenantDesk(
            plan,
            target,
            Journal(paths.resources),
            self.admin_token,
            retain=retain,
            cleanup_timeout_s=cleanup_timeout_s,
        )
        self._life = LifeMark(paths.root)
        self._renewed_s = monotonic()
        self._wall_offset_s = time() - monotonic()
        self._control = RunControl(plan, wall_offset_s=self._wall_offset_s)
        self._bootstraps: list[Bootstrapped] = []
        self._driver_seen_s = monotonic()
        self._directory = directory
        self._stop_asked = 0
        self._cleaning = False
        self._cleaned = False
        login = control_client(target) if target.auth.email and platform is None else None
        self._credential = AdminCredential(target.auth, os.environ, login)
        self._keys = UserKeys(target, os.environ)
        self._background: asyncio.Task[None] | None = None

    # ── before the run ──

    async def check_platform(self, probe: bool) -> list[Check]:  # noqa: FBT001 - an actor's only argument
        """Ask the platform everything that needs credentials or does not, before anything is created."""
        return await check_platform(self._plan, self._target, Lenders(self.admin_token, self._keys.read), probe=probe)

    async def prepare(self) -> None:
        """Create the organisations, each on the ledger before it is used. Raises TenancyError."""
        self._background = asyncio.create_task(self._keep_time())
        self._note(Event("preparing", {"run_id": self._plan.run_id, "tenants": len(self._plan.tenants)}))
        await self._desk.prepare()

    async def admin_token(self, refused: bool) -> Secret:  # noqa: FBT001 - tenancy.admin_calls.TokenSource
        """Lend the administrator's token; it never leaves memory. Raises TenancyError."""
        if self._platform is not None:
            token: Secret = await self._platform.admin_token.remote()
            return token
        return await self._credential.token(refused)

    async def user_key(self, user: int) -> Secret:
        """Lend the key that was brought along for a user of a static platform. Raises TenancyError."""
        return self._keys.of(user)

    async def admit(self, user: int, life: int = 0) -> Admission:
        """Wait for a turn to be set up; `bootstrapped` gives the turn back."""
        return await self._desk.admit(user, life)

    async def bootstrapped(self, result: Bootstrapped) -> None:
        """A user was set up, or could not be."""
        if result.life == 0:
            self._bootstraps.append(result)
            self._desk.settled(result.user, succeeded=not result.error)
        else:
            self._desk.give_back(result.user)
        if result.error:
            self._note(Event("bootstrap_failed", {"user": result.user, "error": result.error}))

    async def enter(self, resources: list[Resource]) -> None:
        """Write resources to the ledger; returns once they are on disk."""
        self._desk.enter(resources)

    async def pack_ready(self, pack: int, users: Sequence[int], life: int) -> None:
        """A pack is set up and about to report."""
        self._control.pack_ready(pack, users, monotonic(), life)
        self._take_events()

    # ── the run ──

    async def begin(self) -> None:
        """Start the run's clock."""
        self._control.begin(monotonic())
        self._take_events()

    async def report(self, status: PackStatus) -> Orders:
        """A pack's report; the answer is what it is to do."""
        orders = self._control.report(status, monotonic())
        self._take_events()
        return orders

    async def pack_lost(self, pack: int, users: Sequence[int], why: str) -> int:
        """The driver saw a pack's process end; returns the life in which it is to place it again, 0 for not at all."""
        for user in users:
            self._desk.give_back(user)
        life = self._control.pack_lost(pack, users, why, monotonic())
        self._take_events()
        return life

    async def request_stop(self, reason: str, message: str, drain_s: float) -> None:
        """End the run."""
        self._control.stop(reason, message, drain_s, monotonic())
        self._take_events()

    async def amend(self, asked: Amendment) -> Ruling:
        """Change the run's terms as far as that can be."""
        ruling = self._control.amend(asked, monotonic())
        self._plan = self._control.plan
        self._take_events()
        return ruling

    async def watch(self) -> RunProgress:
        """Where the run is. The driver's calls are also its heartbeat."""
        self._driver_seen_s = monotonic()
        return self._progress()

    async def note(self, event: Event) -> None:
        """Something that the driver saw and that belongs among the events."""
        self._note(event)

    async def standing(self) -> Standing:
        """Where the run is, for anybody but the driver."""
        plan = self._plan
        stage = "cleaned up" if self._cleaned else "cleaning up" if self._cleaning else str(self._control.state)
        return Standing(
            run_id=plan.run_id,
            scenario=plan.scenario,
            directory=self._directory,
            stage=stage,
            duration_s=plan.schedule.duration_s,
            phase_count=len(plan.schedule.phases),
            users_planned=len(plan.users),
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
        if self._control.state is not RunState.PREPARING:
            drain_s = 0.0 if at_once else self._plan.limits.drain_s
            await self.request_stop("interrupted", "stopped by `raysim stop`", drain_s)
        return before

    def _progress(self) -> RunProgress:
        control, schedule = self._control, self._plan.schedule
        run_s = monotonic() - control.run_start_s if control.run_start_s is not None else 0.0
        phase = schedule.phase_at(run_s)
        return RunProgress(
            state=control.state,
            run_s=run_s,
            active=control.active,
            target=schedule.target_at(run_s) if control.state is RunState.RUNNING else 0,
            ready=len(control.ready_users),
            lost=len(control.lost),
            phase=phase.name if phase else "",
            phase_index=phase.index if phase else -1,
            totals=control.totals,
            error_rate=control.error_rate,
            stop_reason=control.stop_reason,
            stop_asked=self._stop_asked,
        )

    # ── after the run ──

    async def clean_up(self) -> dict[str, int]:
        """Remove what the run created, or note that it stays; returns how many resources met which fate."""
        self._cleaning = True
        counts = await self._desk.clean_up()
        self._cleaned = True
        self._life.release()
        self._note(Event("cleaned_up", dict(counts)))
        return counts

    async def removed(self) -> RemovalProgress:
        """How far the clean-up has got, for a progress line."""
        return self._desk.removed()

    async def record(self) -> RunRecord:
        """Everything the report needs from here."""
        control = self._control
        start_s = control.run_start_s
        return RunRecord(
            stop_reason=control.stop_reason,
            stop_message=control.stop_message,
            started_at=None if start_s is None else start_s + self._wall_offset_s,
            stopped_at_s=control.stopped_at_s or 0.0,
            drained_at_s=control.drained_at_s or control.stopped_at_s or 0.0,
            samples=tuple(control.samples),
            lost=control.losses,
            gone_users=control.gone_users,
            bootstraps=tuple(self._bootstraps),
            health=control.health,
            totals=control.totals,
            org_ids=self._desk.ledger.ids("org"),
            user_ids=self._desk.ledger.ids("user"),
            lost_commitments=control.lost_commitments,
            money_short_from_s=control.money_short_from_s,
            arrivals_due=control.arrivals_due,
            rulings=tuple(control.rulings),
            allowed_usd=control.allowed_usd,
        )

    # ── inside ──

    async def _keep_time(self) -> None:
        """Decide also when nobody reports, and finish alone when the driver has died."""
        while not self._cleaned:
            await asyncio.sleep(_TICK_S)
            self._control.tick(monotonic())
            self._take_events()
            if monotonic() - self._renewed_s > _RENEW_S and not self._cleaned:
                self._renewed_s = monotonic()
                self._life.renew()
            if monotonic() - self._driver_seen_s > self._plan.limits.lease_s:
                await self._finish_alone()

    async def _finish_alone(self) -> None:
        """The driver is gone, and with it the packs: pay what is owed and go."""
        self._control.stop("driver_lost", "the driver's heartbeat stopped", 0.0, monotonic())
        self._take_events()
        with contextlib.suppress(Exception):
            await self.clean_up()
        os._exit(0)

    def _take_events(self) -> None:
        for event in self._control.take_events():
            self._note(event)

    def _note(self, event: Event) -> None:
        line = {"time": time(), "run_s": self._run_s(), "kind": event.kind, "detail": event.detail}
        self._events_file.append([line])

    def _run_s(self) -> float | None:
        start_s = self._control.run_start_s
        return None if start_s is None else round(monotonic() - start_s, 3)
