"""A pack's money: each request reserves the most it can cost before it is sent, and settles afterwards.

The coordinator grants, the pack spends and gives back. What they tell each other are sums since the lease began, which
only grow: a report or an order that is lost, repeated or overtaken changes nothing. All amounts are whole picodollars.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: how often the spending rate is taken, in seconds
_RATE_EVERY_S = 1.0
#: what a pack would like to hold for each user, in reservations as large as its largest
_ROOM = 2


@dataclass(frozen=True, slots=True)
class LeaseReport:
    """What a pack says of its lease.

    Args:
        account: whose lease; another one once the pack's process was started anew and has forgotten the last.
        granted: sum of all grants it has heard of.
        returned: sum of all it gave back.
        settled: sum of all it spent, or has to take as spent.
        reserved: for requests under way.
        waiting: for requests that wait for money.
        cheapest: the smallest of these; 0 when none waits.
        largest: the largest reservation that it expects.
        ahead: what it would like to hold beyond that, so that nobody has to wait.
    """

    account: str
    granted: int = 0
    returned: int = 0
    settled: int = 0
    reserved: int = 0
    waiting: int = 0
    cheapest: int = 0
    largest: int = 0
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class LeaseOrder:
    """The answer: the sum of all grants so far, and how much the pack may keep that nobody needs at the moment."""

    granted: int
    keep: int


@dataclass(slots=True)
class _Hold:
    """A reservation: the most the request can cost, and what was set aside for it."""

    most: int
    amount: int


class Lease:
    """The money of one pack. A ticket stands for one request, from `ask` until `withdraw` or `settle`.

    Args:
        account: the lease's name, never used before.
        largest: the largest reservation to expect; a guess that counts until the first one.
    """

    def __init__(self, account: str, largest: int) -> None:
        self._account = account
        self._granted = 0
        self._returned = 0
        self._settled = 0
        self._reserved = 0
        self._waiting: dict[int, _Hold] = {}
        self._held: dict[int, _Hold] = {}
        self._largest = largest
        self._guessed = True
        self._keep: int | None = None
        self._reported_returned = 0
        self._ahead = 0
        self._factor = 1.0
        self._rate = 0.0
        self._rate_mark = (-math.inf, 0)

    # ── events ──

    def ask(self, ticket: int, most: int) -> bool:
        """Reserve for a request that can cost `most`; False when it has to wait its turn."""
        amount = math.ceil(most * self._factor) if self._factor > 1.0 else most
        self._largest = amount if self._guessed else max(self._largest, amount)
        self._guessed = False
        hold = _Hold(most, amount)
        if amount <= self.free:
            self._take(ticket, hold)
            return True
        self._waiting[ticket] = hold
        return False

    def withdraw(self, ticket: int) -> None:
        """A request that waited is not to be sent."""
        self._waiting.pop(ticket, None)

    def settle(self, ticket: int, spent: int | None) -> list[int]:
        """A request has ended; returns the tickets of those that may go now.

        Args:
            ticket: which.
            spent: what it cost; None when that cannot be known, so that all that was reserved counts as spent.
        """
        hold = self._held.pop(ticket)
        self._reserved -= hold.amount
        spent = hold.amount if spent is None else spent
        self._settled += spent
        if spent > hold.most > 0:
            # the platform bills more than the request allows: from now on, reserve for as much as that
            self._factor = max(self._factor, spent / hold.most)
        return self._serve()

    def hear(self, order: LeaseOrder) -> list[int]:
        """The coordinator has answered; returns the tickets of those that may go now."""
        self._granted = max(self._granted, order.granted)
        self._keep = order.keep
        return self._serve()

    def close(self) -> None:
        """Nothing more is going to be asked for: keep nothing but what is reserved."""
        self._waiting.clear()
        self._keep = 0
        self._give_back()

    # ── what there is to know ──

    @property
    def free(self) -> int:
        """What can be reserved now; negative once the platform has billed more than was granted."""
        return self._granted - self._returned - self._settled - self._reserved

    @property
    def runs_low(self) -> bool:
        """Whether most of what the pack would like to hold is used up, and it may hold as much."""
        return self._keep is not None and self.free < self._ahead // 4 <= self._keep

    def holds(self, ticket: int) -> bool:
        """Whether money is set aside for this request."""
        return ticket in self._held

    def amount(self, ticket: int) -> int:
        """What was set aside for a request under way."""
        return self._held[ticket].amount

    @property
    def calls(self) -> bool:
        """Whether the next report should not wait: somebody waits for money, or others may wait for what came back."""
        return bool(self._waiting) or self._returned > self._reported_returned

    def report(self, users: int, now_s: float, interval_s: float) -> LeaseReport:
        """What to tell the coordinator.

        Args:
            users: how many requests may be under way at once.
            now_s: the time, on any clock.
            interval_s: until the next report.
        """
        self._take_rate(now_s)
        self._reported_returned = self._returned
        waiting = sum(hold.amount for hold in self._waiting.values())
        # with this much nobody waits: a reservation for everyone, also a larger one than any before, and what is spent
        # until the next grant is here
        ahead = max(0, _ROOM * users * self._largest - self._reserved - waiting)
        ahead += math.ceil(2 * self._rate * interval_s)
        self._ahead = ahead if users else 0
        return LeaseReport(
            account=self._account,
            granted=self._granted,
            returned=self._returned,
            settled=self._settled,
            reserved=self._reserved,
            waiting=waiting,
            cheapest=min((hold.amount for hold in self._waiting.values()), default=0),
            largest=self._largest,
            ahead=self._ahead,
        )

    def _take(self, ticket: int, hold: _Hold) -> None:
        self._held[ticket] = hold
        self._reserved += hold.amount

    def _serve(self) -> list[int]:
        """In their order, but one that does not fit holds up no other."""
        served: list[int] = []
        for ticket, hold in list(self._waiting.items()):
            if hold.amount <= self.free:
                del self._waiting[ticket]
                self._take(ticket, hold)
                served.append(ticket)
        self._give_back()
        return served

    def _give_back(self) -> None:
        if self._keep is not None and self.free > self._keep:
            self._returned += self.free - self._keep

    def _take_rate(self, now_s: float) -> None:
        since_s, settled = self._rate_mark
        if now_s - since_s >= _RATE_EVERY_S:
            if since_s > -math.inf:
                self._rate = (self._settled - settled) / (now_s - since_s)
            self._rate_mark = (now_s, self._settled)
