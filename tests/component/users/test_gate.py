from __future__ import annotations

import asyncio
from dataclasses import replace
from time import monotonic

from raysim.core.control.lease import Lease, LeaseOrder
from raysim.core.control.slots import SlotBlock
from raysim.users.gate import Gate, Turn
from tests.component.users.stage import make_brief


class Door:
    """A gate, and how often it called for the coordinator."""

    def __init__(self, *, money: int | None = None, slotted: bool = False) -> None:
        self.lease = Lease("0", 10) if money is not None else None
        self.calls = 0
        self.gate = Gate(self.lease, slotted=slotted, call=self._call)
        if money:
            self.grant(money)

    def _call(self) -> None:
        self.calls += 1

    def grant(self, money: int) -> None:
        self.gate.hear(LeaseOrder(money, 10**9))

    def come(self, most: int = 10) -> tuple[Turn, asyncio.Task[bool]]:
        turn = self.gate.turn(most)
        return turn, asyncio.create_task(turn.come())


async def soon() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_open_gate_holds_nobody() -> None:
    door = Door()
    turn = door.gate.turn(1_000)
    assert await turn.come()
    assert turn.held_ns == 0
    turn.settle(None)
    assert (door.gate.report(5, 1.0), door.gate.slots_wanted, door.gate.urgent, door.calls) == (None, 0, False, 0)


async def test_who_has_no_money_waits_until_it_comes() -> None:
    door = Door(money=0)
    turn, coming = door.come()
    await soon()
    assert not coming.done()
    assert door.gate.urgent
    assert door.calls == 1
    door.grant(10)
    assert await coming
    assert turn.held_ns > 0
    report = door.gate.report(1, 1.0)
    assert report is not None
    assert (report.reserved, report.waiting) == (10, 0)


async def test_what_one_leaves_over_lets_another_through() -> None:
    door = Door(money=10)
    first, coming = door.come()
    assert await coming
    _, second = door.come(most=6)
    await soon()
    first.settle(4)
    assert await second


async def test_what_costs_nothing_needs_no_money() -> None:
    door = Door(money=0)
    turn = door.gate.turn(0)
    assert await turn.come()
    turn.settle(0)


async def test_a_withdrawn_request_gives_way() -> None:
    door = Door(money=0)
    turn, coming = door.come()
    await soon()
    turn.withdraw()
    assert not await coming
    assert not door.gate.urgent
    # once it has passed it is too late
    door.grant(10)
    turn, coming = door.come()
    assert await coming
    turn.withdraw()
    report = door.gate.report(1, 1.0)
    assert report is not None
    assert report.reserved == 10


async def test_money_that_came_for_a_cancelled_request_is_free_again() -> None:
    door = Door(money=0, slotted=True)
    _, poor = door.come()
    door.grant(10)
    _, coming = door.come()
    await soon()
    assert door.gate.slots_wanted == 1
    for task in (poor, coming):
        task.cancel()
        assert not await task
    assert door.gate.slots_wanted == 0
    report = door.gate.report(0, 1.0)
    assert report is not None
    assert (report.reserved, report.settled, report.waiting) == (0, 0, 0)


async def test_requests_pass_in_their_slots() -> None:
    door = Door(slotted=True)
    coming = [door.come()[1] for _ in range(3)]
    await soon()
    assert (door.gate.slots_wanted, door.gate.urgent, door.calls) == (3, True, 3)
    started_s = monotonic()
    # this clock is ahead of the coordinator's by a hundred seconds
    door.gate.open(SlotBlock(started_s - 100.0, 2, 0.02), 100.0)
    assert await coming[0]
    assert await coming[1]
    assert monotonic() - started_s >= 0.019
    assert not coming[2].done()
    door.gate.close()
    assert not await coming[2]


async def test_a_slot_that_came_too_late_lets_nobody_through() -> None:
    door = Door(slotted=True)
    _, coming = door.come()
    await soon()
    door.gate.open(SlotBlock(monotonic() - 5.0, 1, 0.1), 0.0)
    await soon()
    assert door.gate.slots_wanted == 1
    door.gate.open(SlotBlock(monotonic(), 3, 0.1), 0.0)
    assert await coming


async def test_a_closed_gate_lets_nobody_through_and_keeps_no_money() -> None:
    door = Door(money=15)
    _, rich = door.come()
    assert await rich
    _, poor = door.come()
    await soon()
    door.gate.close()
    assert not await poor
    report = door.gate.report(0, 1.0)
    assert report is not None
    assert (report.returned, report.reserved) == (5, 10)


async def test_a_cap_on_the_rate_that_goes_lets_those_through_who_wait() -> None:
    limits = make_brief("http://127.0.0.1:1", max_rate=1.0).limits
    gate = Gate(slotted=True)
    waiting = [asyncio.create_task(gate.turn(0).come()) for _ in range(2)]
    await soon()
    gate.follow(limits)
    assert gate.slots_wanted == 2
    gate.follow(replace(limits, max_requests_per_second=None))
    assert await asyncio.gather(*waiting) == [True, True]
    assert await gate.turn(0).come()
