"""One question to the platform, from the moment it was due to the record it leaves behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic_ns, time_ns

from raysim.core.behaviour.conversation import estimate_tokens
from raysim.core.ids import request_id, trace_id, traceparent
from raysim.core.plan.run_plan import PackBrief, UserPlan
from raysim.core.pricing import Price, cost_usd
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import ABSENT, RequestRecord
from raysim.core.secret import Secret
from raysim.users.lag import LagMeter
from raysim.wire.client import HttpClient, request_head
from raysim.wire.error_mapping import retry_after_s
from raysim.wire.exchange import DETAIL_LIMIT, Exchange
from raysim.wire.openai import ChatReader, ChatRequest, backend_of

CHAT_PATH = "/v1/chat/completions"

_HTTP_ERROR = 400
#: after these the body of a response is as complete as it gets
_ENDED = (ErrorKind.NONE, ErrorKind.STREAM_INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be asked, and what the record has to know of it.

    `due_ns` is monotonic; think times are seconds. `connect_ns` is how long a connection took to open that was not
    ready when the question was due; 0 when it was.
    """

    request: ChatRequest
    due_ns: int
    conversation_id: str
    turn: int
    strategy: str
    question_hash: int
    prompt_estimate: int
    think_s: float
    think_planned_s: float
    connect_ns: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the record, the visible text, and how long the platform asked to wait before the next try."""

    record: RequestRecord
    text: str
    retry_after_s: float | None


class Sender:
    """Sends one user's questions with that user's key.

    Args:
        brief: the pack's brief.
        user: the user.
        key: its API key; kept in memory here and nowhere else. Empty for a server that asks for none.
        client: its connection.
        lag: the loop's lag, to flag what it spoilt.
    """

    def __init__(self, brief: PackBrief, user: UserPlan, key: Secret, client: HttpClient, lag: LagMeter) -> None:
        self._brief = brief
        self._user = user
        self._client = client
        self._lag = lag
        self._key = key
        self._sequence = 0
        headers = {"Authorization": f"Bearer {key.reveal()}"} if key.reveal() else {}
        headers |= {
            "Content-Type": "application/json",
            "Accept": "text/event-stream" if brief.behaviour.streaming else "application/json",
            "User-Agent": "raysim",
        }
        if brief.target.correlation_id:
            headers["X-Correlation-ID"] = brief.target.correlation_id
        self._head = request_head("POST", client.target, CHAT_PATH, headers)

    async def open(self) -> int:
        """Connect ahead of need; returns how many ns it took. A failure shows when the question is sent."""
        if self._client.is_open:
            return 0
        started_ns = monotonic_ns()
        await self._client.open()
        return monotonic_ns() - started_ns

    async def ask(self, question: Question, run_start_ns: int, wall_offset_ns: int) -> Answer:
        """Send the question and read the answer. Cancelling closes the connection and still leaves a record.

        Args:
            question: what to ask.
            run_start_ns: the run's second 0 on this process's monotonic clock.
            wall_offset_ns: what to add to the monotonic clock for wall time.
        """
        body = question.request.body()
        self._sequence += 1
        user, brief = self._user, self._brief
        rid = request_id(brief.short_id, user.index, brief.incarnation, self._sequence)
        trace = trace_id(brief.seed, user.index, brief.incarnation, self._sequence)
        request = self._head + (
            f"X-Request-ID: {rid}\r\ntraceparent: {traceparent(trace)}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode("latin-1")
        reader = ChatReader(stream=question.request.stream)
        try:
            exchange, attempts = await self._client.send(request + body, reader)
        except asyncio.CancelledError:
            exchange, attempts = self._client.last_exchange or Exchange(), self._client.last_attempts
            if exchange.end_ns == 0:
                exchange.fail(ErrorKind.CANCELLED, "cancelled before the request was sent")
        if exchange.error is ErrorKind.NONE or (exchange.error in _ENDED and exchange.status >= _HTTP_ERROR):
            reader.finish(exchange.status, exchange.headers)
        record = self._record(question, exchange, reader, rid, trace, run_start_ns)
        record.attempts = attempts
        record.due_unix_ns = question.due_ns + wall_offset_ns
        wait_s = retry_after_s(exchange.headers, reader.body) if record.error_type else None
        return Answer(record, reader.text, wait_s)

    def _record(
        self, question: Question, exchange: Exchange, reader: ChatReader, rid: str, trace: str, run_start_ns: int
    ) -> RequestRecord:
        due_ns = question.due_ns
        end_ns = exchange.end_ns or monotonic_ns()
        phase = self._brief.schedule.phase_at((due_ns - run_start_ns) / 1e9)
        # a refusal stays one although its connection broke before it was fully told
        error = reader.error or exchange.error
        record = RequestRecord(
            request_id=rid,
            trace_id=trace,
            conversation_id=question.conversation_id,
            org_id=self._user.org_name,
            user_id=self._user.name,
            worker=self._brief.pack.name,
            phase=phase.name if phase else "",
            endpoint="chat",
            model=question.request.model,
            strategy=question.strategy,
            backend=backend_of(exchange.headers),
            error_type=error,
            finish_reason=reader.finish_reason,
            error_detail=self._redacted(reader.detail or exchange.detail),
            http_status=exchange.status or ABSENT,
            turn=question.turn,
            sent_ns=_after(due_ns, exchange.sent_ns),
            first_byte_ns=_after(due_ns, exchange.first_byte_ns),
            first_token_ns=_after(due_ns, reader.first_token_ns),
            first_output_ns=_after(due_ns, reader.first_output_ns),
            last_token_ns=_after(due_ns, reader.last_token_ns),
            end_ns=end_ns - due_ns,
            connect_ns=question.connect_ns + exchange.connect_ns or ABSENT,
            max_tokens=question.request.max_tokens,
            chunks=reader.chunks,
            token_reads=reader.token_reads,
            bytes_received=exchange.bytes_received,
            question_hash=question.question_hash,
            think_s=question.think_s,
            think_planned_s=question.think_planned_s,
            streamed=question.request.stream,
            lag_flagged=self._lag.spoilt(exchange.sent_ns, reader.first_token_ns, end_ns),
            excluded=phase.excluded if phase else True,
            chunk_gaps_us=reader.gaps_us,
        )
        self._count_tokens(record, question, reader)
        return record

    def _count_tokens(self, record: RequestRecord, question: Question, reader: ChatReader) -> None:
        price = self._brief.prices.get(record.model, _FREE)
        record.reserved_usd = cost_usd(price, question.prompt_estimate, question.request.max_tokens)
        usage = reader.usage
        if usage is not None:
            record.token_source = "usage"  # noqa: S105 - where the counts come from
            record.prompt_tokens = usage.prompt_tokens
            record.completion_tokens = usage.completion_tokens
            record.cached_tokens = ABSENT if usage.cached_tokens is None else usage.cached_tokens
            record.reasoning_tokens = ABSENT if usage.reasoning_tokens is None else usage.reasoning_tokens
        elif reader.chunks or record.error_type is ErrorKind.NONE:
            # nothing stated: what arrived was generated, and was billed with its prompt
            record.token_source = "chunks"  # noqa: S105
            record.prompt_tokens = question.prompt_estimate
            record.completion_tokens = reader.chunks or (estimate_tokens(reader.text) if reader.text else 0)
        if record.token_source:
            record.cost_usd = cost_usd(price, record.prompt_tokens, record.completion_tokens)

    def _redacted(self, detail: str) -> str:
        """What the platform said, cut to what a record holds; some quote the key that they refuse."""
        key = self._key.reveal()
        return (detail.replace(key, repr(self._key)) if key else detail)[:DETAIL_LIMIT]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


_FREE = Price(0.0, 0.0)


def wall_offset_ns() -> int:
    """What to add to this process's monotonic clock to get wall time."""
    return time_ns() - monotonic_ns()


def _after(due_ns: int, stamp_ns: int) -> int:
    return stamp_ns - due_ns if stamp_ns else ABSENT
