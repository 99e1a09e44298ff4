"""A thousand users in twenty packs through every kind of phase, in virtual time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from raysim.core.control.messages import PackHealth, PackStatus, Totals
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from raysim.core.plan.load import PhasePlan, Ramp
from raysim.core.plan.run_plan import RunPlan
from tests.unit.core.plan.scenarios import plan_of, schedule_of

USERS = 1_000
PACKS = 20
BEGIN_S = 500.0

#: the formulas of the configuration's page, from a to b with t of d seconds gone
FORMULAS: dict[Ramp, Callable[[float, float, float, float], float]] = {
    "linear": lambda a, b, t, d: a + (b - a) * t / d,
    "exponential": lambda a, b, t, d: a + (b - a) * (math.exp(3 * t / d) - 1) / (math.e**3 - 1),
    "step": lambda a, b, t, d: a + (b - a) * min(5, math.floor(5 * t / d) + 1) / 5,
    "at_once": lambda _a, b, _t, _d: b,
    "wave": lambda a, b, t, d: a + (b - a) * (1 - math.cos(2 * math.pi * t / (d / 2))) / 2,
}


class Players:
    """Packs that carry out what they are told at the moment they are told to, and report once an interval."""

    def __init__(self, plan: RunPlan) -> None:
        self.control = RunControl.of(plan)
        self.active: set[int] = set()
        self.calls = 0
        self._due: list[tuple[float, int, bool]] = []
        for pack in range(PACKS):
            self.control.lives.pack_ready(pack, range(pack, USERS, PACKS))
        self.control.begin(BEGIN_S)

    def play(self, until_s: float) -> dict[int, int]:
        """Users that were active at every whole second."""
        assert self.control.situation.run_start_s is not None
        start_s, seen = self.control.situation.run_start_s, {}
        for sequence, tick in enumerate(range(math.ceil(-1.5 * PACKS), math.ceil(until_s * PACKS) + 1), 1):
            run_s = tick / PACKS
            self._carry_out(run_s)
            if tick >= 0 and tick % PACKS == 0:
                seen[tick // PACKS] = len(self.active)
            pack = tick % PACKS
            active = sum(user % PACKS == pack for user in self.active)
            health = PackHealth(f"{pack}", "node", 0.0, 0.0, 0.0)
            status = PackStatus(pack, sequence, Totals(), active, 0, drained=False, health=health)
            orders = self.control.report(status, start_s + run_s)
            self.calls += 1
            assert {switch.user % PACKS for switch in orders.switches} <= {pack}
            # an order that comes after its time would show
            self._due += [(max(run_s, switch.at_run_s), switch.user, switch.on) for switch in orders.switches]
        return seen

    def _carry_out(self, run_s: float) -> None:
        now = [entry for entry in self._due if entry[0] <= run_s]
        self._due = [entry for entry in self._due if entry[0] > run_s]
        for _, user, on in sorted(now, key=lambda entry: entry[0]):
            (self.active.add if on else self.active.discard)(user)


def players(*phases: tuple[float, int, Ramp]) -> Players:
    made = plan_of(
        users={"perOrg": {"min": USERS, "max": USERS}}, workers={"usersPerActor": 50}, limits={"lease": "1h"}
    )
    schedule = schedule_of(USERS, *phases)
    halved = [replace(phase, period_s=phase.duration_s / 2) for phase in schedule.phases]
    return Players(replace(made, schedule=replace(schedule, phases=tuple(halved))))


def formula(phases: tuple[PhasePlan, ...], run_s: float) -> float:
    phase = next(phase for phase in phases if phase.start_s <= run_s < phase.end_s)
    return FORMULAS[phase.ramp](phase.from_users, phase.to_users, run_s - phase.start_s, phase.duration_s)


@pytest.mark.parametrize("ramp", ["linear", "exponential", "step", "at_once", "wave"])
@pytest.mark.parametrize("start", [0, 200])
def test_at_every_second_users_are_within_one_of_the_formula(ramp: Ramp, start: int) -> None:
    warm = [(5.0, start, "at_once")] if start else []
    playing = players(*warm, (40.0, USERS, ramp), (10.0, USERS, "at_once"), (20.0, 50, ramp))  # type: ignore[arg-type]
    schedule = playing.control.situation.plan.schedule
    seen = playing.play(schedule.duration_s - 0.1)
    assert len(seen) == int(schedule.duration_s)
    for second, active in seen.items():
        assert abs(active - formula(schedule.phases, second)) <= 1.0, second
    # a change of phase costs no more calls than any other second: packs report once a second, and that is all
    assert playing.calls <= (schedule.duration_s + 2) * PACKS


def test_a_warm_up_a_spike_and_a_cool_down_follow_each_other() -> None:
    playing = players((5.0, 100, "linear"), (10.0, 100, "at_once"), (5.0, USERS, "at_once"), (10.0, 100, "linear"))
    schedule = playing.control.situation.plan.schedule
    seen = playing.play(29.9)
    assert max(abs(active - formula(schedule.phases, second)) for second, active in seen.items()) <= 1.0
    # what the report shows of it is what packs said about a second ago
    assert [round(run_s) for run_s, _, _ in playing.control.situation.samples] == list(range(30))
    assert playing.control.situation.state is RunState.RUNNING
    # those that stop first are those that were active longest
    assert playing.active == set(range(USERS - len(playing.active), USERS))
