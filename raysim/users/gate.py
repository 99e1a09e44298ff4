"""What every request of a pack passes before it is sent: money is set aside for it, and its turn has come."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from time import monotonic, monotonic_ns
from uuid import uuid4

from raysim.core.control.lease import Lease, LeaseOrder, LeaseReport
from raysim.core.control.slots import SlotBlock
from raysim.core.plan.run_plan import LimitPlan, PackBrief
from raysim.core.pricing import most_usd, picodollars, prompt_bound

#: bound of a prompt's tokens to expect before the first is known
_USUAL_PROMPT = prompt_bound(300, 2)


class Turn:
    """One request on its way through the gate. `held_ns` is how long it had to wait, 0 when it passed at once."""

    def __init__(self, gate: Gate, ticket: int, most: int) -> None:
        self._gate = gate
        self._wake: asyncio.Future[bool] | None = None
        self.ticket = ticket
        #: what the request can cost, and what was set aside for that, in picodollars
        self.most = most
        self.reserved = most
        self.held_ns = 0

    async def come(self) -> bool:
        """Wait until the request may be sent; False when it is withdrawn, or the waiting task is cancelled."""
        try:
            return await self._gate.admit(self)
        except asyncio.CancelledError:
            self._gate.give_up(self)
            return False

    def withdraw(self) -> None:
        """The request is not to be sent, unless it has passed already."""
        self.wake(passed=False)

    def settle(self, spent: int | None) -> None:
        """The request has ended, having cost `spent` picodollars; None when that cannot be known."""
        self._gate.settle(self, spent)

    async def wait(self) -> bool:
        """Until `wake` is called."""
        started_ns = monotonic_ns()
        self._wake = asyncio.get_running_loop().create_future()
        try:
            return await self._wake
        finally:
            self.held_ns += monotonic_ns() - started_ns

    def wake(self, *, passed: bool) -> None:
        """End the wait, if there is one."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(passed)

    @property
    def waits(self) -> bool:
        """Whether it waits now."""
        return self._wake is not None and not self._wake.done()


class Gate:
    """The gate of one pack.

    Args:
        lease: the pack's money; None without a limit of cost.
        slotted: whether there is a cap on the rate of requests.
        call: asks for an exchange with the coordinator sooner than is due.
    """

    def __init__(
        self, lease: Lease | None = None, *, slotted: bool = False, call: Callable[[], None] | None = None
    ) -> None:
        self._lease = lease
        self._slotted = slotted
        self._call = call or (lambda: None)
        self._tickets = count(1)
        #: those that wait for money, by ticket, and those that wait for a slot, in their order
        self._poor: dict[int, Turn] = {}
        self._queue: deque[Turn] = deque()

    def turn(self, most: int) -> Turn:
        """The way of a request that can cost `most` picodollars."""
        return Turn(self, next(self._tickets), most)

    # ── for turns ──

    async def admit(self, turn: Turn) -> bool:
        """Wait for money, then for a slot."""
        lease = self._lease
        if lease is not None and turn.most:
            if not lease.ask(turn.ticket, turn.most):
                self._poor[turn.ticket] = turn
                self._call()
                if not await turn.wait():
                    self.give_up(turn)
                    return False
            turn.reserved = lease.amount(turn.ticket)
            if lease.runs_low:
                self._call()
        if self._slotted:
            self._queue.append(turn)
            self._call()
            if not await turn.wait():
                self.give_up(turn)
                return False
        return True

    def give_up(self, turn: Turn) -> None:
        """The request is not sent: what was set aside for it is free again."""
        self._poor.pop(turn.ticket, None)
        if turn in self._queue:
            self._queue.remove(turn)
        if self._lease is not None:
            if self._lease.holds(turn.ticket):
                self.settle(turn, 0)
            else:
                self._lease.withdraw(turn.ticket)

    def settle(self, turn: Turn, spent: int | None) -> None:
        """A request has ended."""
        if self._lease is not None and turn.most:
            self._serve(self._lease.settle(turn.ticket, spent))
            if self._lease.calls:
                self._call()

    # ── for the pack ──

    @property
    def urgent(self) -> bool:
        """Whether the next report should not wait for its time."""
        return bool(self._queue) or (self._lease is not None and (self._lease.calls or self._lease.runs_low))

    def report(self, users: int, interval_s: float) -> LeaseReport | None:
        """What to say of the lease; None when there is none."""
        return None if self._lease is None else self._lease.report(users, monotonic(), interval_s)

    @property
    def slots_wanted(self) -> int:
        """How many requests wait for a slot."""
        return len(self._queue)

    def hear(self, order: LeaseOrder) -> None:
        """What the coordinator says of the lease."""
        if self._lease is not None:
            self._serve(self._lease.hear(order))

    def open(self, block: SlotBlock, clock_offset_s: float) -> None:
        """Slots for requests that wait; `clock_offset_s` is what this clock is ahead of the coordinator's."""
        loop, now_s = asyncio.get_running_loop(), monotonic()
        for at_s in block.usable(now_s - clock_offset_s):
            if not self._queue:
                return
            turn = self._queue.popleft()
            loop.call_later(max(0.0, at_s + clock_offset_s - now_s), partial(turn.wake, passed=True))

    def follow(self, limits: LimitPlan) -> None:
        """From now on these hold. Without a cap on the rate, whoever waits for a slot may go."""
        self._slotted = limits.max_requests_per_second is not None
        while self._queue and not self._slotted:
            self._queue.popleft().wake(passed=True)

    def close(self) -> None:
        """Nobody is to pass any more."""
        for turn in [*self._poor.values(), *self._queue]:
            turn.withdraw()
        if self._lease is not None:
            self._lease.close()

    def _serve(self, tickets: list[int]) -> None:
        for ticket in tickets:
            self._poor.pop(ticket).wake(passed=True)


def gate_of(brief: PackBrief, call: Callable[[], None]) -> Gate:
    """The gate that a pack's brief asks for; `call` as in `Gate`."""
    limits, lease = brief.limits, None
    if limits.max_cost_usd is not None:
        # a process that was started anew knows nothing of an older one's money: the lease is another one
        account = f"{brief.pack.index}.{brief.incarnation}.{uuid4().hex[:12]}"
        tokens = math.ceil(brief.behaviour.max_tokens.high)
        guess = max((most_usd(price, _USUAL_PROMPT, tokens) for price in brief.prices.values()), default=0.0)
        lease = Lease(account, picodollars(guess))
    return Gate(lease, slotted=limits.max_requests_per_second is not None, call=call)
