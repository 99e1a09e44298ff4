"""The users of one actor on one event loop: told what to do, reported on, their records sent off in batches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, monotonic_ns, process_time

import msgspec

from raysim.core.control.messages import Arrival, Orders, PackHealth, PackStatus, StopOrder, Switch, Totals
from raysim.core.control.terms import Terms
from raysim.core.plan.run_plan import PackBrief
from raysim.core.records.outcome import Outcome
from raysim.core.records.request import ABSENT, RequestRecord
from raysim.users.collector import Collector
from raysim.users.gate import gate_of
from raysim.users.identity import Identity
from raysim.users.lag import LagMeter
from raysim.users.loan import TokenLoan
from raysim.users.log_lines import LogLines
from raysim.users.outbox import Outbox
from raysim.users.ports import CoordinatorPort, RecordsPort
from raysim.users.sender import OrgAccess, Sender, Shared, wall_offset_ns
from raysim.users.user import CRASHED, User
from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles
from raysim.wire.tokenizer import TokenCounter

#: while users drain, a coordinator that does not answer holds nothing up for longer
_DRAIN_PATIENCE_S = 3.0
_ARRIVED = Totals(arrived=1)
#: between two attempts at the last report
_LAST_PAUSE_S = 0.25
#: of a request's or an answer's body, in characters: what a log line holds at most
_LONGEST_BODY = 8192
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True)
class PackEnd:
    """How a pack ended. `unsent_batches` were taken by nobody; `cut_off` when it lost the coordinator."""

    totals: Totals
    unsent_batches: int
    cut_off: bool


def router_of(brief: PackBrief) -> HttpTarget:
    """Where a brief's users send their questions."""
    return _target(brief, brief.target.router_url)


def _target(brief: PackBrief, url: str) -> HttpTarget:
    target = brief.target
    tls = TlsFiles(target.tls_verify, target.tls_ca_file, target.tls_cert_file, target.tls_key_file)
    timeouts = Timeouts(target.connect_timeout_s, target.first_token_timeout_s, target.total_timeout_s)
    return HttpTarget.of(url, tls=tls, timeouts=timeouts, keep_alive=target.keep_alive)


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
        self._node = node
        self._lag = LagMeter()
        self._collector = Collector()
        self.log = LogLines(brief.run_id, brief.pack.name, debug=debug)
        self._tell = self._log_bodies if debug else None
        self._outbox = Outbox(f"{brief.pack.index}.{brief.incarnation}", records, self.log)
        self.run_start_ns = 0
        self.wall_offset_ns = wall_offset_ns()
        self._clock_offset_ns = 0
        self._round_trip_ns = 1 << 62
        self._interval_s = 1.0
        self._lease_s = brief.limits.lease_s
        self._stop: StopOrder | None = None
        self._drained = False
        self._totals = Totals()
        #: requests that have ended: those that were sent, and those of which only a retry is known not to have been
        self._sent = self._unsure = 0
        self._gone: list[tuple[int, str]] = []
        self._last_arrival = 0
        self._sequence = 0
        self._cpu_from = (monotonic(), process_time())
        self._cut_off = False
        self._urgent_s = 0.0
        self._reported_s = 0.0
        self._called = asyncio.Event()
        self._counter = counter
        self._gate = gate_of(brief, self._called.set)
        self._router = _Clients(router_of(brief))
        wants_orgs = any(not endpoint.with_user_key for endpoint in brief.behaviour.endpoints)
        self._orgs = _OrgService(brief, coordinator) if wants_orgs else None
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

        return User(brief, identity.plan, new_sender(), self, self._take, self._user_left, new_sender)

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
            health=self._health(),
            gone=gone,
            lease=self._gate.report(askers, self._interval_s),
            slots_wanted=self._gate.slots_wanted,
            life=self._brief.incarnation,
            terms=self._terms,
            taken_run_s=(monotonic_ns() - self.run_start_ns) / 1e9 if self.run_start_ns else None,
            sent=self._sent + sum(user.awaiting for user in self._users.values()),
            unsure=self._unsure + sum(user.waiting for user in self._users.values()),
            askers=len(self._wanted | active),
            accepted=self._accepted(),
        )

    def _accepted(self) -> tuple[tuple[int, int], ...]:
        if self._brief.limits.max_requests_per_user is None:
            return ()
        return tuple((index, user.accepted) for index, user in self._users.items())

    def _totals_now(self) -> Totals:
        return msgspec.structs.replace(self._totals, unsent=sum(user.unsent for user in self._users.values()))

    def _health(self) -> PackHealth:
        before_wall, before_cpu = self._cpu_from
        wall = monotonic() - before_wall
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - once a second in every actor
            resident = int(statm.read().split()[1])
        return PackHealth(
            pack=self._brief.pack.name,
            node=self._node,
            loop_lag_p99_ms=self._lag.p99_ms(),
            cpu_ratio=(process_time() - before_cpu) / wall if wall > 0 else 0.0,
            rss_mib=resident * _PAGE_MIB,
        )

    def _obey(self, orders: Orders, sent_ns: int, received_ns: int) -> None:
        self._interval_s = orders.interval_s
        self._lease_s = orders.lease_s
        self._urgent_s = orders.urgent_s
        if self.run_start_ns == 0:
            self._set_clocks(orders, sent_ns, received_ns)
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
            self._gate.open(orders.slots, self._clock_offset_ns / 1e9)
        if orders.stop is not None:
            self._stop = orders.stop

    def _follow(self, terms: Terms) -> None:
        self._terms = terms.version
        self._brief = terms.on_brief(self._brief)
        self._gate.follow(terms.limits)
        for user in self._users.values():
            user.follow(self._brief)
        self.log.write("info", "terms_changed", version=terms.version)

    def _set_clocks(self, orders: Orders, sent_ns: int, received_ns: int) -> None:
        """Find the coordinator's clock from the quickest exchange so far (Cristian's algorithm)."""
        round_trip_ns = received_ns - sent_ns
        if round_trip_ns < self._round_trip_ns:
            self._round_trip_ns = round_trip_ns
            self._clock_offset_ns = sent_ns + round_trip_ns // 2 - int(orders.clock_s * 1e9)
            self.wall_offset_ns = int(orders.wall_offset_s * 1e9) - self._clock_offset_ns
        if orders.run_start_s is not None:
            self.run_start_ns = int(orders.run_start_s * 1e9) + self._clock_offset_ns

    def _carry_out(self, switch: Switch) -> None:
        user = self._users.get(switch.user)
        if user is None:
            return
        if switch.on:
            self._wanted.add(switch.user)
        else:
            self._wanted.discard(switch.user)
        delay_s = (self.run_start_ns - monotonic_ns()) / 1e9 + switch.at_run_s
        act = user.activate if switch.on else user.deactivate
        asyncio.get_running_loop().call_later(max(0.0, delay_s), act)

    def _await_arrival(self, arrival: Arrival) -> None:
        user = self._users.get(arrival.user)
        if user is not None and arrival.number > self._last_arrival:
            # a coordinator that was started again may not know that its predecessor told us: they come in their order
            self._last_arrival = arrival.number
            due_ns = self.run_start_ns + int(arrival.at_run_s * 1e9)
            delay_s = max(0.0, (due_ns - monotonic_ns()) / 1e9)
            asyncio.get_running_loop().call_later(delay_s, self._arrive, user, due_ns)

    def _arrive(self, user: User, due_ns: int) -> None:
        if self._stop is not None:
            return
        self._totals += _ARRIVED
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
        self._totals += _one(record)
        self._sent += record.sent_ns != ABSENT
        self._unsure += record.sent_ns == ABSENT and record.attempts > 1
        level = "debug" if record.error_type.outcome in (Outcome.SUCCESS, Outcome.REFUSED) else "warning"
        self.log.write(
            level,
            "request",
            request_id=record.request_id,
            org_id=record.org_id,
            user_id=record.user_id,
            outcome=record.error_type.outcome,
            error_type=record.error_type,
            http_status=record.http_status,
            detail=record.error_detail,
        )
        self._outbox.add(record)

    def _log_bodies(self, record: RequestRecord, request: str, answer: str) -> None:
        self.log.write(
            "debug",
            "bodies",
            request_id=record.request_id,
            org_id=record.org_id,
            user_id=record.user_id,
            request=request[:_LONGEST_BODY],
            response=answer[:_LONGEST_BODY],
            cut=max(len(request), len(answer)) > _LONGEST_BODY,
        )


class _Clients:
    """Makes connections to one server that share a TLS context."""

    def __init__(self, target: HttpTarget) -> None:
        self._target = target
        self._context = target.tls.context() if target.tls else None

    def new(self) -> HttpClient:
        """A connection, not opened yet."""
        return HttpClient(self._target, context=self._context)


class _OrgService:
    """Gives users access to the organisation service; all of them share one loan of the token."""

    def __init__(self, brief: PackBrief, coordinator: CoordinatorPort) -> None:
        self._clients = _Clients(_target(brief, brief.target.org_url))
        self._loan = TokenLoan(coordinator.admin_token)

    def access(self) -> OrgAccess:
        """One user's way to it."""
        return OrgAccess(self._clients.new(), self._loan)


def _one(record: RequestRecord) -> Totals:
    outcome = record.error_type.outcome
    return Totals(
        requests=1,
        success=outcome is Outcome.SUCCESS,
        error=outcome is Outcome.ERROR,
        refused=outcome is Outcome.REFUSED,
        cancelled=outcome is Outcome.CANCELLED,
        cost_usd=record.cost_usd,
        prompt_tokens=max(0, record.prompt_tokens),
        completion_tokens=max(0, record.completion_tokens),
        unverified_usd=record.unverified_usd,
        beyond_usd=max(0.0, record.cost_usd - record.reserved_usd),
    )
