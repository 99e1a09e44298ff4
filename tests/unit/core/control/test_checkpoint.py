"""A coordinator that is killed at any moment and goes on from its checkpoint, in virtual time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysim.core.control.checkpoint import Checkpoint
from raysim.core.control.lease import Lease
from raysim.core.control.messages import Orders, PackHealth, PackStatus, StopOrder, Totals
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from raysim.core.control.treasury import Grant
from raysim.core.plan.load import ArrivalPlan
from raysim.core.plan.run_plan import RunPlan
from raysim.core.pricing import picodollars_within
from tests.unit.core.control.course import PACKS, Course, switches_of
from tests.unit.core.control.course import plan as course_plan
from tests.unit.core.plan.scenarios import plan_of, schedule_of

USERS, CREWS = 24, 4
BEGIN_S = 500.0
STEPS = 20
LIMIT_USD = 0.5
#: after a gap packs hear what they missed within an interval; until a second after that nobody is held to the schedule
SETTLING_S = 2.1


@dataclass(frozen=True)
class Kill:
    """The coordinator dies at this second: when it is asked next, or after it has decided and before it answers."""

    at_s: float
    mute: bool
    gap_s: float


class Coordinator:
    """What the actor does with a control: every checkpoint goes through its file's format."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.control: RunControl | None = RunControl.of(plan)
        self._kept, self._kept_s = b"", 0.0
        self._log: list[Grant] = []

    def keep(self, now_s: float, *, must: bool = False) -> None:
        assert self.control is not None
        self._log += self.control.take_grants()
        if must or self.control.situation.must_keep or now_s - self._kept_s >= 1.0:
            self._kept, self._kept_s = msgspec.json.encode(self.control.checkpoint(now_s)), now_s
            self._log.clear()

    def restart(self, now_s: float) -> None:
        self.control = RunControl.resume(self.plan, msgspec.json.decode(self._kept, type=Checkpoint), self._log, now_s)
        self.keep(now_s, must=True)


@dataclass
class Crew:
    """A pack's process, as far as the coordinator can tell."""

    index: int
    lease: Lease
    active: set[int] = field(default_factory=set)
    due: list[tuple[float, int, bool]] = field(default_factory=list)
    arrived: list[tuple[float, int]] = field(default_factory=list)
    heard_until: int = 0
    stop: StopOrder | None = None
    drained: bool = False
    dead: bool = False
    sequence: int = 0
    waiting: dict[int, int] = field(default_factory=dict)
    under_way: dict[int, int] = field(default_factory=dict)
    spent: int = 0


class Stage:
    """Packs that report once a second, whether or not somebody is there to hear it."""

    def __init__(self, plan: RunPlan, kills: list[Kill], *, dying_at_s: float = 0.0, spending: bool = False) -> None:
        self.coordinator = Coordinator(plan)
        self.crews = [Crew(index, Lease(f"{index}.0", 10**9)) for index in range(CREWS)]
        self._kills = sorted(kills, key=lambda kill: kill.at_s, reverse=True)
        self._back_s = 0.0
        self._dying_at_s = dying_at_s
        self._untold: int | None = None
        self._spending = spending
        self._random = random.Random(1)
        self._tickets = 0
        control = self.coordinator.control
        assert control is not None
        for crew in self.crews:
            control.lives.pack_ready(crew.index, range(crew.index, USERS, CREWS), BEGIN_S)
        control.begin(BEGIN_S)
        assert control.situation.run_start_s is not None
        self.start_s = control.situation.run_start_s
        self.coordinator.keep(BEGIN_S)
        #: spans of run seconds in which packs did not hear of everything in time
        self.gaps: list[tuple[float, float]] = []

    @property
    def overdrawn(self) -> bool:
        spent = sum(crew.spent + sum(crew.under_way.values()) for crew in self.crews)
        return spent > picodollars_within(LIMIT_USD)

    @property
    def all_known(self) -> bool:
        """Whether the treasury counts all that packs hold or have spent."""
        control = self.coordinator.control
        treasury = control.situation.rations._treasury if control is not None else None
        held = sum(crew.lease._granted - crew.lease._returned for crew in self.crews)
        return treasury is None or treasury.committed >= held

    def play(self, until_s: float) -> dict[int, set[int]]:
        """Who was active at every whole second; ends sooner once the run has drained."""
        seen: dict[int, set[int]] = {}
        for tick in range(-int(1.5 * STEPS), int(until_s * STEPS) + 1):
            run_s = tick / STEPS
            self._come_back(run_s)
            self._carry_out(run_s)
            if tick >= 0 and tick % STEPS == 0:
                seen[tick // STEPS] = {user for crew in self.crews for user in crew.active}
            crew = self.crews[tick % CREWS]
            if (tick // CREWS) % (STEPS // CREWS) == 0 and not crew.dead:
                self._exchange(crew, run_s)
            if self._spending:
                self._spend(self.crews[self._random.randrange(CREWS)])
                assert not self.overdrawn, run_s
                assert self.all_known, run_s
            control = self.coordinator.control
            if control is not None and control.situation.state is RunState.DRAINED:
                break
        return seen

    def _come_back(self, run_s: float) -> None:
        now_s = self.start_s + run_s
        if self._dying_at_s and run_s >= self._dying_at_s:
            crew, self._dying_at_s = self.crews[0], 0.0
            crew.dead, self._untold = True, crew.index
            crew.active.clear()
            # whatever it had under way is billed
            crew.spent += sum(crew.under_way.values())
            crew.under_way.clear()
        if self.coordinator.control is None and run_s >= self._back_s:
            self.coordinator.restart(now_s)
        if self.coordinator.control is not None and self._untold is not None:
            self.coordinator.control.lives.pack_lost(self._untold, range(self._untold, USERS, CREWS), "killed", now_s)
            self.coordinator.keep(now_s)
            self._untold = None

    def _exchange(self, crew: Crew, run_s: float) -> None:
        kill = self._kills[-1] if self._kills and self._kills[-1].at_s <= run_s else None
        if self.coordinator.control is None or (kill is not None and not kill.mute):
            crew.sequence += 1
            crew.lease.report(len(crew.active), run_s, 1.0)
            self._die(kill, run_s)
            return
        orders = self._ask(self.coordinator.control, crew, run_s)
        self.coordinator.keep(self.start_s + run_s)
        if kill is not None:
            self._die(kill, run_s)
            return
        self._obey(crew, orders, run_s)

    def _die(self, kill: Kill | None, run_s: float) -> None:
        if kill is not None and self.coordinator.control is not None:
            self._kills.pop()
            self.coordinator.control = None
            self._back_s = run_s + kill.gap_s
            self.gaps.append((run_s, self._back_s + SETTLING_S))

    def _ask(self, control: RunControl, crew: Crew, run_s: float) -> Orders:
        crew.sequence += 1
        crew.drained = crew.drained or crew.stop is not None
        return control.report(
            PackStatus(
                crew.index,
                crew.sequence,
                Totals(),
                len(crew.active),
                len(crew.under_way),
                drained=crew.drained,
                health=PackHealth(f"{crew.index}", "node", 0.0, 0.0, 0.0),
                lease=crew.lease.report(len(crew.active), run_s, 1.0),
            ),
            self.start_s + run_s,
        )

    def _obey(self, crew: Crew, orders: Orders, run_s: float) -> None:
        crew.due += [(max(run_s, switch.at_run_s), switch.user, switch.on) for switch in orders.switches]
        for arrival in orders.arrivals:
            # as a pack does
            if arrival.number > crew.heard_until:
                crew.heard_until = arrival.number
                crew.arrived.append((arrival.at_run_s, arrival.user))
        if orders.lease is not None:
            self._served(crew, crew.lease.hear(orders.lease))
        if orders.stop is not None and crew.stop is None:
            crew.stop = orders.stop
            crew.active.clear()
            crew.due.clear()
            for ticket in list(crew.waiting):
                crew.lease.withdraw(ticket)
            crew.waiting.clear()
            while crew.under_way:
                self._settle(crew)
            crew.lease.close()

    def _carry_out(self, run_s: float) -> None:
        for crew in self.crews:
            now = sorted((entry for entry in crew.due if entry[0] <= run_s), key=lambda entry: entry[0])
            crew.due = [entry for entry in crew.due if entry[0] > run_s]
            for _, user, on in now:
                if not crew.dead:
                    (crew.active.add if on else crew.active.discard)(user)

    def _spend(self, crew: Crew) -> None:
        if crew.dead or crew.stop is not None:
            return
        if len(crew.under_way) + len(crew.waiting) < len(crew.active):
            self._tickets += 1
            most = self._random.randrange(10**8, 10**10)
            crew.waiting[self._tickets] = most
            if crew.lease.ask(self._tickets, most):
                self._served(crew, [self._tickets])
        if len(crew.under_way) > 2 or (crew.under_way and self._random.random() < 0.3):
            self._settle(crew)

    def _settle(self, crew: Crew) -> None:
        ticket = next(iter(crew.under_way))
        cost = int(crew.under_way.pop(ticket) * self._random.random())
        crew.spent += cost
        self._served(crew, crew.lease.settle(ticket, cost))

    def _served(self, crew: Crew, tickets: list[int]) -> None:
        for ticket in tickets:
            crew.under_way[ticket] = crew.waiting.pop(ticket)


def plan(**limits: Any) -> RunPlan:
    made = plan_of(
        users={"perOrg": {"min": USERS, "max": USERS}},
        workers={"usersPerActor": USERS // CREWS},
        limits={"lease": "1h", "maxCostUsd": LIMIT_USD, **limits},
        bootstrap={"onLoss": "continue"},
    )
    schedule = schedule_of(USERS, (6.0, 12, "linear"), (8.0, 18, "wave"), (4.0, 6, "at_once"), (6.0, 16, "linear"))
    phases = [replace(phase, period_s=4.0) for phase in schedule.phases]
    rate = ArrivalPlan("poisson", 15.0, 10)
    phases = [replace(phase, arrivals=rate if phase.index in (1, 3) else None) for phase in phases]
    return replace(made, schedule=replace(schedule, phases=tuple(phases)))


KILLS = st.lists(st.builds(Kill, st.floats(-1.4, 22.0), st.booleans(), st.floats(0.1, 4.0)), min_size=1, max_size=3)
LASTS_S = 23.9
UNDISTURBED = Stage(plan(), [])
SEEN = UNDISTURBED.play(LASTS_S)


@settings(max_examples=100, deadline=None)
@given(KILLS)
def test_whenever_it_is_killed_users_and_arrivals_are_those_of_an_undisturbed_run(kills: list[Kill]) -> None:
    stage = Stage(plan(), kills)
    seen = stage.play(LASTS_S)
    assert seen.keys() == SEEN.keys()
    for second, active in seen.items():
        target = stage.coordinator.plan.schedule.target_at(second)
        if not any(start_s <= second <= end_s for start_s, end_s in stage.gaps):
            assert active == SEEN[second], second
            assert abs(len(active) - target) <= 1
    # every arrival once, whoever was told of it twice; those that are due at the end may not have been told yet
    for crew, expected in zip(stage.crews, UNDISTURBED.crews, strict=True):
        told = [at_s for at_s, _ in crew.arrived]
        assert told == sorted(set(told))
        missing = set(expected.arrived) ^ set(crew.arrived)
        late_s = max((end_s for _, end_s in stage.gaps), default=0.0)
        assert all(at_s > LASTS_S - 2.0 or late_s > LASTS_S for at_s, _ in missing)


@settings(max_examples=100, deadline=None)
@given(KILLS, st.floats(-1.0, 1.0))
def test_whenever_it_is_killed_the_limit_holds_also_when_a_pack_is_lost(kills: list[Kill], later_s: float) -> None:
    # close enough to a restart that only the log of grants knows what it held
    stage = Stage(plan(), kills, dying_at_s=max(0.5, kills[0].at_s + later_s), spending=True)
    stage.play(60.0)
    control = stage.coordinator.control
    assert control is not None
    assert control.situation.state is RunState.DRAINED
    assert control.situation.lost_commitments.get(0, 0.0) * 1e12 >= stage.crews[0].spent - 1
    assert not stage.overdrawn


def test_what_a_checkpoint_holds_survives_its_file() -> None:
    course = Course(course_plan()).begin()
    course.report(0, 1.0, totals=Totals(requests=4, success=3, error=1, cost_usd=0.1), active=3)
    course.report(1, 1.2, totals=Totals(requests=2, success=2), active=3, gone=((5, "budget_exceeded"),))
    course.control.lives.pack_lost(0, PACKS[0], "killed", course.start_s + 2.0)
    before = course.control.checkpoint(course.start_s + 2.0)
    assert msgspec.json.decode(msgspec.json.encode(before), type=Checkpoint) == before
    course.control = RunControl.resume(course_plan(), before, (), course.start_s + 4.0)
    control = course.control
    assert control.situation.totals == Totals(requests=6, success=5, error=1, cost_usd=0.1)
    assert (sorted(control.situation.lost), control.situation.gone_users, control.situation.wall_offset_s) == (
        [0, 2, 4],
        {5: "budget_exceeded"},
        5.0,
    )
    assert [(restart.run_s, restart.away_s) for restart in control.situation.restarts] == [(4.0, 2.0)]
    assert course.kinds() == ["coordinator_restarted"]
    # a report that the last one has taken already changes nothing; users that live are told again to be there
    assert switches_of(course.report(1, 4.1, active=2)) == [(1, True), (3, True)]
    assert control.situation.totals.requests == 6
    # and only once
    assert switches_of(course.report(1, 5.1, active=2)) == []


def test_a_stop_is_not_forgotten_and_its_drain_begins_anew_for_who_has_not_heard_of_it() -> None:
    course = Course(course_plan()).begin()
    course.everyone_reports(1.0)
    course.stop(5.0)
    assert course.control.situation.must_keep
    saved = course.control.checkpoint(course.start_s + 5.0)
    course.control = RunControl.resume(course_plan(), saved, (), course.start_s + 20.0)
    assert (course.control.situation.state, course.control.situation.ending.reason) == (
        RunState.DRAINING,
        "interrupted",
    )
    assert course.report(0, 20.5).stop == StopOrder("interrupted", 10.0)
    assert course.tick(29.0) is RunState.DRAINING
    course.everyone_reports(29.5, drained=True)
    assert course.tick(29.6) is RunState.DRAINED
    assert course.control.situation.ending.stopped_at_s == pytest.approx(5.0)


def must_keep(course: Course) -> bool:
    return course.control.situation.must_keep


def test_what_no_report_tells_again_must_be_kept() -> None:
    course = Course(course_plan()).prepare()
    assert must_keep(course)
    course.control.checkpoint(0.0)
    course = Course(course_plan()).begin()
    course.everyone_reports(0.5)
    course.control.checkpoint(course.start_s + 0.5)
    course.everyone_reports(1.0)
    assert not must_keep(course)
    # it was away for longer than it plans ahead: steps are left out
    course.everyone_reports(10.0)
    assert must_keep(course)
    course.stop(11.0)
    course.control.checkpoint(course.start_s + 11.0)
    course.report(0, 11.5, drained=True)
    assert must_keep(course)


def test_a_run_that_has_not_begun_goes_on_being_prepared() -> None:
    course = Course(course_plan()).prepare()
    saved = course.control.checkpoint(BEGIN_S)
    course.control = RunControl.resume(course_plan(), saved, (), BEGIN_S + 2)
    assert sorted(course.control.situation.ready_users) == sorted([*PACKS[0], *PACKS[1]])
    course.control.begin(BEGIN_S + 3)
    started_s = course.control.situation.run_start_s
    # the driver asks again when it did not get the answer
    course.control.begin(BEGIN_S + 4)
    assert course.control.situation.run_start_s == started_s
