"""A cost limit in virtual time: packs, their leases and the treasury, with messages that are late, lost and doubled.

    python -m benchmarks.money [--seeds N]

prints, for limits of $0.05, $0.50 and $5 with 100 users, how much of the limit was used and what was overspent.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from time import process_time

from raysim.core.control.lease import Lease, LeaseOrder, LeaseReport
from raysim.core.control.treasury import Grant, Treasury
from raysim.core.pricing import Price, cost_usd, dollars, most_usd, picodollars, picodollars_within, prompt_bound
from raysim.core.rng import Stream

LIMITS_USD = (0.05, 0.50, 5.00)
_INTERVAL_S = 1.0
_URGENT_S = 0.1


@dataclass(frozen=True)
class Market:
    """What is simulated. Money in USD, times in seconds, shares 0 to 1."""

    limit_usd: float
    users: int = 100
    users_per_pack: int = 50
    price: Price = field(default_factory=lambda: Price(2.0, 20.0))
    prompt_bytes: tuple[int, int] = (140, 320)
    max_tokens: tuple[int, int] = (24, 64)
    think_s: float = 0.5
    answer_s: tuple[float, float] = (0.2, 1.5)
    #: of requests that fail after tokens were billed, so that their cost is never known
    interrupted: float = 0.0
    #: of requests that the platform bills twice what they may cost
    overbilled: float = 0.0
    #: of messages between a pack and the coordinator, either way
    lost: float = 0.0
    #: seconds after which the coordinator is killed and started anew from an old checkpoint; 0 for never
    restart_s: float = 0.0
    #: seconds after which one pack's process is killed, and another one takes its place; 0 for never
    crash_s: float = 0.0
    longest_s: float = 3_600.0


@dataclass
class Outcome:
    """What came of it, in USD: `billed` is the platform's truth, `settled` what had to be taken as spent."""

    limit_usd: float
    billed: float = 0.0
    settled: float = 0.0
    most_committed: float = 0.0
    ended_s: float = 0.0
    requests: int = 0
    waited: int = 0
    stopped: bool = False

    @property
    def overspend(self) -> float:
        """What the platform bills beyond the limit."""
        return max(0.0, self.billed - self.limit_usd)

    @property
    def utilisation(self) -> float:
        """Share of the limit that is spent or has to be taken as spent."""
        return self.settled / self.limit_usd


@dataclass
class _Pack:
    index: int
    lease: Lease
    users: int
    life: int = 0
    sequence: int = 0
    reporting: bool = False
    next_s: float = 0.0
    waits: dict[int, tuple[int, float]] = field(default_factory=dict)


class MoneySimulation:
    """One run, from its first request until the limit is reached."""

    def __init__(self, market: Market, seed: int) -> None:
        self._market = market
        self._random = Stream.of(seed, "money")
        self._limit = picodollars_within(market.limit_usd)
        self._treasury = Treasury(self._limit)
        self._old = self._treasury.checkpoint()
        self._grants: list[Grant] = []
        self._epoch = 0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._tickets = itertools.count(1)
        self._now = 0.0
        self._billed = 0
        self.outcome = Outcome(market.limit_usd)
        count = -(-market.users // market.users_per_pack)
        self._packs = [self._new_pack(i, market.users_per_pack, 0) for i in range(count)]

    def run(self) -> Outcome:
        """Play it."""
        for pack in self._packs:
            self._later(self._random.random() * 0.1, lambda p=pack: self._report(p))  # type: ignore[misc]
            for _ in range(pack.users):
                self._think(pack, pack.life)
        if self._market.restart_s:
            self._later(self._market.restart_s / 2, self._take_checkpoint)
            self._later(self._market.restart_s, self._restart)
        if self._market.crash_s:
            self._later(self._market.crash_s, self._crash)
        while self._queue and not self.outcome.stopped and self._now < self._market.longest_s:
            self._now, _, event = heapq.heappop(self._queue)
            event()
        self.outcome.ended_s = self._now
        self.outcome.billed = dollars(self._billed)
        self.outcome.settled = dollars(self._treasury.committed)
        return self.outcome

    # ── users ──

    def _think(self, pack: _Pack, life: int) -> None:
        self._later(self._random.random() * 2 * self._market.think_s, lambda: self._ask(pack, life))

    def _ask(self, pack: _Pack, life: int) -> None:
        if pack.life != life:
            return
        market, random, ticket = self._market, self._random, next(self._tickets)
        limit = random.between(*market.max_tokens)
        prompt = random.between(*market.prompt_bytes)
        most = picodollars(most_usd(market.price, prompt_bound(prompt), limit))
        used = random.between(max(1, limit // 2), limit)
        cost = picodollars(cost_usd(market.price, prompt // 4, used))
        if random.random() < market.overbilled:
            cost = 2 * most
        pack.waits[ticket] = (cost, self._now)
        if pack.lease.ask(ticket, most):
            self._send(pack, life, ticket)
        else:
            self.outcome.waited += 1
            self._hurry(pack)

    def _send(self, pack: _Pack, life: int, ticket: int) -> None:
        cost, _ = pack.waits.pop(ticket)
        self.outcome.requests += 1
        low, high = self._market.answer_s
        broken = self._random.random() < self._market.interrupted
        if broken:
            cost = int(cost * self._random.random())
        # billed from the start, to be on the safe side: whoever dies meanwhile has spent it
        self._billed += cost
        self._later(low + (high - low) * self._random.random(), lambda: self._answer(pack, life, ticket, cost, broken))

    def _answer(self, pack: _Pack, life: int, ticket: int, cost: int, broken: bool) -> None:  # noqa: FBT001
        if pack.life != life:
            return
        self._serve(pack, pack.lease.settle(ticket, None if broken else cost))
        self._think(pack, life)
        self._hurry(pack)

    def _serve(self, pack: _Pack, tickets: list[int]) -> None:
        for ticket in tickets:
            self._send(pack, pack.life, ticket)

    # ── messages ──

    def _hurry(self, pack: _Pack) -> None:
        if pack.lease.calls and not pack.reporting:
            self._report_at(pack, max(self._now, min(pack.next_s, pack.next_s - _INTERVAL_S + _URGENT_S)))

    def _report_at(self, pack: _Pack, at_s: float) -> None:
        pack.reporting = True
        self._later(at_s - self._now, lambda: self._report(pack))

    def _report(self, pack: _Pack) -> None:
        pack.reporting = True
        pack.sequence += 1
        said = pack.lease.report(pack.users, self._now, _INTERVAL_S)
        sequence, life = pack.sequence, pack.life
        for _ in range(self._copies()):
            self._later(self._delay(), lambda: self._heard(pack, life, sequence, said))
        self._later(_INTERVAL_S, lambda: self._gave_up(pack, life, sequence))

    def _gave_up(self, pack: _Pack, life: int, sequence: int) -> None:
        if pack.life == life and pack.reporting and pack.sequence == sequence:
            self._report(pack)

    def _heard(self, pack: _Pack, life: int, sequence: int, said: LeaseReport) -> None:
        treasury = self._treasury
        treasury.hear(pack.index, sequence, said)
        if treasury.out_of_reach is not None:
            self.outcome.stopped = True
        order, epoch = treasury.order(pack.index), self._epoch
        self._grants += treasury.take_grants()
        self.outcome.most_committed = max(self.outcome.most_committed, dollars(treasury.committed))
        for _ in range(self._copies()):
            self._later(self._delay(), lambda: self._obey(pack, life, sequence, order, epoch))

    def _obey(self, pack: _Pack, life: int, sequence: int, order: LeaseOrder, epoch: int) -> None:
        # replies of a coordinator that has died are lost with it
        if epoch != self._epoch:
            return
        if pack.life != life or (sequence != pack.sequence and not self._market.lost):
            return
        self._serve(pack, pack.lease.hear(order))
        if pack.reporting and sequence == pack.sequence:
            pack.reporting = False
            pack.next_s = self._now + _INTERVAL_S
            wait_s = _URGENT_S if pack.lease.calls else _INTERVAL_S
            self._later(wait_s, lambda: self._report(pack) if pack.life == life and not pack.reporting else None)

    def _copies(self) -> int:
        draw = self._random.random()
        return 0 if draw < self._market.lost else 2 if draw < 2 * self._market.lost else 1

    def _delay(self) -> float:
        return 0.001 + 0.02 * self._random.random() + (self._random.random() < self._market.lost) * 1.5

    # ── accidents ──

    def _take_checkpoint(self) -> None:
        self._old = self._treasury.checkpoint()
        self._grants.clear()

    def _restart(self) -> None:
        self._epoch += 1
        self._treasury = Treasury.resume(self._limit, self._old, self._grants, [pack.index for pack in self._packs])

    def _crash(self) -> None:
        pack = self._packs[0]
        self._treasury.lose(pack.index)
        pack.life += 1
        fresh = self._new_pack(pack.index, pack.users, pack.life)
        pack.lease, pack.waits, pack.sequence, pack.reporting = fresh.lease, {}, 0, False
        self._later(0.5, lambda: self._report(pack))
        for _ in range(pack.users):
            self._think(pack, pack.life)

    def _new_pack(self, index: int, users: int, life: int) -> _Pack:
        market = self._market
        largest = picodollars(most_usd(market.price, prompt_bound(market.prompt_bytes[1]), market.max_tokens[1]))
        return _Pack(index, Lease(f"{index}.{life}", largest), users, life)

    def _later(self, delay_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self._now + delay_s, next(self._order), event))


def main(arguments: list[str]) -> None:
    """Print a table; see the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args(arguments).seeds
    cases: dict[str, dict[str, float]] = {
        "plain": {},
        "one user a pack": {"users_per_pack": 1},
        "20 % interrupted": {"interrupted": 0.2},
        "a fifth of messages lost, doubled or late": {"lost": 0.2},
        "coordinator restarted": {"restart_s": 3.0},
        "a pack killed": {"crash_s": 3.0},
        "20 % billed double": {"overbilled": 0.2},
    }
    print(f"{seeds} seeds each; 100 users; least utilisation, most overspend, mean duration")
    for name, changes in cases.items():
        for limit in LIMITS_USD:
            started = process_time()
            runs = [MoneySimulation(Market(limit, **changes), seed).run() for seed in range(seeds)]  # type: ignore[arg-type]
            print(
                f"{name:42} ${limit:<5g} utilisation {min(r.utilisation for r in runs):7.2%}  "
                f"billed {min(r.billed / limit for r in runs):7.2%}  "
                f"overspend ${max(r.overspend for r in runs):.6f}  stopped {sum(r.stopped for r in runs)}  "
                f"{sum(r.ended_s for r in runs) / seeds:6.1f} s  {sum(r.requests for r in runs) / seeds:6.0f} requests "
                f"({process_time() - started:.1f} s CPU)"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
