"""A run's situation: its packs, who was lost, its money, its terms, and what there is to know of it all."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum

import msgspec

from raysim.core.control.checkpoint import Checkpoint, Restart
from raysim.core.control.ending import Ending
from raysim.core.control.last_words import LastWords, LostProcess
from raysim.core.control.limits import LimitWatch, TimeLimit
from raysim.core.control.losses import Loss, Losses
from raysim.core.control.messages import Event, PackHealth, PackView, Totals
from raysim.core.control.moves import Moves
from raysim.core.control.planner import Planner
from raysim.core.control.rations import Rations
from raysim.core.control.roster import Roster
from raysim.core.control.terms import Reload, Terms
from raysim.core.control.treasury import Grant
from raysim.core.plan.run_plan import RunPlan

#: packs together report at most this often per second, so that the coordinator keeps up with thousands of them
REPORTS_PER_SECOND = 250
_SHORTEST_INTERVAL_S = 1.0
#: but each reports so often within a lease, lest one report that goes astray ends it
_REPORTS_PER_LEASE = 4
#: a pack that reports this much late, in seconds, may be lost: somebody should look
_SILENCE_S = 1.0


class RunState(StrEnum):
    """Where a run is."""

    PREPARING = "preparing"
    RUNNING = "running"
    DRAINING = "draining"
    DRAINED = "drained"


class Situation:
    """What those who decide share, and what everybody else may ask. Times on the coordinator's clock, or run seconds.

    Args:
        plan: the run's plan.
        wall_offset_s: what to add to that clock for wall time.
    """

    def __init__(self, plan: RunPlan, *, wall_offset_s: float = 0.0) -> None:
        #: with the terms that are in force
        self.plan = plan
        self.wall_offset_s = wall_offset_s
        self.state = RunState.PREPARING
        self.run_start_s: float | None = None
        self.roster = Roster()
        self.losses = Losses()
        self.moves = Moves()
        self.words = LastWords(plan.behaviour.think_s.low)
        self.limits = LimitWatch(plan.limits)
        self.rations = Rations(plan.limits)
        self.ending = Ending(TimeLimit(plan.limits, plan.schedule.duration_s))
        #: who is active when, once the run has begun
        self.planner: Planner | None = None
        #: user → why it left for good
        self.gone_users: dict[int, str] = {}
        #: what packs are to follow, and what became of every change that was asked for
        self.terms = Terms.of(plan)
        self.reloads: list[Reload] = []
        #: (run second, target, active) about once a second
        self.samples: list[tuple[float, int, int]] = []
        self.restarts: list[Restart] = []
        #: what was noted already: the index of the latest phase, and that the platform bills more than was set aside
        self.phase = -1
        self.told_of_overbilling = False
        #: whether something has happened since the last checkpoint that nobody would tell a restarted coordinator
        self.must_keep = False
        self._events: list[Event] = []

    # ── what happens to it ──

    def note(self, event: str, **detail: object) -> None:
        """Something has happened that belongs among the run's events."""
        self.enter(Event(event, detail))

    def enter(self, event: Event) -> None:
        """As `note`."""
        self._events.append(event)
        self.must_keep = True

    def take_events(self) -> list[Event]:
        """Events since the last call."""
        events, self._events = self._events, []
        return events

    def stop(self, reason: str, message: str, now_s: float, *, drain_s: float | None = None) -> None:
        """End the run; see `RunControl.stop`. Without `drain_s` it is what the limits say."""
        if self.state is RunState.DRAINED:
            return
        drain_s = self.plan.limits.drain_s if drain_s is None else drain_s
        if self.ending.stop(reason, message, drain_s, now_s, self.run_s(now_s)):
            self.note("stopping", reason=reason, message=message)
        self.state = RunState.DRAINING

    def take_up(self, terms: Terms) -> None:
        """From now on these hold; whoever has more than they allow is not told by this."""
        self.terms, self.plan = terms, terms.on(self.plan)
        self.limits.follow(terms.limits)
        self.words.follow(terms.pace.think_s.low)
        self.ending.follow(TimeLimit(terms.limits, terms.schedule.duration_s))
        if self.planner is not None:
            self.planner.follow(terms.schedule)

    # ── what there is to know ──

    def run_s(self, now_s: float) -> float:
        """Seconds since the run's second 0; 0 before it."""
        return 0.0 if self.run_start_s is None else max(0.0, now_s - self.run_start_s)

    @property
    def interval_s(self) -> float:
        """How often each pack is to report, in seconds."""
        longest_s = self.plan.limits.lease_s / _REPORTS_PER_LEASE
        return max(_SHORTEST_INTERVAL_S, min(longest_s, len(self.roster) / REPORTS_PER_SECOND))

    @property
    def totals(self) -> Totals:
        """Sums over all packs, the lost ones included; arrivals for which nobody was active are unsent, too."""
        totals, undealt = self.roster.totals, self.planner.undealt if self.planner is not None else 0
        return msgspec.structs.replace(totals, unsent=totals.unsent + undealt) if undealt else totals

    @property
    def arrivals_due(self) -> int | None:
        """Requests of an open loop that were due until users were told to stop; None without an open loop.

        Packs hear of a stop up to a second after it was decided, and until then requests go on arriving. What packs
        that were lost do not say is as planned.
        """
        planned = self.planner.arrivals_due(self.ending.stopped_at_s or 0.0) if self.planner is not None else None
        if planned is None or self.planner is None:
            return None
        return max(planned, self.roster.totals.arrived + self.planner.undealt)

    @property
    def allowed_usd(self) -> float | None:
        """The most that may have been spent under the limits of cost that were in force; None without one."""
        return self.rations.allowed_usd

    @property
    def money_short_from_s(self) -> float | None:
        """Run seconds at which packs had to begin to share what money was left; None when they never had to."""
        return self.rations.short_from_s

    @property
    def lost_commitments(self) -> dict[int, float]:
        """For each pack that lost a process: all that it may have spent, in USD."""
        return self.rations.lost_commitments

    @property
    def lost(self) -> dict[int, Loss]:
        """Users that were lost and are not back."""
        return self.losses.away

    @property
    def lost_processes(self) -> tuple[LostProcess, ...]:
        """Every process that was lost, with the last that was heard of it."""
        return self.words.lost

    def accepted(self, users: Collection[int]) -> tuple[tuple[int, int], ...]:
        """How many requests users have accepted in all their lives, as last reported, if that is limited."""
        return self.words.accepted(users)

    @property
    def ready_users(self) -> AbstractSet[int]:
        """Users that were set up and not lost."""
        return self.roster.users - self.lost.keys()

    @property
    def ready(self) -> int:
        """How many were set up and not lost."""
        return len(self.roster.users) - sum(user in self.roster.users for user in self.lost)

    @property
    def everybody_left(self) -> bool:
        """Whether nobody is left, and nobody is awaited."""
        if len(self.lost) + len(self.gone_users) < len(self.roster.users):
            # nearly always, and this is asked at every report
            return False
        return self.roster.users <= (self.lost.keys() - self.losses.awaited) | self.gone_users.keys()

    @property
    def active(self) -> int:
        """Users that are active as their packs last reported."""
        return self.roster.active

    @property
    def error_rate(self) -> float | None:
        """Share of failed requests within the error window; None before there are any."""
        return self.limits.error_rate()

    @property
    def health(self) -> tuple[PackHealth, ...]:
        """The latest health of every pack that reported."""
        return tuple(pack.health for pack in self.roster if pack.health is not None)

    @property
    def packs(self) -> tuple[PackView, ...]:
        """Every pack that was set up."""
        return tuple(PackView(pack.health, pack.active, pack.drained, pack.lost) for pack in self.roster)

    def silent(self, now_s: float) -> tuple[int, ...]:
        """Packs that should have reported by now, and have not, for longer than a busy process may take."""
        if self.run_start_s is None or self.state is RunState.DRAINED:
            return ()
        patience_s = 2 * self.interval_s + _SILENCE_S
        return tuple(self.roster.unheard(now_s - self.run_start_s - patience_s))

    # ── to survive ──

    def checkpoint(self, now_s: float) -> Checkpoint:
        """What `resume` needs."""
        self.must_keep = False
        run_s, stopped_at_s = self.run_s(now_s), self.ending.stopped_at_s
        return Checkpoint(
            taken_s=now_s,
            wall_offset_s=self.wall_offset_s,
            state=str(self.state),
            run_start_s=self.run_start_s,
            phase=self.phase,
            told_of_overbilling=self.told_of_overbilling,
            ending=self.ending.checkpoint(),
            roster=self.roster.checkpoint(),
            planner=self.planner.checkpoint(min(run_s, stopped_at_s or run_s)) if self.planner else None,
            losses=self.losses.checkpoint(),
            moves=self.moves.checkpoint(),
            words=self.words.checkpoint(),
            gone_users=dict(self.gone_users),
            errors=self.limits.checkpoint(),
            rations=self.rations.checkpoint(),
            restarts=tuple(self.restarts),
            terms=self.terms if self.terms.version else None,
            reloads=tuple(self.reloads),
        )

    @classmethod
    def resume(cls, plan: RunPlan, saved: Checkpoint, grants: Iterable[Grant], now_s: float) -> Situation:
        """The situation that a restarted coordinator finds, see `RunControl.resume`."""
        plan = saved.terms.on(plan) if saved.terms is not None else plan
        found = cls(plan, wall_offset_s=saved.wall_offset_s)
        found.terms, found.reloads = saved.terms or found.terms, list(saved.reloads)
        found.state, found.run_start_s = RunState(saved.state), saved.run_start_s
        found.phase, found.told_of_overbilling = saved.phase, saved.told_of_overbilling
        found.ending = Ending.resume(TimeLimit(plan.limits, plan.schedule.duration_s), saved.ending)
        found.roster = Roster.resume(saved.roster)
        found.losses = Losses.resume(saved.losses)
        found.moves = Moves.resume(saved.moves)
        found.words = LastWords.resume(saved.words)
        found.gone_users = dict(saved.gone_users)
        found.limits = LimitWatch(plan.limits, saved.errors)
        found.rations = Rations.resume(plan.limits, saved.rations, grants, found.roster.living, now_s)
        if saved.planner is not None:
            found.planner = Planner.resume(plan.schedule, plan.seed, saved.planner)
        found.restarts = [*saved.restarts, Restart(found.run_s(now_s), now_s - saved.taken_s)]
        found.note("coordinator_restarted", away_s=round(now_s - saved.taken_s, 3))
        return found
