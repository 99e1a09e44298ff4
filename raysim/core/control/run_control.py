"""The course of a run, from the first ready pack to the last drained one. Pure: every event brings its own time."""

from __future__ import annotations

from collections.abc import Iterable

from raysim.core.control.amending import rule
from raysim.core.control.checkpoint import Checkpoint
from raysim.core.control.lives import Lives
from raysim.core.control.messages import REQUEST_LIMIT, TENANT_REASONS, Event, Orders, PackStatus, StopOrder
from raysim.core.control.planner import Planner
from raysim.core.control.roster import Member
from raysim.core.control.situation import REPORTS_PER_SECOND, RunState, Situation
from raysim.core.control.terms import Amendment, Ruling, Terms
from raysim.core.control.treasury import Grant
from raysim.core.errors import Problem
from raysim.core.plan.run_plan import RunPlan

#: a pack in which requests wait may report this often, if there are not too many packs
_SHORTEST_URGENT_S = 0.05
#: from the order to begin to the run's second 0: every pack hears of it before
_START_LEAD_S = 1.5
#: a pack that has not reported itself drained this long after it should have is not waited for
_DRAIN_GRACE_S = 3.0


class RunControl:
    """Decides who is active and when the run ends; told of reports, asked for orders.

    `situation` is what there is to know; `lives` is told of packs that come, go and move.

    Args:
        situation: a run that is to begin, or one that a coordinator before this one left.
    """

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.lives = Lives(situation)
        self._planned_until_s = 0.0

    @classmethod
    def of(cls, plan: RunPlan, *, wall_offset_s: float = 0.0) -> RunControl:
        """The control of a run of which nobody is ready yet; the offset makes wall time of the caller's clock."""
        return cls(Situation(plan, wall_offset_s=wall_offset_s))

    # ── events ──

    def begin(self, now_s: float) -> None:
        """All packs that will come are ready: the run's second 0 is a moment from now. Asked again, nothing happens."""
        run = self.situation
        if run.state is not RunState.PREPARING:
            return
        run.run_start_s = now_s + _START_LEAD_S
        run.planner = Planner(run.plan.schedule, run.plan.seed, run.ready_users)
        run.state = RunState.RUNNING
        run.note("run_started", users=len(run.ready_users))

    def report(self, status: PackStatus, now_s: float) -> Orders:
        """A pack's report; the answer is what it is to do."""
        run = self.situation
        pack = run.roster.get(status.pack)
        run.rations.hear(status)
        if run.run_start_s is not None:
            known = status.terms == run.terms.version
            run.words.hear(status, now_s - run.run_start_s, run.plan.limits if known else None)
        if pack is not None and (pack.lost or status.life != run.losses.life(status.pack)):
            self.tick(now_s)
            return self._dismissal(now_s)
        if pack is None:
            pack = Member(frozenset())
        elif status.sequence > pack.sequence:
            self._take(pack, status, now_s)
        self.tick(now_s)
        switches, arrivals = pack.collect()
        running = run.state is RunState.RUNNING and pack.leaving is None
        orders = Orders(
            clock_s=now_s,
            wall_offset_s=run.wall_offset_s,
            lease_s=run.plan.limits.lease_s,
            interval_s=run.interval_s,
            run_start_s=run.run_start_s,
            switches=switches,
            stop=run.ending.order or pack.leaving,
            urgent_s=max(_SHORTEST_URGENT_S, len(run.roster) / REPORTS_PER_SECOND),
            lease=run.rations.lease(status.pack, running=running),
            slots=run.rations.slots(status, now_s) if running else None,
            arrivals=arrivals,
            terms=run.terms if status.terms != run.terms.version else None,
        )
        run.words.answer(status, orders)
        return orders

    def _dismissal(self, now_s: float) -> Orders:
        """What a process hears that was taken for lost and is not: nobody counts what it does, so it is to stop."""
        run = self.situation
        return Orders(
            clock_s=now_s,
            wall_offset_s=run.wall_offset_s,
            lease_s=run.plan.limits.lease_s,
            interval_s=run.interval_s,
            run_start_s=run.run_start_s,
            stop=run.ending.order or StopOrder("lost", 0.0),
        )

    def _take(self, pack: Member, status: PackStatus, now_s: float) -> None:
        run = self.situation
        # a pack that has drained reports no more
        run.must_keep |= status.drained and not pack.drained
        run.roster.take(pack, status, run.run_s(now_s))
        if status.totals.beyond_usd and not run.told_of_overbilling:
            run.told_of_overbilling = True
            run.note("billed_beyond_reservation", pack=status.pack, beyond_usd=status.totals.beyond_usd)
        if status.gone and run.planner is not None:
            for user, reason in status.gone:
                run.planner.leave([user], replaced=reason not in TENANT_REASONS)
                run.gone_users[user] = reason
                run.note("user_left", user=user, reason=reason)

    def stop(self, reason: str, message: str, drain_s: float, now_s: float) -> None:
        """End the run: users stop asking; what is in flight may finish within `drain_s`, or sooner if told again.

        Nothing is in flight any more when the run has lasted as long as it may.
        """
        self.situation.stop(reason, message, now_s, drain_s=drain_s)

    def amend(self, asked: Amendment, now_s: float) -> Ruling:
        """Change the run's terms as far as that can be; what cannot be is in the ruling, with the reason."""
        run = self.situation
        if run.state is not RunState.RUNNING or run.planner is None:
            late = [Problem(change.path, f"too late: the run is {run.state}") for change in asked.changes]
            asked = Amendment(None, (), (*asked.refused, *late))
        planned_until_s = run.planner.planned_until_s if run.planner is not None else 0.0
        ruling = rule(asked, run.terms, run.run_s(now_s), planned_until_s)
        done = ruling.reload
        run.reloads.append(done)
        run.must_keep = True
        if done.refused:
            run.note("reload_refused", problems=[str(problem) for problem in done.refused])
        if done.applied:
            told = [{"path": change.path, "old": change.before, "new": change.after} for change in done.applied]
            run.note("reload_applied", version=ruling.terms.version, changes=told)
            self._take_up(ruling.terms, now_s)
        self.tick(now_s)
        return ruling

    def _take_up(self, terms: Terms, now_s: float) -> None:
        """From now on these hold."""
        run = self.situation
        run.take_up(terms)
        breach = run.rations.follow(terms.limits)
        if breach is not None and run.state is RunState.RUNNING:
            run.stop(breach.limit, breach.message, now_s)

    def tick(self, now_s: float) -> None:
        """Time has passed: plan switches ahead, note phases, hold limits, see whether everyone has drained."""
        run = self.situation
        if run.state is RunState.RUNNING and run.run_start_s is not None and run.planner is not None:
            run_s = now_s - run.run_start_s
            self._note_phase(run_s)
            self._plan_ahead(run.planner, run_s)
            self._sample(run_s)
            breach = run.limits.judge(max(0.0, run_s), run.roster.totals) or run.rations.judge()
            if breach is not None:
                run.stop(breach.limit, breach.message, now_s)
            elif run_s >= run.plan.schedule.duration_s:
                run.stop("completed", "every phase is over", now_s)
            elif (late := run.ending.late(run_s)) is not None:
                run.stop(late.limit, late.message, now_s)
            elif run.everybody_left:
                self._stop_without_users(now_s)
        if run.state is RunState.DRAINING:
            self._await_drain(now_s)

    def take_events(self) -> list[Event]:
        """Events since the last call."""
        return self.situation.take_events()

    # ── to survive ──

    def take_grants(self) -> list[Grant]:
        """Grants of money since the last call; each is to be on disk before its pack hears of it."""
        return self.situation.rations.take_grants()

    def checkpoint(self, now_s: float) -> Checkpoint:
        """What `resume` needs."""
        return self.situation.checkpoint(now_s)

    @classmethod
    def resume(cls, plan: RunPlan, saved: Checkpoint, grants: Iterable[Grant], now_s: float) -> RunControl:
        """The control of a restarted coordinator, on the same clock; goes on with the phase.

        Args:
            plan: as it was planned.
            saved: the last checkpoint.
            grants: those since then, and any older ones.
            now_s: the time.
        """
        control = cls(Situation.resume(plan, saved, grants, now_s))
        control._go_on(now_s)
        return control

    def _go_on(self, now_s: float) -> None:
        run = self.situation
        if run.state is RunState.RUNNING and run.planner is not None and run.run_start_s is not None:
            run_s = now_s - run.run_start_s
            self._planned_until_s = self._horizon_s(run_s)
            run.roster.tell(*run.planner.catch_up(self._planned_until_s, run_s=run_s))
            for pack in run.roster.living:
                member = run.roster.get(pack) or Member(frozenset())
                run.words.doubt(pack, run.losses.life(pack), run_s, len(member.users), len(member.arrivals))
        elif run.state is RunState.DRAINING:
            run.ending.give_again(now_s, run.run_s(now_s))

    # ── inside ──

    def _horizon_s(self, run_s: float) -> float:
        """How far ahead packs are told what comes: until their next report but one."""
        return run_s + 2 * self.situation.interval_s + 0.5

    def _plan_ahead(self, planner: Planner, run_s: float) -> None:
        """Orders for the time until a pack's next report but one."""
        run = self.situation
        until_s, not_before_s = self._horizon_s(run_s), run_s + run.interval_s
        # steps that are left out because it is late would not be left out when they are planned again after a restart
        run.must_keep |= self._planned_until_s < not_before_s
        self._planned_until_s = until_s
        run.roster.tell(*planner.plan_until(until_s, run_s=run_s, not_before_s=not_before_s))
        shortage = run.rations.note_shortage(run_s)
        if shortage is not None:
            run.enter(shortage)

    def _stop_without_users(self, now_s: float) -> None:
        if set(self.situation.gone_users.values()) == {REQUEST_LIMIT} and not self.situation.lost:
            self.situation.stop("completed", "every user has sent its requests", now_s)
        else:
            self.situation.stop("no_users", "every user has left or was lost", now_s)

    def _await_drain(self, now_s: float) -> None:
        run = self.situation
        # a pack hears of the last order within an interval, and says that it has drained within another
        patience_s = 2 * run.interval_s + _DRAIN_GRACE_S
        if run.roster.drained:
            run.note("drained")
        elif run.ending.overdue(now_s, patience_s):
            run.note("drain_timed_out", packs=run.roster.undrained)
        else:
            return
        run.state = RunState.DRAINED
        run.ending.drained_at_s = run.run_s(now_s)

    def _note_phase(self, run_s: float) -> None:
        run = self.situation
        phase = run.plan.schedule.phase_at(run_s)
        if phase is not None and phase.index != run.phase:
            run.phase = phase.index
            run.note("phase", name=phase.name, kind=phase.kind, target_users=phase.to_users)

    def _sample(self, run_s: float) -> None:
        run = self.situation
        if run_s >= 0 and (not run.samples or run_s - run.samples[-1][0] >= 1.0):
            run.samples.append((run_s, run.plan.schedule.target_at(run_s), run.active))
