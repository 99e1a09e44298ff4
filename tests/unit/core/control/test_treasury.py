from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from raysim.core.control.lease import Lease, LeaseOrder, LeaseReport
from raysim.core.control.treasury import Grant, Treasury

LIMIT = 1_000


class Desk:
    """A treasury, and packs that report in turn."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.treasury = Treasury(limit)
        self._sequence = 0

    def report(self, pack: int, account: str = "", **sums: int) -> LeaseOrder:
        self._sequence += 1
        said = LeaseReport(account or f"{pack}", **({"largest": 10} | sums))
        self.treasury.hear(pack, self._sequence, said)
        return self.treasury.order(pack)


def test_in_comfort_a_pack_gets_what_it_would_like_to_hold() -> None:
    desk = Desk()
    assert desk.report(0, ahead=100) == LeaseOrder(100, 200)
    assert desk.report(1, waiting=10, cheapest=10, ahead=50).granted == 60
    assert (desk.treasury.committed, desk.treasury.pool, desk.treasury.short) == (160, 840, False)
    # nothing more for who has it
    assert desk.report(0, granted=100, ahead=100).granted == 100


def test_a_grant_that_was_not_heard_of_is_not_granted_again() -> None:
    desk = Desk()
    assert desk.report(0, ahead=100).granted == 100
    assert desk.report(0, granted=0, ahead=100).granted == 100


def test_when_money_is_short_packs_share_half_of_it_by_what_they_would_like() -> None:
    desk = Desk()
    first = desk.report(0, ahead=600)
    second = desk.report(1, ahead=300)
    assert desk.treasury.short
    # half of the thousand that are free: all of it for the only one, then by what each would like
    assert (first, second) == (LeaseOrder(500, 500), LeaseOrder(166, 166))
    assert desk.report(0, granted=500, returned=500, ahead=600) == LeaseOrder(833, 333)


def test_less_than_a_request_is_of_no_use_to_a_pack() -> None:
    desk = Desk(100)
    orders = [desk.report(pack, largest=20, ahead=20) for pack in range(10)]
    assert orders[-1] == LeaseOrder(0, 0)


def test_whole_requests_that_wait_are_paid_in_shares_of_what_is_left() -> None:
    desk = Desk(100)
    # somebody has it all, and gives it back while four are waiting
    assert desk.report(9, waiting=100, cheapest=100).granted == 100
    for pack in range(4):
        assert desk.report(pack, waiting=200, cheapest=10).granted == 0
    desk.report(9, granted=100, returned=100)
    assert [desk.report(pack, waiting=200, cheapest=10).granted for pack in range(4)] == [25, 18, 14, 10]


def test_while_somebody_waits_in_vain_everybody_gives_back() -> None:
    desk = Desk(100)
    assert desk.report(0, ahead=40).granted == 40
    assert desk.report(1, waiting=70, cheapest=70, largest=70) == LeaseOrder(0, 0)
    assert desk.report(0, granted=40, ahead=40).keep == 0
    assert desk.report(0, granted=40, returned=40, ahead=40).granted == 40
    assert desk.report(1, waiting=70, cheapest=70, largest=70).granted == 70
    assert desk.treasury.committed == 70


def test_the_limit_is_reached_when_less_is_left_than_the_cheapest_request() -> None:
    desk = Desk(100)
    desk.report(0, waiting=60, cheapest=60, largest=60)
    # it is under way: what it leaves over may be enough for the next
    desk.report(0, granted=60, reserved=60)
    desk.report(1, waiting=50, cheapest=50, largest=50)
    seen = [desk.treasury.out_of_reach]
    desk.report(0, granted=60, settled=55)
    # five are still with the pack
    seen.append(desk.treasury.out_of_reach)
    desk.report(0, granted=60, settled=55, returned=5)
    seen.append(desk.treasury.out_of_reach)
    desk.report(2, waiting=45, cheapest=45, largest=45)
    seen.append(desk.treasury.out_of_reach)
    assert seen == [None, None, 50, None]


def test_nothing_is_out_of_reach_while_nobody_wants_anything() -> None:
    desk = Desk(0)
    assert desk.treasury.out_of_reach is None
    desk.report(0, ahead=10)
    assert desk.treasury.out_of_reach is None
    desk.report(0, waiting=1, cheapest=1)
    assert desk.treasury.out_of_reach == 1


def test_what_a_lost_pack_held_counts_as_spent() -> None:
    desk = Desk()
    desk.report(0, ahead=100)
    desk.report(0, granted=100, settled=20, reserved=30, ahead=100)
    desk.treasury.lose(0)
    desk.treasury.lose(0)
    # a hundred, and what came on top to fill it up again
    assert desk.treasury.committed == 150
    assert desk.treasury.lost_commitments() == {0: 150}
    assert desk.treasury.order(0) == LeaseOrder(0, 0)
    # a last word of it, that was on its way: it had given something back
    desk.report(0, granted=150, settled=20, returned=60)
    assert desk.treasury.committed == 90


def test_a_process_that_was_started_anew_has_a_lease_of_its_own() -> None:
    desk = Desk()
    desk.report(0, "first", ahead=100)
    assert desk.report(0, "second", ahead=100).granted == 100
    assert desk.treasury.committed == 200
    desk.report(0, "second", granted=100, settled=70)
    assert desk.treasury.lost_commitments() == {0: 170}


def test_an_older_report_does_not_undo_a_later_one() -> None:
    treasury = Treasury(LIMIT)
    treasury.hear(0, 2, LeaseReport("0", settled=5, reserved=7))
    treasury.hear(0, 1, LeaseReport("0", settled=3, reserved=9, waiting=100, cheapest=100))
    assert treasury.settled == 5
    assert treasury.out_of_reach is None


def test_a_bill_over_the_grant_is_seen_as_spent() -> None:
    desk = Desk(100)
    desk.report(0, waiting=50, cheapest=50)
    desk.report(0, granted=50, settled=130)
    assert (desk.treasury.committed, desk.treasury.pool) == (130, 0)


def test_a_restarted_treasury_knows_every_grant_from_the_log() -> None:
    desk = Desk()
    desk.report(0, ahead=100)
    old = desk.treasury.checkpoint()
    desk.report(1, ahead=300)
    desk.report(0, granted=100, settled=100, ahead=100)
    before, grants = desk.treasury.committed, desk.treasury.take_grants()
    assert [(grant.pack, grant.granted) for grant in grants] == [(0, 100), (1, 300), (0, 200)]
    desk.treasury = Treasury.resume(LIMIT, old, grants, [0, 1])
    assert desk.treasury.committed == before
    # one is lost before it has said a word: all that it was granted counts as spent
    desk.treasury.lose(1)
    assert desk.treasury.lost_commitments() == {1: 300}
    assert desk.report(0, granted=200, settled=110, ahead=100).granted == 210


def test_a_restarted_treasury_does_not_call_the_limit_reached_before_it_has_heard_everybody() -> None:
    grants = [Grant(0, "0", 60), Grant(1, "1", 30)]
    treasury = Treasury.resume(100, (), grants, [0, 1])
    treasury.hear(0, 1, LeaseReport("0", granted=60, settled=60, waiting=20, cheapest=20))
    treasury.hear(2, 1, LeaseReport("2", waiting=10, cheapest=10))
    treasury.order(2)
    treasury.hear(2, 2, LeaseReport("2", granted=10, settled=10))
    assert treasury.out_of_reach is None
    treasury.hear(1, 1, LeaseReport("1", granted=30, settled=30))
    assert treasury.out_of_reach == 20


def test_a_process_that_was_started_anew_since_the_checkpoint_is_in_the_log() -> None:
    desk = Desk()
    desk.report(0, "first", ahead=100)
    old = desk.treasury.checkpoint()
    desk.report(0, "second", ahead=50)
    desk.treasury = Treasury.resume(LIMIT, old, desk.treasury.take_grants(), [0])
    assert desk.treasury.committed == 150
    assert desk.treasury.lost_commitments() == {0: 100}


# ── whatever happens ──


@dataclass
class Life:
    """One process of a pack: its lease, and what it really did."""

    pack: int
    lease: Lease
    spent: int = 0
    under_way: dict[int, int] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)
    sequence: int = 0
    reports: list[tuple[int, LeaseReport]] = field(default_factory=list)
    orders: list[LeaseOrder] = field(default_factory=list)

    def served(self, tickets: list[int]) -> None:
        for ticket in tickets:
            self.under_way[ticket] = self.waiting.pop(ticket)


PACKS = st.integers(0, 3)


class WhateverHappens(RuleBasedStateMachine):
    """Packs ask, settle, report, die; messages are lost, doubled, overtaken; the coordinator restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.dead: list[Life] = []
        self.lives: list[Life] = []
        self.tickets = 0
        self.names = 0

    @initialize(limit=st.integers(0, 3_000))
    def begin(self, limit: int) -> None:
        self.limit = limit
        self.treasury = Treasury(limit)
        self.old = self.treasury.checkpoint()
        self.log: list[Grant] = []
        self.lives = [self.new_life(pack) for pack in range(4)]

    def new_life(self, pack: int) -> Life:
        self.names += 1
        return Life(pack, Lease(f"life-{self.names}", 10))

    @rule(pack=PACKS, most=st.integers(1, 400))
    def ask(self, pack: int, most: int) -> None:
        life, self.tickets = self.lives[pack], self.tickets + 1
        life.waiting[self.tickets] = most
        if life.lease.ask(self.tickets, most):
            life.served([self.tickets])

    @rule(pack=PACKS, share=st.floats(0, 1), known=st.booleans())
    def settle(self, pack: int, share: float, known: bool) -> None:
        life = self.lives[pack]
        if life.under_way:
            ticket, most = life.under_way.popitem()
            cost = int(most * share)
            life.spent += cost
            life.served(life.lease.settle(ticket, cost if known else None))

    @rule(pack=PACKS)
    def withdraw(self, pack: int) -> None:
        life = self.lives[pack]
        if life.waiting:
            ticket, _ = life.waiting.popitem()
            life.lease.withdraw(ticket)

    @rule(pack=PACKS, users=st.integers(0, 5))
    def report(self, pack: int, users: int) -> None:
        life = self.lives[pack]
        life.sequence += 1
        life.reports.append((life.sequence, life.lease.report(users, life.sequence * 0.5, 1.0)))

    @rule(data=st.data(), pack=PACKS, dead=st.booleans())
    def deliver_a_report(self, data: st.DataObject, pack: int, dead: bool) -> None:
        """Any report of a living or dead process, however old, any number of times."""
        life = data.draw(st.sampled_from(self.dead)) if dead and self.dead else self.lives[pack]
        if life.reports:
            sequence, said = data.draw(st.sampled_from(life.reports))
            self.treasury.hear(life.pack, sequence, said)
            order = self.treasury.order(life.pack)
            self.log += self.treasury.take_grants()
            if life in self.lives:
                life.orders.append(order)

    @rule(data=st.data(), pack=PACKS)
    def deliver_an_order(self, data: st.DataObject, pack: int) -> None:
        life = self.lives[pack]
        if life.orders:
            life.served(life.lease.hear(data.draw(st.sampled_from(life.orders))))

    @rule(pack=PACKS, known=st.booleans())
    def die(self, pack: int, known: bool) -> None:
        """A process ends, with requests under way that are billed in full; its end is known, or shows by itself."""
        life = self.lives[pack]
        life.spent += sum(life.under_way.values())
        self.dead.append(life)
        if known:
            self.treasury.lose(pack)
            self.old = self.treasury.checkpoint()
        self.lives[pack] = self.new_life(pack)

    @rule()
    def take_a_checkpoint(self) -> None:
        self.old = self.treasury.checkpoint()

    @rule()
    def restart_the_coordinator(self) -> None:
        """From a checkpoint of any age that knows of every loss that was seen. Replies of the old one are lost."""
        self.treasury = Treasury.resume(self.limit, self.old, self.log, range(4))
        for life in self.lives:
            life.orders.clear()

    @invariant()
    def never_more_than_the_limit(self) -> None:
        everybody = [*self.lives, *self.dead]
        under_way = sum(sum(life.under_way.values()) for life in self.lives)
        assert sum(life.spent for life in everybody) + under_way <= self.limit

    @invariant()
    def all_that_packs_hold_is_committed(self) -> None:
        leases = [life.lease for life in (*self.lives, *self.dead)]
        assert self.treasury.committed >= sum(lease._granted - lease._returned for lease in leases)

    @invariant()
    def no_lease_is_overdrawn(self) -> None:
        assert all(life.lease.free >= 0 for life in self.lives)

    @invariant()
    def sums_are_those_of_the_accounts(self) -> None:
        accounts = [*self.treasury._living.values(), *(a for _, a in self.treasury._past.values())]
        assert self.treasury.committed == sum(a.committed for a in accounts)
        assert self.treasury._idle == sum(a.idle for a in self.treasury._living.values())
        assert self.treasury._demand == sum(a.demand for a in self.treasury._living.values())


WhateverHappens.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestWhateverHappens = pytest.mark.filterwarnings("ignore")(WhateverHappens.TestCase)
