"""The packs of a run as the coordinator knows them: whom they play, what they said, what they are yet to be told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from raysim.core.control.messages import Arrival, PackHealth, PackStatus, StopOrder, Switch, Totals


@dataclass(slots=True)
class Member:
    """One pack. `told` are the arrivals of the last answer: it is not known yet whether the pack has got it.

    `leaving` is what it is told when it hands over to a process on another node.
    """

    users: frozenset[int]
    totals: Totals = field(default_factory=Totals)
    health: PackHealth | None = None
    active: int = 0
    in_flight: int = 0
    drained: bool = False
    lost: bool = False
    heard_s: float | None = None
    sequence: int = 0
    switches: list[Switch] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    told: list[Arrival] = field(default_factory=list)
    leaving: StopOrder | None = None

    @property
    def done(self) -> bool:
        """Whether it has nothing in flight any more, and never will have."""
        return self.drained or self.lost

    def take(self, status: PackStatus, run_s: float) -> None:
        """It has reported, at this second of the run."""
        self.heard_s = run_s
        self.sequence = status.sequence
        self.totals, self.health = status.totals, status.health
        self.active, self.in_flight, self.drained = status.active, status.in_flight, status.drained
        self.told = []

    def collect(self) -> tuple[tuple[Switch, ...], tuple[Arrival, ...]]:
        """What it is to be told now."""
        switches, self.switches = tuple(self.switches), []
        self.told, self.arrivals = self.arrivals, []
        return switches, tuple(self.told)


@dataclass(frozen=True, slots=True)
class MemberState:
    """A pack as a checkpoint holds it; `arrivals` are all that it may not have heard of."""

    pack: int
    users: tuple[int, ...]
    totals: Totals
    health: PackHealth | None
    active: int
    in_flight: int
    drained: bool
    lost: bool
    heard_s: float | None
    sequence: int
    arrivals: tuple[Arrival, ...]
    leaving: StopOrder | None = None


@dataclass(frozen=True, slots=True)
class RosterState:
    """A roster as a checkpoint holds it; `home` is user → pack."""

    members: tuple[MemberState, ...]
    home: dict[int, int]
    totals: Totals


class Roster:
    """Every pack that was ready once."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}
        self._home: dict[int, int] = {}
        #: packs of which it is not known yet that they have drained; looked through from the end, as far as need be
        self._open: list[int] = []
        #: sums over all packs, the lost ones included
        self.totals = Totals()

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def get(self, pack: int) -> Member | None:
        """The pack with this index, if it was ever ready."""
        return self._members.get(pack)

    def home(self, user: int) -> int | None:
        """The pack that plays a user; None for one that was never ready."""
        return self._home.get(user)

    def join(self, pack: int, users: Collection[int]) -> None:
        """A pack is ready with these users, for the first time or again."""
        self._members[pack] = Member(frozenset(users))
        self._open.append(pack)
        self._home.update(dict.fromkeys(users, pack))

    def take(self, member: Member, status: PackStatus, run_s: float) -> None:
        """A member has reported."""
        self.totals += status.totals - member.totals
        member.take(status, run_s)

    def tell(self, switches: Iterable[Switch], arrivals: Iterable[Arrival]) -> None:
        """Have users' packs told of what is planned."""
        for switch in switches:
            self._members[self._home[switch.user]].switches.append(switch)
        for arrival in arrivals:
            self._members[self._home[arrival.user]].arrivals.append(arrival)

    @property
    def users(self) -> AbstractSet[int]:
        """Everybody who was ready once."""
        return self._home.keys()

    @property
    def active(self) -> int:
        """Users that are active as their packs last reported."""
        return sum(member.active for member in self)

    @property
    def undrained(self) -> list[int]:
        """Packs that live and may have requests in flight."""
        return sorted(pack for pack, member in self._members.items() if not member.done)

    @property
    def drained(self) -> bool:
        """Whether there are no such packs. Asked at every report: it looks at each pack once."""
        while self._open and self._members[self._open[-1]].done:
            self._open.pop()
        return not self._open

    def unheard(self, since_run_s: float) -> list[int]:
        """Packs that live and have not reported since this second of the run, which has begun with 0."""
        return [
            pack
            for pack, member in self._members.items()
            if not (member.lost or member.drained) and (member.heard_s or 0.0) < since_run_s
        ]

    @property
    def living(self) -> list[int]:
        """Packs that are not lost."""
        return [pack for pack, member in self._members.items() if not member.lost]

    def checkpoint(self) -> RosterState:
        """What `resume` needs."""
        members = tuple(
            MemberState(
                pack=pack,
                users=tuple(member.users),
                totals=member.totals,
                health=member.health,
                active=member.active,
                in_flight=member.in_flight,
                drained=member.drained,
                lost=member.lost,
                heard_s=member.heard_s,
                sequence=member.sequence,
                arrivals=(*member.told, *member.arrivals),
                leaving=member.leaving,
            )
            for pack, member in self._members.items()
        )
        return RosterState(members, dict(self._home), self.totals)

    @classmethod
    def resume(cls, state: RosterState) -> Roster:
        """The roster of a restarted coordinator. Which switches packs have heard of it does not know."""
        roster = cls()
        for said in state.members:
            roster._members[said.pack] = Member(
                users=frozenset(said.users),
                totals=said.totals,
                health=said.health,
                active=said.active,
                in_flight=said.in_flight,
                drained=said.drained,
                lost=said.lost,
                heard_s=said.heard_s,
                sequence=said.sequence,
                arrivals=list(said.arrivals),
                leaving=said.leaving,
            )
        roster._home = dict(state.home)
        roster._open = list(roster._members)
        roster.totals = state.totals
        return roster
