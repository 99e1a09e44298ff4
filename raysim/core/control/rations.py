"""What packs get only from the coordinator: money for their requests, and slots under a cap on their rate."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from raysim.core.control.lease import LeaseOrder
from raysim.core.control.limits import Breach
from raysim.core.control.messages import Event, PackStatus
from raysim.core.control.slots import SlotBlock, SlotBook
from raysim.core.control.treasury import AccountState, Grant, Treasury
from raysim.core.plan.run_plan import LimitPlan
from raysim.core.pricing import dollars, picodollars_within


@dataclass(frozen=True, slots=True)
class RationsState:
    """Rations as a checkpoint holds them."""

    accounts: tuple[AccountState, ...]
    short_from_s: float | None
    allowed_usd: float | None


class Rations:
    """The run's money and slots.

    Args:
        limits: the run's limits; what they do not limit is not rationed.
    """

    def __init__(self, limits: LimitPlan) -> None:
        self._limit_usd = limits.max_cost_usd
        self._treasury: Treasury | None = None
        if limits.max_cost_usd is not None:
            self._treasury = Treasury(picodollars_within(limits.max_cost_usd))
        rate = limits.max_requests_per_second
        self._slots = SlotBook(rate) if rate is not None else None
        #: run seconds at which money became short; None before
        self.short_from_s: float | None = None
        #: the most that may have been spent under the limits of cost that were in force, in USD; None without
        self.allowed_usd = limits.max_cost_usd

    def follow(self, limits: LimitPlan) -> Breach | None:
        """From now on these hold; returns the breach when more is committed already than may be spent.

        That is not taken back: requests that have set it aside are under way. A limit of cost can only be changed, not
        come or go.
        """
        if limits.max_requests_per_second is None:
            self._slots = None
        elif self._slots is None:
            self._slots = SlotBook(limits.max_requests_per_second)
        else:
            self._slots.change_rate(limits.max_requests_per_second)
        if self._treasury is None or limits.max_cost_usd is None or limits.max_cost_usd == self._limit_usd:
            return None
        self._limit_usd = limits.max_cost_usd
        self._treasury.change_limit(picodollars_within(limits.max_cost_usd))
        committed_usd = dollars(self._treasury.committed)
        self.allowed_usd = max(limits.max_cost_usd, committed_usd)
        if committed_usd <= limits.max_cost_usd:
            return None
        held = f"${committed_usd:.4f} were spent or set aside already"
        return Breach("cost", f"the limit was lowered to ${limits.max_cost_usd:g} when {held}")

    def hear(self, status: PackStatus) -> None:
        """A pack has reported."""
        if self._treasury is not None and status.lease is not None:
            self._treasury.hear(status.pack, status.sequence, status.lease)

    def lose(self, pack: int) -> None:
        """A pack's process is gone."""
        if self._treasury is not None:
            self._treasury.lose(pack)
        if self._slots is not None:
            self._slots.forget(pack)

    def lease(self, pack: int, *, running: bool) -> LeaseOrder | None:
        """What to answer on a pack's money; nothing is granted unless the run is going on."""
        if self._treasury is None:
            return None
        return self._treasury.order(pack) if running else self._treasury.last_order(pack)

    def slots(self, status: PackStatus, now_s: float) -> SlotBlock | None:
        """Slots for what waits in a pack."""
        return None if self._slots is None else self._slots.take(status.pack, status.slots_wanted, now_s)

    def judge(self) -> Breach | None:
        """The limit of cost counts as reached when less is left than anybody's cheapest request could cost."""
        treasury, limit = self._treasury, self._limit_usd
        if treasury is None or limit is None:
            return None
        spent = f"spent ${dollars(treasury.committed):.4f} of ${limit:g}"
        if treasury.settled >= picodollars_within(limit):
            return Breach("cost", spent)
        cheapest = treasury.out_of_reach
        if cheapest is None:
            return None
        return Breach("cost", f"{spent}; the next request could cost ${dollars(cheapest):.4f}")

    def take_grants(self) -> list[Grant]:
        """Grants of money since the last call; they are to be on disk before their packs hear of them."""
        return self._treasury.take_grants() if self._treasury is not None else []

    def checkpoint(self) -> RationsState:
        """What `resume` needs."""
        accounts = self._treasury.checkpoint() if self._treasury is not None else ()
        return RationsState(accounts, self.short_from_s, self.allowed_usd)

    @classmethod
    def resume(
        cls, limits: LimitPlan, state: RationsState, grants: Iterable[Grant], packs: Collection[int], now_s: float
    ) -> Rations:
        """The rations of a restarted coordinator; see `Treasury.resume`."""
        rations = cls(limits)
        rations.short_from_s, rations.allowed_usd = state.short_from_s, state.allowed_usd
        if limits.max_cost_usd is not None:
            limit = picodollars_within(limits.max_cost_usd)
            rations._treasury = Treasury.resume(limit, state.accounts, grants, packs)
        if limits.max_requests_per_second is not None:
            rations._slots = SlotBook.resume(limits.max_requests_per_second, now_s)
        return rations

    def note_shortage(self, run_s: float) -> Event | None:
        """Tell once when packs have to share what money is left."""
        if self.short_from_s is not None or self._treasury is None or not self._treasury.short:
            return None
        self.short_from_s = max(0.0, run_s)
        return Event("money_short", {"committed_usd": dollars(self._treasury.committed), "limit_usd": self._limit_usd})

    @property
    def lost_commitments(self) -> dict[int, float]:
        """For each pack that lost a process: all that it may have spent, in USD."""
        lost = self._treasury.lost_commitments() if self._treasury is not None else {}
        return {pack: dollars(amount) for pack, amount in lost.items()}
