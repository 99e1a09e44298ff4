"""The users of one actor on one event loop: told what to do, reported on, their records sent off in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic, monotonic_ns

from raysim.core.control.messages import Arrival, Orders, PackStatus, StopOrder, Switch, Totals
from raysim.core.control.terms import Terms
from raysim.core.plan.run_plan import PackBrief
from raysim.core.records.request import RequestRecord
from raysim.users.clients import Clients, OrgService, router_of
from raysim.users.collector import Collector
from raysim.users.gate import gate_of
from raysim.users.health import HealthMeter
from raysim.users.identity import Identity
from raysim.users.lag import LagMeter
from raysim.users.log_lines import LogLines
from raysim.users.outbox import Outbox
from raysim.users.ports import CoordinatorPort, RecordsPort
from raysim.users.request_log import log_bodies, log_request
from raysim.users.run_clock import FoundClock
from raysim.users.sender import Sender, Shared
from raysim.users.tally import Tally
from raysim.users.user import CRASHED, User
from raysim.wire.tokenizer import TokenCounter

#: while users drain, a coordinator that does not answer holds nothing up for longer
_DRAIN_PATIENCE_S = 3.0
#: between two attempts at the last report
_LAST_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class PackEnd:
    """How a pack ended. `unsent_batches` were taken by nobody; `cut_off` when it lost the coordinator."""

    totals: Totals
    unsent_batches: int
    cut_off: bool


class Pack:
    """Runs the users of a brief from their first activation until the run stops.

    Args:
        brief: what is to be done.
        identities: the users that were set up.
        coordinator: gives orders, and lends its token where users call the organisation service.
        records: takes batches.
        node: the node's name, for the report.
        debug: whether requests are logged one by one.
        counter: counts tokens where the platform does not; None for nobody.
    """

    def __init__(
        self,
        brief: PackBrief,
        identities: Sequence[Identity],
        coordinator: CoordinatorPort,
        records: RecordsPort,
        *,
        node: str,
        debug: bool = False,
        counter: TokenCounter | None = None,
    ) -> None:
        self._brief = brief
        self._terms = 0
        self._coordinator = coordinator
        self._lag = LagMeter()
        self._health = HealthMeter(brief.pack.name, node, self._lag)
        self._collector = Collector()
        self.log = LogLines(brief.run_id, brief.pack.name, debug=debug)
        self._tell = partial(log_bodies, self.log) if debug else None
        self._outbox = Outbox(f"{brief.pack.index}.{brief.incarnation}", records, self.log)
        self._clock = FoundClock()
        self._interval_s = 1.0
        self._lease_s = brief.limits.lease_s
        self._stop: StopOrder | None = None
        self._drained = False
        self._tally = Tally()
        self._gone: list[tuple[int, str]] = []
        self._last_arrival = 0
        self._sequence = 0
        self._cut_off = False
        self._urgent_s = 0.0
        self._reported_s = 0.0
        self._called = asyncio.Event()
        self._counter = counter
        self._gate = gate_of(brief, self._called.set)
        self._router = Clients(router_of(brief))
        wants_orgs = any(not endpoint.with_user_key for endpoint in brief.behaviour.endpoints)
        self._orgs = OrgService(brief, coordinator) if wants_orgs else None
        #: users that are, or soon will be, active
        self._wanted: set[int] = set()
        self._users = {identity.plan.index: self._new_user(identity) for identity in identities}

    def _new_user(self, identity: Identity) -> User:
        brief, shared = self._brief, Shared.of(self._brief, identity)

        def new_sender() -> Sender:
            orgs = self._orgs.access() if self._orgs is not None else None
            return Sender(
                self._brief,
                identity,
                self._router.new(),
                self._lag,
                orgs,
                self._counter,
                self._gate,
                shared,
                tell=self._tell,
            )

        return User(brief, identity.plan, new_sender(), self._clock, self._take, self._user_left, new_sender)

    async def run(self) -> PackEnd:
        """Play until the run stops; returns once every user has ended and every record was handed over."""
        self._collector.start()
        self._lag.start()
        for user in self._users.values():
            user.start()
        shipping = asyncio.create_task(self._outbox.ship_regularly())
        try:
            await self._follow_orders()
            await self._drain()
        finally:
            for user in self._users.values():
                user.abort()
            self._lag.stop()
            self._collector.stop()
            shipping.cancel()
        await asyncio.wait([shipping])
        unsent = await self._outbox.ship_rest()
        return PackEnd(self._totals_now(), unsent, self._cut_off)

    # ── orders ──

    async def _follow_orders(self) -> None:
        heard_s = monotonic()
        while self._stop is None:
            asked_s = monotonic()
            if await self._report(heard_s + self._lease_s - asked_s):
                heard_s = asked_s
            elif monotonic() - heard_s >= self._lease_s:
                # load must never run unattended
                self._cut_off = True
                self._stop = StopOrder("lease_expired", 0.0)
                self.log.write("error", "lease_expired", lease_s=self._lease_s)
            if self._stop is None:
                left_s = max(0.0, heard_s + self._lease_s - monotonic())
                await self._until_called(min(self._interval_s, self._lease_s / 4, left_s))

    async def _until_called(self, patience_s: float) -> None:
        """Sleep until the next report is due: sooner when requests wait for what only the coordinator can give."""
        if not self._gate.urgent:
            try:
                async with asyncio.timeout(patience_s):
                    await self._called.wait()
            except TimeoutError:
                return
        await asyncio.sleep(min(patience_s, max(0.0, self._reported_s + self._urgent_s - monotonic())))

    async def _drain(self) -> None:
        """Let what is in flight finish; the last report says that it has."""
        started_s = monotonic()
        for user in self._users.values():
            user.end()
        self._wanted.clear()
        self._gate.close()
        ended = asyncio.gather(*(user.done() for user in self._users.values()))
        while not ended.done():
            drain_s = self._stop.drain_s if self._stop is not None else 0.0
            left_s = started_s + drain_s - monotonic()
            if left_s <= 0:
                for user in self._users.values():
                    user.abort()
                left_s = 1.0
            await asyncio.wait([ended], timeout=min(left_s, self._interval_s))
            if not ended.done():
                await self._report(min(_DRAIN_PATIENCE_S, max(0.0, left_s)))
        self._drained = True
        if self._cut_off:
            await self._report(_DRAIN_PATIENCE_S)
        else:
            await self._report_for_good(self._lease_s)

    async def _report_for_good(self, patience_s: float) -> None:
        """The last report: nobody tells these totals again, so a coordinator that is just away is waited for."""
        until_s = monotonic() + patience_s
        while not await self._report(max(0.0, until_s - monotonic())):
            if monotonic() >= until_s:
                return
            await asyncio.sleep(_LAST_PAUSE_S)

    async def _report(self, patience_s: float) -> bool:
        """Exchange a report for orders; False when the coordinator could not be reached."""
        gone = tuple(self._gone)
        self._sequence += 1
        self._called.clear()
        self._reported_s = monotonic()
        sent_ns = monotonic_ns()
        try:
            async with asyncio.timeout(patience_s):
                orders = await self._coordinator.report(self._status(gone))
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is to try again until the lease ends
            self.log.write("warning", "report_failed", error=type(error).__name__)
            return False
        del self._gone[: len(gone)]
        self._collector.look(sum(user.in_flight for user in self._users.values()))
        self._obey(orders, sent_ns, monotonic_ns())
        return True

    def _status(self, gone: tuple[tuple[int, str], ...]) -> PackStatus:
        active = {index for index, user in self._users.items() if user.active}
        in_flight = sum(user.in_flight for user in self._users.values())
        # whoever is about to go asks until then
        askers = max(len(self._wanted | active), in_flight)
        return PackStatus(
            pack=self._brief.pack.index,
            sequence=self._sequence,
            totals=self._totals_now(),
            active=len(active),
            in_flight=in_flight,
            drained=self._drained,
            health=self._health.look(),
            gone=gone,
            lease=self._gate.report(askers, self._interval_s),
            slots_wanted=self._gate.slots_wanted,
            life=self._brief.incarnation,
            terms=self._terms,
            taken_run_s=self._clock.run_s,
            sent=self._tally.sent + sum(user.awaiting for user in self._users.values()),
            unsure=self._tally.unsure + sum(user.waiting for user in self._users.values()),
            askers=len(self._wanted | active),
            accepted=self._accepted(),
        )

    def _accepted(self) -> tuple[tuple[int, int], ...]:
        if self._brief.limits.max_requests_per_user is None:
            return ()
        return tuple((index, user.accepted) for index, user in self._users.items())

    def _totals_now(self) -> Totals:
        return self._tally.totals(sum(user.unsent for user in self._users.values()))

    def _obey(self, orders: Orders, sent_ns: int, received_ns: int) -> None:
        self._interval_s = orders.interval_s
        self._lease_s = orders.lease_s
        self._urgent_s = orders.urgent_s
        self._clock.hear(orders, sent_ns, received_ns)
        if orders.terms is not None:
            self._follow(orders.terms)
        for switch in orders.switches:
            self._carry_out(switch)
        if orders.switches and orders.lease is not None:
            # whoever comes will want money
            self._called.set()
        for arrival in orders.arrivals:
            self._await_arrival(arrival)
        if orders.lease is not None:
            self._gate.hear(orders.lease)
        if orders.slots is not None:
            self._gate.open(orders.slots, self._clock.offset_s)
        if orders.stop is not None:
            self._stop = orders.stop

    def _follow(self, terms: Terms) -> None:
        self._terms = terms.version
        self._brief = terms.on_brief(self._brief)
        self._gate.follow(terms.limits)
        for user in self._users.values():
            user.follow(self._brief)
        self.log.write("info", "terms_changed", version=terms.version)

    def _carry_out(self, switch: Switch) -> None:
        user = self._users.get(switch.user)
        if user is None:
            return
        if switch.on:
            self._wanted.add(switch.user)
        else:
            self._wanted.discard(switch.user)
        delay_s = self._clock.left_s(switch.at_run_s)
        act = user.activate if switch.on else user.deactivate
        asyncio.get_running_loop().call_later(max(0.0, delay_s), act)

    def _await_arrival(self, arrival: Arrival) -> None:
        user = self._users.get(arrival.user)
        if user is not None and arrival.number > self._last_arrival:
            # a coordinator that was started again may not know that its predecessor told us: they come in their order
            self._last_arrival = arrival.number
            due_ns = self._clock.run_start_ns + int(arrival.at_run_s * 1e9)
            delay_s = max(0.0, (due_ns - monotonic_ns()) / 1e9)
            asyncio.get_running_loop().call_later(delay_s, self._arrive, user, due_ns)

    def _arrive(self, user: User, due_ns: int) -> None:
        if self._stop is not None:
            return
        self._tally.arrive()
        if user.plan.index in self._wanted:
            # timers of the same millisecond may come in any order
            user.activate()
        user.arrive(due_ns)

    def _user_left(self, user: int, reason: str) -> None:
        self._gone.append((user, reason))
        self._wanted.discard(user)
        level = "error" if reason == CRASHED else "info"
        left = self._users[user]
        more = {"stack": left.stack} if left.stack else {}
        self.log.write(level, "user_left", user=user, reason=reason, detail=left.crash, **more)

    # ── records ──

    def _take(self, record: RequestRecord) -> None:
        self._tally.add(record)
        log_request(self.log, record)
        self._outbox.add(record)
