"""A run driven from outside, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from raysim.core.control.messages import Orders, PackHealth, PackStatus, Totals
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from raysim.core.plan.run_plan import RunPlan
from tests.unit.core.plan.scenarios import plan_of, schedule_of

#: the coordinator's clock when the run is begun; any number
BEGIN_S = 1_000.0
USERS = 6
PACKS = {0: [0, 2, 4], 1: [1, 3, 5]}
DRAIN_S = 10.0


class Course:
    """A run of two packs of three users each, driven from outside in virtual time."""

    def __init__(self, plan: RunPlan) -> None:
        self.control = RunControl.of(plan, wall_offset_s=5.0)
        self.totals = {pack: Totals() for pack in PACKS}
        self._sequence = 0

    def prepare(self) -> Course:
        for pack, users in PACKS.items():
            self.control.lives.pack_ready(pack, users)
        return self

    def begin(self) -> Course:
        self.prepare().control.begin(BEGIN_S)
        return self

    @property
    def start_s(self) -> float:
        assert self.control.situation.run_start_s is not None
        return self.control.situation.run_start_s

    def report(self, pack: int, run_s: float, **values: Any) -> Orders:
        """What the pack is told when it reports at this second of the run."""
        self._sequence += 1
        self.totals[pack] = values.pop("totals", self.totals.get(pack, Totals()))
        health = PackHealth(f"pack-{pack}", "node", 0.1, 0.2, 60.0)
        defaults: dict[str, Any] = {"active": 0, "in_flight": 0, "drained": False, "gone": ()}
        status = PackStatus(
            pack=pack, sequence=self._sequence, totals=self.totals[pack], health=health, **{**defaults, **values}
        )
        return self.control.report(status, self.start_s + run_s)

    def everyone_reports(self, run_s: float, **values: Any) -> dict[int, Orders]:
        return {pack: self.report(pack, run_s, **values) for pack in PACKS}

    def stop(self, run_s: float, reason: str = "interrupted", drain_s: float = DRAIN_S) -> None:
        self.control.stop(reason, "stopped from outside", drain_s, self.start_s + run_s)

    def tick(self, run_s: float) -> RunState:
        self.control.tick(self.start_s + run_s)
        return self.control.situation.state

    def state(self) -> RunState:
        return self.control.situation.state

    def kinds(self) -> list[str]:
        """Kinds of the events since the last look."""
        return [event.kind for event in self.control.take_events()]


def plan(**limits: Any) -> RunPlan:
    """Six users, all at once for 20 s, then two for 10 s."""
    spec = {"maxErrorRate": 0.5, "minRequests": 10, "maxCostUsd": 1, "drain": f"{DRAIN_S:g}s", **limits}
    made = plan_of(
        users={"perOrg": {"min": USERS, "max": USERS}},
        workers={"usersPerActor": 3},
        limits=spec,
        bootstrap={"onLoss": "continue"},
    )
    return replace(made, schedule=schedule_of(USERS, (20.0, USERS, "at_once"), (10.0, 2, "at_once")))


def switches_of(orders: Orders) -> list[tuple[int, bool]]:
    return [(switch.user, switch.on) for switch in orders.switches]
