"""The course of a run, from the first ready pack to the last drained one. Pure: every event brings its own time.

Longer than other modules: what decides, and what takes it down and goes on from it, have to be read side by side.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum

import msgspec

from raysim.core.control.amending import rule
from raysim.core.control.checkpoint import Checkpoint, Restart
from raysim.core.control.last_words import LastWord, LastWords, LostProcess
from raysim.core.control.limits import LimitWatch, TimeLimit
from raysim.core.control.losses import Loss, Losses
from raysim.core.control.messages import (
    REQUEST_LIMIT,
    TENANT_REASONS,
    Event,
    Orders,
    PackHealth,
    PackStatus,
    PackView,
    StopOrder,
    Totals,
)
from raysim.core.control.moves import Moves
from raysim.core.control.planner import Planner
from raysim.core.control.rations import Rations
from raysim.core.control.roster import Member, Roster
from raysim.core.control.terms import Amendment, Reload, Ruling, Terms
from raysim.core.control.treasury import Grant
from raysim.core.errors import Problem
from raysim.core.plan.run_plan import RunPlan

#: packs together report at most this often per second, so that the coordinator keeps up with thousands of them
_REPORTS_PER_SECOND = 250
_SHORTEST_INTERVAL_S = 1.0
#: but each reports so often within a lease, lest one report that goes astray ends it
_REPORTS_PER_LEASE = 4
#: a pack in which requests wait may report this often, if there are not too many packs
_SHORTEST_URGENT_S = 0.05
#: from the order to begin to the run's second 0: every pack hears of it before
_START_LEAD_S = 1.5
#: a pack that has not reported itself drained this long after it should have is not waited for
_DRAIN_GRACE_S = 3.0
#: a pack that reports this much late, in seconds, may be lost: somebody should look
_SILENCE_S = 1.0


class RunState(StrEnum):
    """Where a run is."""

    PREPARING = "preparing"
    RUNNING = "running"
    DRAINING = "draining"
    DRAINED = "drained"


class RunControl:
    """Decides who is active and when the run ends; told of reports and losses, asked for orders.

    Args:
        plan: the run's plan.
        wall_offset_s: what to add to the caller's clock for wall time.
    """

    def __init__(self, plan: RunPlan, *, wall_offset_s: float = 0.0) -> None:
        self._plan = plan
        #: what to add to the caller's clock for wall time
        self.wall_offset_s = wall_offset_s
        self._roster = Roster()
        self._limits = LimitWatch(plan.limits)
        self._rations = Rations(plan.limits)
        self._time = TimeLimit(plan.limits, plan.schedule.duration_s)
        self._planner: Planner | None = None
        self._planned_until_s = 0.0
        self._phase = -1
        self._told_of_overbilling = False
        self._stop: StopOrder | None = None
        self._drain_until_s = 0.0
        self._events: list[Event] = []
        self.state = RunState.PREPARING
        self.run_start_s: float | None = None
        self.stop_reason = ""
        self.stop_message = ""
        #: run seconds at which users were told to stop, and at which the last of them had
        self.stopped_at_s: float | None = None
        self.drained_at_s: float | None = None
        self._losses = Losses()
        #: what packs are to follow, and what became of every change that was asked for
        self.terms = Terms.of(plan)
        self.reloads: list[Reload] = []
        self._words = LastWords(plan.behaviour.think_s.low)
        self._moves = Moves()
        self.gone_users: dict[int, str] = {}
        #: (run second, target, active) about once a second
        self.samples: list[tuple[float, int, int]] = []
        self.restarts: list[Restart] = []
        #: whether something has happened since the last checkpoint that nobody would tell a restarted coordinator
        self.must_keep = False

    # ── events ──

    def pack_ready(self, pack: int, users: Collection[int], now_s: float = 0.0, life: int = 0) -> None:
        """A pack has set up these users and will report: for the first time, or once more after it was lost."""
        if self._planner is not None:
            if self._moves.stand_by(pack, life, users):
                self.must_keep = True
            elif life == self._losses.life(pack):
                self._pack_is_back(self._planner, pack, users, now_s)
            return
        if life != self._losses.life(pack):
            return
        self._roster.join(pack, users)
        self._losses.come_back(users, self._run_s(now_s))
        self.must_keep = True

    def _pack_is_back(self, planner: Planner, pack: int, users: Collection[int], now_s: float) -> None:
        known = self._roster.get(pack)
        if self.state is not RunState.RUNNING or known is None or not known.lost:
            # too late to be of use: it hears that the run stops, and nobody waits for it
            return
        self._roster.join(pack, users)
        self._losses.give_up(known.users)
        back = self._losses.come_back(users, self._run_s(now_s))
        planner.come_back([user for user in back if user not in self.gone_users])
        self._note("users_back", pack=pack, users=sorted(back))

    def begin(self, now_s: float) -> None:
        """All packs that will come are ready: the run's second 0 is a moment from now. Asked again, nothing happens."""
        if self.state is not RunState.PREPARING:
            return
        self.run_start_s = now_s + _START_LEAD_S
        self._planner = Planner(self._plan.schedule, self._plan.seed, self.ready_users)
        self.state = RunState.RUNNING
        self._note("run_started", users=len(self.ready_users))

    def report(self, status: PackStatus, now_s: float) -> Orders:
        """A pack's report; the answer is what it is to do."""
        pack = self._roster.get(status.pack)
        self._rations.hear(status)
        if self.run_start_s is not None:
            known = status.terms == self.terms.version
            self._words.hear(status, now_s - self.run_start_s, self._plan.limits if known else None)
        if pack is not None and (pack.lost or status.life != self._losses.life(status.pack)):
            self.tick(now_s)
            return self._dismissal(now_s)
        if pack is None:
            pack = Member(frozenset())
        elif status.sequence > pack.sequence:
            self._take(pack, status, now_s)
        self.tick(now_s)
        switches, arrivals = pack.collect()
        running = self.state is RunState.RUNNING and pack.leaving is None
        orders = Orders(
            clock_s=now_s,
            wall_offset_s=self.wall_offset_s,
            lease_s=self._plan.limits.lease_s,
            interval_s=self.interval_s,
            run_start_s=self.run_start_s,
            switches=switches,
            stop=self._stop or pack.leaving,
            urgent_s=max(_SHORTEST_URGENT_S, len(self._roster) / _REPORTS_PER_SECOND),
            lease=self._rations.lease(status.pack, running=running),
            slots=self._rations.slots(status, now_s) if running else None,
            arrivals=arrivals,
            terms=self.terms if status.terms != self.terms.version else None,
        )
        self._words.answer(status, orders)
        return orders

    def _dismissal(self, now_s: float) -> Orders:
        """What a process hears that was taken for lost and is not: nobody counts what it does, so it is to stop."""
        return Orders(
            clock_s=now_s,
            wall_offset_s=self.wall_offset_s,
            lease_s=self._plan.limits.lease_s,
            interval_s=self.interval_s,
            run_start_s=self.run_start_s,
            stop=self._stop or StopOrder("lost", 0.0),
        )

    def _take(self, pack: Member, status: PackStatus, now_s: float) -> None:
        # a pack that has drained reports no more
        self.must_keep |= status.drained and not pack.drained
        self._roster.take(pack, status, self._run_s(now_s))
        if status.totals.beyond_usd and not self._told_of_overbilling:
            self._told_of_overbilling = True
            self._note("billed_beyond_reservation", pack=status.pack, beyond_usd=status.totals.beyond_usd)
        if status.gone and self._planner is not None:
            for user, reason in status.gone:
                self._planner.leave([user], replaced=reason not in TENANT_REASONS)
                self.gone_users[user] = reason
                self._note("user_left", user=user, reason=reason)

    def pack_lost(self, pack: int, users: Collection[int], why: str, now_s: float, *, certain: bool = False) -> int:
        """A pack's process is gone, with these users.

        Args:
            pack: which.
            users: all that it was to play.
            why: what is known of the reason.
            now_s: the time.
            certain: whether the process is known to have ended; else it is only out of reach.

        Returns:
            the number of the life in which it is to be placed again; 0 when it is not to be.
        """
        known = self._roster.get(pack)
        heard_s = known.heard_s if known is not None else None
        if known is not None:
            known.lost = True
            known.active = known.in_flight = 0
        self._rations.lose(pack)
        if self._planner is not None:
            self._planner.leave(users)
        self._losses.lose([Loss(user, self._run_s(now_s), why, heard_s) for user in users])
        word = self._words.lose(pack, self._losses.life(pack), users, self._run_s(now_s), certain=certain)
        self._note("pack_lost", pack=pack, users=sorted(users), why=why, life=word.life, last_word=_told(word))
        if self._plan.bootstrap.abort_on_loss and self.state in (RunState.PREPARING, RunState.RUNNING):
            self.stop("loss", "a user was lost and bootstrap.onLoss is abort", self._plan.limits.drain_s, now_s)
        move = self._moves.of(pack)
        if move is not None and self.state is RunState.RUNNING:
            # somebody is about to take its place already
            self._losses.awaited.update(users)
            return move.life
        preparing = self.state is RunState.PREPARING
        replaceable = [
            user for user in users if (preparing or user in self._roster.users) and user not in self.gone_users
        ]
        in_time = preparing or self.state is RunState.RUNNING
        if not (self._plan.bootstrap.respawn and in_time and replaceable):
            return 0
        return self._losses.replace(pack, replaceable)

    def pack_moving(self, pack: int, address: str, leaves_in_s: float) -> int:
        """A pack's node is about to go; returns the life in which to place it elsewhere, 0 for not at all.

        Asked again, it is the same life.
        """
        known, move = self._roster.get(pack), self._moves.of(pack)
        if known is None or known.lost or self.state is not RunState.RUNNING:
            return 0
        if move is not None:
            return move.life
        life = self._losses.next_life(pack)
        self._moves.begin(pack, life)
        within = None if math.isinf(leaves_in_s) else round(leaves_in_s, 1)
        self._note("pack_moving", pack=pack, users=sorted(known.users), node=address, leaves_in_s=within, life=life)
        return life

    def is_moving(self, user: int) -> bool:
        """Whether a user is being set up elsewhere while it still plays."""
        pack = self._roster.home(user)
        known = None if pack is None else self._roster.get(pack)
        return pack is not None and self._moves.of(pack) is not None and known is not None and not known.lost

    def hand_over(self, pack: int, drain_s: float, now_s: float) -> bool:
        """A pack that moves is to finish what is in flight; its users are nowhere until somebody takes over.

        False when it does not move, or the run is over.
        """
        known, move = self._roster.get(pack), self._moves.of(pack)
        if self.state is not RunState.RUNNING or known is None or move is None or self._planner is None:
            return False
        if known.leaving is None:
            known.leaving = StopOrder("moved", drain_s)
            move.left_s = now_s
            self._planner.leave([user for user in known.users if user not in self.gone_users])
            self.must_keep = True
        return True

    def take_over(self, pack: int, life: int, now_s: float) -> bool:
        """A pack's new process is to play from now on, the old one being gone; False when it is too late for that."""
        known, move = self._roster.get(pack), self._moves.end(pack)
        if self.state is not RunState.RUNNING or known is None or self._planner is None:
            return False
        if move is None:
            # asked again, it has done so
            return life == self._losses.life(pack) and not known.lost
        ready = move.ready or frozenset()
        self._losses.take_over(pack, move.life)
        self._roster.join(pack, ready)
        missing = known.users - ready - self.lost.keys() - self.gone_users.keys()
        why = "could not be set up again on another node"
        self._losses.lose([Loss(user, self._run_s(now_s), why, known.heard_s) for user in missing])
        self._losses.give_up(known.users - ready)
        self._losses.come_back(ready, self._run_s(now_s))
        self._planner.come_back([user for user in ready if user not in self.gone_users])
        away_s = 0.0 if move.left_s is None else round(now_s - move.left_s, 3)
        self._note("users_moved", pack=pack, users=sorted(ready), away_s=away_s)
        return True

    def move_failed(self, pack: int, why: str) -> None:
        """Nobody can take a pack's place elsewhere."""
        if self._moves.end(pack) is not None:
            self._note("move_failed", pack=pack, why=why)

    def stop(self, reason: str, message: str, drain_s: float, now_s: float) -> None:
        """End the run: users stop asking; what is in flight may finish within `drain_s`, or sooner if told again.

        Nothing is in flight any more when the run has lasted as long as it may.
        """
        if self.state is RunState.DRAINED:
            return
        drain_s = min(drain_s, self._time.left_s(self._run_s(now_s)))
        if self._stop is None:
            self.stop_reason, self.stop_message = reason, message
            self.stopped_at_s = self._run_s(now_s)
            self._note("stopping", reason=reason, message=message)
            self._stop = StopOrder(reason, drain_s)
            self._drain_until_s = now_s + drain_s
        elif drain_s < self._stop.drain_s:
            self._stop = StopOrder(self._stop.reason, drain_s)
            self._drain_until_s = min(self._drain_until_s, now_s + drain_s)
        self.state = RunState.DRAINING

    def amend(self, asked: Amendment, now_s: float) -> Ruling:
        """Change the run's terms as far as that can be; what cannot be is in the ruling, with the reason."""
        run_s, planner = self._run_s(now_s), self._planner
        if self.state is not RunState.RUNNING or planner is None:
            late = [Problem(change.path, f"too late: the run is {self.state}") for change in asked.changes]
            asked = Amendment(None, (), (*asked.refused, *late))
        planned_until_s = planner.planned_until_s if planner is not None else 0.0
        ruling = rule(asked, self.terms, run_s, planned_until_s)
        done = ruling.reload
        self.reloads.append(done)
        self.must_keep = True
        if done.refused:
            self._note("reload_refused", problems=[str(problem) for problem in done.refused])
        if done.applied:
            told = [{"path": change.path, "old": change.before, "new": change.after} for change in done.applied]
            self._note("reload_applied", version=ruling.terms.version, changes=told)
            self._take_up(ruling.terms, now_s)
        self.tick(now_s)
        return ruling

    def _take_up(self, terms: Terms, now_s: float) -> None:
        """From now on these hold."""
        self.terms, self._plan = terms, terms.on(self._plan)
        self._limits.follow(terms.limits)
        self._words.follow(terms.pace.think_s.low)
        self._time = TimeLimit(terms.limits, terms.schedule.duration_s)
        if self._planner is not None:
            self._planner.follow(terms.schedule)
        breach = self._rations.follow(terms.limits)
        if breach is not None and self.state is RunState.RUNNING:
            self.stop(breach.limit, breach.message, terms.limits.drain_s, now_s)

    def tick(self, now_s: float) -> None:
        """Time has passed: plan switches ahead, note phases, hold limits, see whether everyone has drained."""
        if self.state is RunState.RUNNING and self.run_start_s is not None and self._planner is not None:
            run_s = now_s - self.run_start_s
            self._note_phase(run_s)
            self._plan_ahead(self._planner, run_s)
            self._sample(run_s)
            breach = self._limits.judge(max(0.0, run_s), self._roster.totals) or self._rations.judge()
            if breach is not None:
                self.stop(breach.limit, breach.message, self._plan.limits.drain_s, now_s)
            elif run_s >= self._plan.schedule.duration_s:
                self.stop("completed", "every phase is over", self._plan.limits.drain_s, now_s)
            elif (late := self._time.judge(run_s)) is not None:
                self.stop(late.limit, late.message, self._plan.limits.drain_s, now_s)
            elif self._everybody_left:
                self._stop_without_users(now_s)
        if self.state is RunState.DRAINING:
            self._await_drain(now_s)

    # ── what there is to know ──

    @property
    def interval_s(self) -> float:
        """How often each pack is to report, in seconds."""
        longest_s = self._plan.limits.lease_s / _REPORTS_PER_LEASE
        return max(_SHORTEST_INTERVAL_S, min(longest_s, len(self._roster) / _REPORTS_PER_SECOND))

    @property
    def totals(self) -> Totals:
        """Sums over all packs, the lost ones included; arrivals for which nobody was active are unsent, too."""
        totals, undealt = self._roster.totals, self._planner.undealt if self._planner is not None else 0
        return msgspec.structs.replace(totals, unsent=totals.unsent + undealt) if undealt else totals

    @property
    def arrivals_due(self) -> int | None:
        """Requests of an open loop that were due until users were told to stop; None without an open loop.

        Packs hear of a stop up to a second after it was decided, and until then requests go on arriving. What packs
        that were lost do not say is as planned.
        """
        planned = self._planner.arrivals_due(self.stopped_at_s or 0.0) if self._planner is not None else None
        if planned is None or self._planner is None:
            return None
        return max(planned, self._roster.totals.arrived + self._planner.undealt)

    @property
    def plan(self) -> RunPlan:
        """The run's plan, with the terms that are in force."""
        return self._plan

    @property
    def allowed_usd(self) -> float | None:
        """The most that may have been spent under the limits of cost that were in force; None without one."""
        return self._rations.allowed_usd

    @property
    def money_short_from_s(self) -> float | None:
        """Run seconds at which packs had to begin to share what money was left; None when they never had to."""
        return self._rations.short_from_s

    @property
    def lost_commitments(self) -> dict[int, float]:
        """For each pack that lost a process: all that it may have spent, in USD."""
        return self._rations.lost_commitments

    @property
    def lost(self) -> dict[int, Loss]:
        """Users that were lost and are not back."""
        return self._losses.away

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Every loss so far, those that have ended first."""
        return (*self._losses.ended, *self._losses.away.values())

    @property
    def lost_processes(self) -> tuple[LostProcess, ...]:
        """Every process that was lost, with the last that was heard of it."""
        return self._words.lost

    def accepted(self, users: Collection[int]) -> tuple[tuple[int, int], ...]:
        """How many requests users have accepted in all their lives, as last reported, if that is limited."""
        return self._words.accepted(users)

    @property
    def ready_users(self) -> AbstractSet[int]:
        """Users that were set up and not lost."""
        return self._roster.users - self.lost.keys()

    @property
    def ready(self) -> int:
        """How many were set up and not lost."""
        return len(self._roster.users) - sum(user in self._roster.users for user in self.lost)

    @property
    def _everybody_left(self) -> bool:
        if len(self.lost) + len(self.gone_users) < len(self._roster.users):
            # nearly always, and this is asked at every report
            return False
        return self._roster.users <= (self.lost.keys() - self._losses.awaited) | self.gone_users.keys()

    @property
    def active(self) -> int:
        """Users that are active as their packs last reported."""
        return self._roster.active

    @property
    def error_rate(self) -> float | None:
        """Share of failed requests within the error window; None before there are any."""
        return self._limits.error_rate()

    @property
    def health(self) -> tuple[PackHealth, ...]:
        """The latest health of every pack that reported."""
        return tuple(pack.health for pack in self._roster if pack.health is not None)

    @property
    def packs(self) -> tuple[PackView, ...]:
        """Every pack that was set up."""
        return tuple(PackView(pack.health, pack.active, pack.drained, pack.lost) for pack in self._roster)

    def silent(self, now_s: float) -> tuple[int, ...]:
        """Packs that should have reported by now, and have not, for longer than a busy process may take."""
        if self.run_start_s is None or self.state is RunState.DRAINED:
            return ()
        patience_s = 2 * self.interval_s + _SILENCE_S
        return tuple(self._roster.unheard(now_s - self.run_start_s - patience_s))

    def take_events(self) -> list[Event]:
        """Events since the last call."""
        events, self._events = self._events, []
        return events

    # ── to survive ──

    def take_grants(self) -> list[Grant]:
        """Grants of money since the last call; each is to be on disk before its pack hears of it."""
        return self._rations.take_grants()

    def checkpoint(self, now_s: float) -> Checkpoint:
        """What `resume` needs."""
        self.must_keep = False
        run_s = self._run_s(now_s)
        return Checkpoint(
            taken_s=now_s,
            wall_offset_s=self.wall_offset_s,
            state=str(self.state),
            run_start_s=self.run_start_s,
            phase=self._phase,
            stop=self._stop,
            stop_message=self.stop_message,
            stopped_at_s=self.stopped_at_s,
            drain_until_s=self._drain_until_s,
            drained_at_s=self.drained_at_s,
            told_of_overbilling=self._told_of_overbilling,
            roster=self._roster.checkpoint(),
            planner=self._planner.checkpoint(min(run_s, self.stopped_at_s or run_s)) if self._planner else None,
            losses=self._losses.checkpoint(),
            moves=self._moves.checkpoint(),
            words=self._words.checkpoint(),
            gone_users=dict(self.gone_users),
            errors=self._limits.checkpoint(),
            rations=self._rations.checkpoint(),
            restarts=tuple(self.restarts),
            terms=self.terms if self.terms.version else None,
            reloads=tuple(self.reloads),
        )

    @classmethod
    def resume(cls, plan: RunPlan, saved: Checkpoint, grants: Iterable[Grant], now_s: float) -> RunControl:
        """The control of a restarted coordinator, on the same clock; goes on with the phase.

        Args:
            plan: as it was planned.
            saved: the last checkpoint.
            grants: those since then, and any older ones.
            now_s: the time.
        """
        plan = saved.terms.on(plan) if saved.terms is not None else plan
        control = cls(plan, wall_offset_s=saved.wall_offset_s)
        control.terms, control.reloads = saved.terms or control.terms, list(saved.reloads)
        control.state, control.run_start_s, control._phase = RunState(saved.state), saved.run_start_s, saved.phase
        control._stop, control.stop_message = saved.stop, saved.stop_message
        control.stop_reason = saved.stop.reason if saved.stop is not None else ""
        control.stopped_at_s, control.drained_at_s = saved.stopped_at_s, saved.drained_at_s
        control._drain_until_s = saved.drain_until_s
        control._told_of_overbilling = saved.told_of_overbilling
        control._roster = Roster.resume(saved.roster)
        control._losses = Losses.resume(saved.losses)
        control._moves = Moves.resume(saved.moves)
        control._words = LastWords.resume(saved.words)
        control.gone_users = dict(saved.gone_users)
        control._limits = LimitWatch(plan.limits, saved.errors)
        control._rations = Rations.resume(plan.limits, saved.rations, grants, control._roster.living, now_s)
        if saved.planner is not None:
            control._planner = Planner.resume(plan.schedule, plan.seed, saved.planner)
        control.restarts = [*saved.restarts, Restart(control._run_s(now_s), now_s - saved.taken_s)]
        control._note("coordinator_restarted", away_s=round(now_s - saved.taken_s, 3))
        control._go_on(now_s)
        return control

    def _go_on(self, now_s: float) -> None:
        run_s = self._run_s(now_s)
        if self.state is RunState.RUNNING and self._planner is not None and self.run_start_s is not None:
            run_s = now_s - self.run_start_s
            self._planned_until_s = self._horizon_s(run_s)
            self._roster.tell(*self._planner.catch_up(self._planned_until_s, run_s=run_s))
            for pack in self._roster.living:
                member = self._roster.get(pack) or Member(frozenset())
                self._words.doubt(pack, self._losses.life(pack), run_s, len(member.users), len(member.arrivals))
        elif self._stop is not None and self.state is RunState.DRAINING:
            # a pack may hear only now that it is to stop
            self._stop = StopOrder(self._stop.reason, min(self._stop.drain_s, self._time.left_s(run_s)))
            self._drain_until_s = now_s + self._stop.drain_s

    # ── inside ──

    def _horizon_s(self, run_s: float) -> float:
        """How far ahead packs are told what comes: until their next report but one."""
        return run_s + 2 * self.interval_s + 0.5

    def _plan_ahead(self, planner: Planner, run_s: float) -> None:
        """Orders for the time until a pack's next report but one."""
        until_s, not_before_s = self._horizon_s(run_s), run_s + self.interval_s
        # steps that are left out because it is late would not be left out when they are planned again after a restart
        self.must_keep |= self._planned_until_s < not_before_s
        self._planned_until_s = until_s
        self._roster.tell(*planner.plan_until(until_s, run_s=run_s, not_before_s=not_before_s))
        shortage = self._rations.note_shortage(run_s)
        if shortage is not None:
            self._events.append(shortage)
            self.must_keep = True

    def _stop_without_users(self, now_s: float) -> None:
        if set(self.gone_users.values()) == {REQUEST_LIMIT} and not self.lost:
            self.stop("completed", "every user has sent its requests", self._plan.limits.drain_s, now_s)
        else:
            self.stop("no_users", "every user has left or was lost", self._plan.limits.drain_s, now_s)

    def _await_drain(self, now_s: float) -> None:
        # a pack hears of the last order within an interval, and says that it has drained within another
        patience_s = 2 * self.interval_s + _DRAIN_GRACE_S
        if self._roster.drained:
            self._note("drained")
        elif now_s > self._drain_until_s + patience_s:
            self._note("drain_timed_out", packs=self._roster.undrained)
        else:
            return
        self.state = RunState.DRAINED
        self.drained_at_s = self._run_s(now_s)

    def _run_s(self, now_s: float) -> float:
        return 0.0 if self.run_start_s is None else max(0.0, now_s - self.run_start_s)

    def _note(self, event: str, **detail: object) -> None:
        self._events.append(Event(event, detail))
        self.must_keep = True

    def _note_phase(self, run_s: float) -> None:
        phase = self._plan.schedule.phase_at(run_s)
        if phase is not None and phase.index != self._phase:
            self._phase = phase.index
            self._note("phase", name=phase.name, kind=phase.kind, target_users=phase.to_users)

    def _sample(self, run_s: float) -> None:
        if run_s >= 0 and (not self.samples or run_s - self.samples[-1][0] >= 1.0):
            self.samples.append((run_s, self._plan.schedule.target_at(run_s), self.active))


def _told(word: LastWord) -> dict[str, object] | None:
    """The last word as an event tells it; None when there was none."""
    if word.at_run_s is None:
        return None
    return {"at_s": round(word.at_run_s, 3), "sequence": word.sequence, "sent": word.sent, "unsure": word.unsure}
