"""One question to the platform, from the moment it was due to the record it leaves behind, retries included."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic, monotonic_ns, time_ns

import msgspec

from raysim.core.behaviour.chaos import Fault
from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.behaviour.template import fill_path
from raysim.core.control.circuit import Circuit, CircuitState
from raysim.core.ids import request_id, trace_id, traceparent
from raysim.core.plan.run_plan import PackBrief
from raysim.core.pricing import Price, dollars, most_usd, picodollars
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.core.rng import Stream
from raysim.core.secret import Secret
from raysim.users.attempt import AnswerReader, Attempt, Question
from raysim.users.counting import count_tokens, is_certain
from raysim.users.gate import Gate, Turn
from raysim.users.identity import Identity
from raysim.users.key_ring import KeyRing
from raysim.users.lag import LagMeter
from raysim.users.loan import TokenLoan
from raysim.users.ports import TellBodies
from raysim.users.row import Bill, RowWriter, Sent
from raysim.wire.client import HttpClient, request_head
from raysim.wire.exchange import Exchange
from raysim.wire.openai import ChatReader
from raysim.wire.openai_request import Body, request_body
from raysim.wire.target import HttpTarget, Timeouts
from raysim.wire.tokenizer import TokenCounter
from raysim.wire.whole_answer import WholeReader

_FREE = Price(0.0, 0.0)
_NO_FAULT = Fault(0, fails=False)
#: waits until a moment (monotonic ns); False when the user was told to go meanwhile
Pause = Callable[[int], Awaitable[bool]]


class Answer(msgspec.Struct, frozen=True):
    """What came back: the record, the visible text, and how long the platform asked to wait before the next try."""

    record: RequestRecord
    text: str
    retry_after_s: float | None


@dataclass(frozen=True, slots=True)
class OrgAccess:
    """The user's way to the organisation service, which wants the administrator's token."""

    client: HttpClient
    loan: TokenLoan


@dataclass(frozen=True, slots=True)
class Shared:
    """What all senders of one user have in common: numbers of requests, chances, keys, circuits to both services.

    `chances` are those of retries, `faults` those of chaos.
    """

    numbers: Iterator[int]
    chances: Stream
    faults: Stream
    keys: KeyRing
    router: Circuit
    orgs: Circuit

    @classmethod
    def of(cls, brief: PackBrief, identity: Identity) -> Shared:
        """For a user that has not sent anything yet."""
        chances, faults = (Stream.of(identity.plan.seed, use, brief.incarnation) for use in ("retry", "chaos"))
        policy = brief.behaviour.circuit
        return cls(count(1), chances, faults, KeyRing(identity), Circuit(policy), Circuit(policy))


@dataclass(frozen=True, slots=True)
class _Service:
    """One of the servers that a user speaks to."""

    client: HttpClient
    circuit: Circuit
    loan: TokenLoan | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """An endpoint as this user calls it: what never changes between requests."""

    plan: EndpointPlan
    service: _Service
    head: bytes
    streams: bool
    timeouts: Timeouts


class Sender:
    """Sends one user's questions with that user's key.

    Args:
        brief: the pack's brief.
        identity: the user; its key is kept in memory here and nowhere else.
        client: its connection to the router.
        lag: the loop's lag, to flag what it spoilt.
        orgs: its way to the organisation service; needed only where the mix holds that endpoint.
        counter: counts tokens where the platform does not; None for nobody.
        gate: what each sending has to pass; open to all by default.
        shared: what it has in common with other senders of the same user; by default there are none.
        tell: gets what was sent and what came back of every request, without keys; None, for speed, by default.
    """

    def __init__(
        self,
        brief: PackBrief,
        identity: Identity,
        client: HttpClient,
        lag: LagMeter,
        orgs: OrgAccess | None = None,
        counter: TokenCounter | None = None,
        gate: Gate | None = None,
        shared: Shared | None = None,
        *,
        tell: TellBodies | None = None,
    ) -> None:
        self._brief = brief
        self._identity = identity
        self._rows = RowWriter(brief, identity, lag)
        shared = shared or Shared.of(brief, identity)
        self._keys = shared.keys
        self._chances = shared.chances
        self._faults = shared.faults
        self._numbers = shared.numbers
        self._counter = counter
        self._gate = gate or Gate()
        self._tell = tell
        self._turn: Turn | None = None
        self._sending: HttpClient | None = None
        self._fixed: dict[str, str | int] = {
            "model": identity.plan.model,
            "org_id": identity.org_reference,
            "user_id": identity.user_reference,
        }
        self._router = _Service(client, shared.router, None)
        self._orgs = _Service(orgs.client, shared.orgs, orgs.loan) if orgs is not None else None
        self._entries = [(plan, self._entry(plan)) for plan in brief.behaviour.endpoints]

    def follow(self, brief: PackBrief) -> None:
        """From now on `brief` holds; in what is sent, and how, it is the same as before."""
        self._brief = brief
        self._rows.follow(brief)

    def _entry(self, plan: EndpointPlan) -> _Entry:
        service = self._router if plan.with_user_key else self._orgs
        if service is None:
            raise ValueError(f"endpoint {plan.label} needs access to the organisation service")
        streams = plan.streams(streaming=self._brief.behaviour.streaming)
        target = service.client.target
        # an answer that comes whole has no first token to wait for
        timeouts = target.timeouts if streams else replace(target.timeouts, first_token_s=target.timeouts.total_s)
        return _Entry(plan, service, self._head(plan, target, streams=streams), streams, timeouts)

    def _head(self, plan: EndpointPlan, target: HttpTarget, *, streams: bool) -> bytes:
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream" if streams else "application/json",
            "User-Agent": "raysim",
        }
        if plan.with_user_key and self._identity.key.reveal() and not self._keys.several:
            headers = {"Authorization": f"Bearer {self._identity.key.reveal()}"} | headers
        if self._brief.target.correlation_id:
            headers["X-Correlation-ID"] = self._brief.target.correlation_id
        return request_head(plan.method, target, fill_path(plan.path, self._fixed), headers)

    def _entry_of(self, endpoint: EndpointPlan) -> _Entry:
        return next(entry for plan, entry in self._entries if plan is endpoint)

    async def open(self, endpoint: EndpointPlan) -> int:
        """Connect ahead of need; returns how many ns it took. A failure shows when the question is sent.

        Nothing is opened to a target whose circuit is open: connecting is asking, too. Nor where every request is to
        open a connection of its own.
        """
        service = self._entry_of(endpoint).service
        if not service.client.target.keep_alive or service.client.is_open or service.circuit.state is CircuitState.OPEN:
            return 0
        started_ns = monotonic_ns()
        await service.client.open()
        return monotonic_ns() - started_ns

    @property
    def awaits_answer(self) -> bool:
        """Whether a request has been handed to the socket and is under way."""
        exchange = self._sending.last_exchange if self._sending is not None else None
        return exchange is not None and exchange.sent_ns > 0

    def withdraw(self) -> None:
        """What waits to be sent is not to be sent any more."""
        if self._turn is not None:
            self._turn.withdraw()

    async def ask(
        self, question: Question, run_start_ns: int, wall_offset_ns: int, pause: Pause, held_ns: int = 0
    ) -> Answer | None:
        """Send the question until it is answered or not to be sent again, and read the answer.

        Cancelling closes the connection and still leaves a record. None when it was withdrawn before it was sent.

        Args:
            question: what to ask.
            run_start_ns: the run's second 0 on this process's monotonic clock.
            wall_offset_ns: what to add to the monotonic clock for wall time.
            pause: waits before a retry.
            held_ns: how long the question was held back already.
        """
        sent = self._number(run_start_ns, wall_offset_ns)
        entry = self._entry_of(question.endpoint)
        values: dict[str, str | int] = {
            **self._fixed,
            "question": question.ask.question,
            "max_tokens": question.ask.max_tokens,
            "request_id": sent.request_id,
        }
        body = request_body(entry.plan, question.ask, values, stream=entry.streams)
        key_line = self._keys.line(question.conversation_id) if entry.plan.with_user_key else ""
        circuit = entry.service.circuit
        price = self._brief.prices.get(body.model, _FREE)
        most = most_usd(price, body.most_prompt_tokens, body.most_tokens, body.answers) if body.model else 0.0
        bill = Bill(most, held_ns=held_ns)
        sends = retries = 0
        attempt: Attempt | None = None
        fault = self._fault()
        if fault.delay_ns and not await self._delay(fault, bill, pause):
            return None
        while True:
            if fault.fails:
                attempt = Attempt.unsent(_reader(entry), ErrorKind.INJECTED, "not sent: made to fail by advanced.chaos")
                break
            if not circuit.allows(monotonic()):
                left_s = circuit.left_s(monotonic())
                attempt = Attempt.unsent(_reader(entry), ErrorKind.CIRCUIT_OPEN, f"not sent: open for {left_s:.1f} s")
                break
            turn = await self._pass(bill)
            if turn is None:
                break
            attempt = await self._attempt(entry, body, sent, values, key_line)
            self._settle(turn, question, attempt, price, bill)
            sends += attempt.sends
            circuit.note(attempt.error.outcome, monotonic())
            if not await self._again(attempt, retries, circuit, pause):
                break
            retries += 1
        if attempt is None:
            return None
        record = self._rows.write(question, body, attempt, sends, sent, bill)
        if self._tell is not None:
            answer = attempt.reader.text or attempt.reader.body.decode(errors="replace")
            self._tell(record, self._rows.redacted(body.data.decode(errors="replace")), self._rows.redacted(answer))
        return Answer(record, attempt.reader.text, attempt.retry_after_s)

    def _fault(self) -> Fault:
        chaos = self._brief.behaviour.chaos
        return _NO_FAULT if chaos is None else chaos.draw(self._faults)

    async def _delay(self, fault: Fault, bill: Bill, pause: Pause) -> bool:
        """Keep the request back; False when the user was told to go meanwhile."""
        started_ns = monotonic_ns()
        stayed = await pause(started_ns + fault.delay_ns)
        bill.injected_ns = monotonic_ns() - started_ns
        return stayed

    async def _pass(self, bill: Bill) -> Turn | None:
        """Wait at the gate; None when the request is withdrawn."""
        self._turn = turn = self._gate.turn(picodollars(bill.most_usd))
        try:
            passed = await turn.come()
        finally:
            self._turn = None
        bill.held_ns += turn.held_ns
        return turn if passed else None

    def _settle(self, turn: Turn, question: Question, attempt: Attempt, price: Price, bill: Bill) -> None:
        """What the attempt has cost, or may have."""
        bill.counted = count_tokens(question, attempt, self._counter)
        bill.usd = bill.counted.usd(price)
        if bill.most_usd == 0.0 or is_certain(attempt, bill.counted):
            turn.settle(picodollars(bill.usd))
        else:
            counted = self._brief.limits.unknown_cost == "counted"
            turn.settle(picodollars(bill.usd) if counted else None)
            bill.unverified_usd += max(0.0, dollars(turn.reserved) - bill.usd)

    def _number(self, run_start_ns: int, wall_offset_ns: int) -> Sent:
        """Ids for the next request; all its attempts carry the same ones."""
        number = next(self._numbers)
        brief, user = self._brief, self._identity.plan.index
        return Sent(
            request_id(brief.short_id, user, brief.incarnation, number),
            trace_id(brief.seed, user, brief.incarnation, number),
            run_start_ns,
            wall_offset_ns,
        )

    async def _again(self, attempt: Attempt, retries: int, circuit: Circuit, pause: Pause) -> bool:
        """Wait for the next attempt; False when there is none."""
        policy = self._brief.behaviour.retry
        if attempt.error is ErrorKind.NONE or not policy.attempts or circuit.state is CircuitState.OPEN:
            return False
        pause_s = policy.pause_s(attempt.failed, retries, self._chances.random())
        if pause_s is None:
            return False
        try:
            return await pause(monotonic_ns() + int(pause_s * 1e9))
        except asyncio.CancelledError:
            # told to end at once: the failure so far is how the request ended
            return False

    async def _attempt(
        self, entry: _Entry, body: Body, sent: Sent, values: dict[str, str | int], key_line: str
    ) -> Attempt:
        reader, client, loan = _reader(entry), entry.service.client, entry.service.loan
        token: Secret | None = None
        lines = f"{key_line}X-Request-ID: {sent.request_id}\r\ntraceparent: {traceparent(sent.trace_id)}\r\n"
        if loan is not None:
            try:
                token = await loan.token()
            except asyncio.CancelledError:
                return Attempt.unsent(reader, ErrorKind.CANCELLED, "cancelled before the request was sent")
            except Exception as error:  # noqa: BLE001 - whatever kept the token away, the request cannot be sent
                return Attempt.unsent(reader, ErrorKind.AUTH, f"no administrator's token: {type(error).__name__}")
            self._rows.hide(token)
            lines += f"Authorization: Bearer {token.reveal()}\r\n"
        request = entry.head + f"{lines}Content-Length: {len(body.data)}\r\n\r\n".encode("latin-1") + body.data
        self._sending = client
        try:
            exchange, sends = await client.send(request, reader, entry.timeouts)
        except asyncio.CancelledError:
            exchange, sends = client.last_exchange or Exchange(), client.last_attempts
            if exchange.end_ns == 0:
                exchange.fail(ErrorKind.CANCELLED, "cancelled before the request was sent")
        finally:
            self._sending = None
        attempt = Attempt.of(exchange, reader, sends, entry.plan.expectation(values))
        if loan is not None and token is not None and attempt.error is ErrorKind.AUTH:
            loan.refused(token)
        return attempt

    def close(self) -> None:
        """Close the connections."""
        for service in (self._router, self._orgs):
            if service is not None:
                service.client.close()


def _reader(entry: _Entry) -> AnswerReader:
    return ChatReader(stream=entry.streams) if entry.plan.generates else WholeReader(entry.plan.kind)


def wall_offset_ns() -> int:
    """What to add to this process's monotonic clock to get wall time."""
    return time_ns() - monotonic_ns()
