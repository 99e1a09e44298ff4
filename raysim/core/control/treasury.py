"""The run's money: handed out to packs in leases, so that all that is out and all that is spent never exceed the limit.

Every account is three sums that only grow: granted, returned, settled. What the treasury has heard of the last two is
never more than the truth, so that `granted - returned` is never less than what the pack has spent or can still spend:
it is committed. A grant is made only while all that is committed stays within the limit. Lost, repeated or overtaken
messages make the treasury too careful for a while, never too generous. Whoever writes down each grant before it is
answered can rebuild the treasury from an old checkpoint: granted is exact then, and of returned and settled a restart
knows no more than the truth, as ever. All amounts are whole picodollars.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from raysim.core.control.lease import LeaseOrder, LeaseReport

#: money is short when less is free than this many times what packs would like to hold
_COMFORT = 2


@dataclass(slots=True)
class _Account:
    said: LeaseReport
    granted: int = 0
    sequence: int = 0
    lost: bool = False

    @property
    def committed(self) -> int:
        """What it may have spent or still spend; more than was granted once the platform billed more than it should."""
        return max(self.granted - self.said.returned, self.said.settled)

    @property
    def idle(self) -> int:
        """What it can hold that is neither spent nor reserved, grants it has not heard of included."""
        return max(0, self.granted - self.said.returned - self.said.settled - self.said.reserved)

    @property
    def demand(self) -> int:
        return self.said.waiting + self.said.ahead


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as a checkpoint holds it."""

    pack: int
    account: str
    granted: int
    returned: int
    settled: int
    lost: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """An account's sum of grants after one more; to be on disk before the pack hears of it."""

    pack: int
    account: str
    granted: int


class Treasury:
    """Grants money to packs, and takes back what they do not need.

    Args:
        limit: what may be spent in all.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._living: dict[int, _Account] = {}
        self._past: dict[str, tuple[int, _Account]] = {}
        #: packs whose cheapest request could not be paid when they last asked
        self._starving: set[int] = set()
        #: after a restart: packs of which nobody knows what they have under way, since they have not been heard yet
        self._unheard: set[int] = set()
        self._grants: list[Grant] = []
        self._committed = self._settled = self._reserved = 0
        self._idle = self._demand = self._hungry = 0

    # ── events ──

    def hear(self, pack: int, sequence: int, said: LeaseReport) -> None:
        """A pack has reported. An older report than the last one, by its sequence number, only adds to the sums."""
        account = self._living.get(pack)
        if said.account in self._past:
            self._hear_of_past(said)
            return
        if account is not None and account.said.account != said.account:
            # its process was started anew; nobody knows what the old one had under way
            self.lose(pack)
            account = None
        if account is None:
            account = self._living[pack] = _Account(LeaseReport(said.account))
            self._add(account, 1)
        self._add(account, -1)
        if sequence > account.sequence:
            account.sequence = sequence
            account.said = _grown(said, account.said)
        else:
            account.said = _grown(account.said, said)
        account.granted = max(account.granted, said.granted)
        self._add(account, 1)
        self._unheard.discard(pack)

    def lose(self, pack: int) -> None:
        """A pack's process is gone. What it held counts as spent: requests it had under way may be billed."""
        self._unheard.discard(pack)
        self._starving.discard(pack)
        account = self._living.pop(pack, None)
        if account is not None:
            self._add(account, -1)
            account.lost = True
            self._past[account.said.account] = (pack, account)
            self._add(account, 1)

    def order(self, pack: int) -> LeaseOrder:
        """What to answer a pack that has reported."""
        account = self._living.get(pack)
        if account is None:
            return self.last_order(pack)
        keep = self._keep(account)
        amount = self._amount(account, keep)
        if account.said.waiting and account.idle + amount < account.said.cheapest:
            self._starving.add(pack)
            amount, keep = 0, 0
        else:
            self._starving.discard(pack)
        if amount > 0:
            self._add(account, -1)
            account.granted += amount
            self._add(account, 1)
            self._grants.append(Grant(pack, account.said.account, account.granted))
        return LeaseOrder(account.granted, keep)

    def take_grants(self) -> list[Grant]:
        """Grants since the last call."""
        grants, self._grants = self._grants, []
        return grants

    def last_order(self, pack: int) -> LeaseOrder:
        """What to answer while nothing is granted and everything is taken back."""
        account = self._living.get(pack)
        return LeaseOrder(account.granted if account is not None else 0, 0)

    def change_limit(self, limit: int) -> None:
        """From now on, `limit` may be spent in all. What is committed beyond it stays so; nothing is granted then."""
        self._limit = limit

    # ── what there is to know ──

    @property
    def committed(self) -> int:
        """What is spent, may have been, or is out on lease."""
        return self._committed

    @property
    def settled(self) -> int:
        """What packs have reported as spent, or as having to be taken so."""
        return self._settled

    @property
    def pool(self) -> int:
        """What is left to grant."""
        return max(0, self._limit - self._committed)

    @property
    def short(self) -> bool:
        """Whether packs have to make do with less than they would like to hold."""
        return self.pool + self._idle < _COMFORT * self._demand

    @property
    def out_of_reach(self) -> int | None:
        """The cheapest request that anybody waits with, when it can never be paid: nothing is under way any more."""
        if self._reserved or self._idle or not self._hungry or self._unheard:
            return None
        cheapest = min(a.said.cheapest for a in self._living.values() if a.said.waiting)
        return cheapest if cheapest > self.pool else None

    def lost_commitments(self) -> dict[int, int]:
        """For each pack that lost a process: all that its accounts have committed."""
        packs = {pack for pack, _ in self._past.values()}
        found = dict.fromkeys(packs, 0)
        for pack, account in self._past.values():
            found[pack] += account.committed
        for pack in packs & self._living.keys():
            found[pack] += self._living[pack].said.settled
        return found

    def checkpoint(self) -> tuple[AccountState, ...]:
        """All that a restarted coordinator needs; see `resume`."""
        accounts = [*self._living.items(), *self._past.values()]
        return tuple(
            AccountState(pack, a.said.account, a.granted, a.said.returned, a.said.settled, a.lost)
            for pack, a in accounts
        )

    @classmethod
    def resume(
        cls, limit: int, accounts: Collection[AccountState], grants: Iterable[Grant], packs: Collection[int]
    ) -> Treasury:
        """The treasury of a restarted coordinator.

        Args:
            limit: what may be spent in all.
            accounts: a checkpoint, of any age.
            grants: every grant since then, and any older ones.
            packs: who lives; the limit does not count as reached before all of them have reported.
        """
        treasury = cls(limit)
        for state in accounts:
            said = LeaseReport(state.account, returned=state.returned, settled=state.settled)
            account = _Account(said, granted=state.granted, lost=state.lost)
            if state.lost:
                treasury._past[state.account] = (state.pack, account)
            else:
                treasury._living[state.pack] = account
            treasury._add(account, 1)
        for grant in grants:
            treasury._learn_of(grant)
        treasury._unheard = set(packs)
        return treasury

    # ── inside ──

    def _keep(self, account: _Account) -> int:
        """What it may hold beyond its needs: as much as it likes, or, when money is short, its share of half of it.

        Less than one request is of no use to it, and while somebody waits in vain everybody gives back what they can.
        """
        if self._starving:
            return 0
        if not self.short:
            return _COMFORT * account.demand
        share = account.demand * (self.pool + self._idle) // (_COMFORT * self._demand)
        return share if share >= account.said.largest else 0

    def _amount(self, account: _Account, keep: int) -> int:
        """What to grant: up to what it may hold, and at least whole requests that wait, in fair shares of the pool."""
        said, pool = account.said, self.pool
        due = min(said.waiting, max(said.cheapest, pool // max(1, self._hungry)))
        wanted = max(min(keep, account.demand), due) - account.idle
        amount = min(pool, wanted)
        if amount <= 0 or (not said.waiting and account.idle + amount < said.largest):
            return 0
        return amount

    def _learn_of(self, grant: Grant) -> None:
        """Of a grant that a process before this one made."""
        living = self._living.get(grant.pack)
        if grant.account in self._past:
            account = self._past[grant.account][1]
        elif living is not None and living.said.account == grant.account:
            account = living
        else:
            # the pack's process was started anew since the checkpoint
            self.lose(grant.pack)
            account = self._living[grant.pack] = _Account(LeaseReport(grant.account))
            self._add(account, 1)
        self._add(account, -1)
        account.granted = max(account.granted, grant.granted)
        self._add(account, 1)

    def _hear_of_past(self, said: LeaseReport) -> None:
        """Of a process that is known to be lost: its sums may have grown before it was."""
        _, account = self._past[said.account]
        self._add(account, -1)
        account.said = _grown(account.said, said)
        account.granted = max(account.granted, said.granted)
        self._add(account, 1)

    def _add(self, account: _Account, sign: int) -> None:
        self._committed += sign * account.committed
        self._settled += sign * account.said.settled
        if not account.lost:
            self._reserved += sign * account.said.reserved
            self._idle += sign * account.idle
            self._demand += sign * account.demand
            self._hungry += sign * (account.said.waiting > account.idle)


def _grown(said: LeaseReport, other: LeaseReport) -> LeaseReport:
    """`said` with the larger of both sums: neither ever shrinks."""
    return replace(said, returned=max(said.returned, other.returned), settled=max(said.settled, other.settled))
