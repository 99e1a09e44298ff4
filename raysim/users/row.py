"""From a question and its last attempt to the row that they leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan
from time import monotonic_ns

import msgspec

from raysim.core.plan.run_plan import PackBrief
from raysim.core.records.request import ABSENT, RequestRecord
from raysim.core.secret import Secret
from raysim.users.attempt import Attempt, Question
from raysim.users.counting import Counted
from raysim.users.identity import Identity
from raysim.users.lag import LagMeter
from raysim.wire.exchange import DETAIL_LIMIT
from raysim.wire.openai import ChatReader, backend_of
from raysim.wire.openai_request import Body
from raysim.wire.statements import statements_of
from raysim.wire.whole_answer import WholeReader

_NAN = float("nan")


class Sent(msgspec.Struct, frozen=True):
    """The ids of a request and the clocks of the run: second 0 on the monotonic clock, and its offset to wall time."""

    request_id: str
    trace_id: str
    run_start_ns: int
    wall_offset_ns: int


@dataclass(slots=True)
class Bill:
    """What a request used and cost, over all its attempts, in USD.

    `held_ns` is how long raysim held it back, `injected_ns` how long chaos did.
    `most_usd` is what one attempt could cost at most; `usd` and `counted` are those of the last one: one that is sent
    again has cost nothing that is known, but what it may have cost is in `unverified_usd`.
    """

    most_usd: float = 0.0
    counted: Counted = field(default_factory=Counted)
    usd: float = 0.0
    unverified_usd: float = 0.0
    held_ns: int = 0
    injected_ns: int = 0


class RowWriter:
    """Writes one user's rows.

    Args:
        brief: the pack's brief.
        identity: the user.
        lag: the loop's lag, to flag what it spoilt.
    """

    def __init__(self, brief: PackBrief, identity: Identity, lag: LagMeter) -> None:
        self._brief = brief
        self._user = identity.plan
        self._lag = lag
        self._secrets = set(identity.keys)

    def follow(self, brief: PackBrief) -> None:
        """From now on phases are as `brief` has them."""
        self._brief = brief

    def hide(self, secret: Secret) -> None:
        """Never write `secret`, whatever the platform quotes."""
        self._secrets.add(secret)

    def write(
        self, question: Question, body: Body, attempt: Attempt, sends: int, sent: Sent, bill: Bill
    ) -> RequestRecord:
        """The row of a request that was sent `sends` times; times are those of the last attempt."""
        exchange, due_ns = attempt.exchange, question.due_ns
        end_ns = exchange.end_ns or monotonic_ns()
        phase = self._brief.schedule.phase_at((due_ns - sent.run_start_ns) / 1e9)
        record = RequestRecord(
            request_id=sent.request_id,
            trace_id=sent.trace_id,
            conversation_id=question.conversation_id,
            org_id=self._user.org_name,
            user_id=self._user.name,
            worker=self._brief.pack.name,
            phase=phase.name if phase else "",
            endpoint=question.endpoint.label,
            model=body.model,
            strategy=question.strategy,
            backend=backend_of(exchange.headers),
            error_type=attempt.error,
            error_detail=self.redacted(attempt.detail)[:DETAIL_LIMIT],
            http_status=exchange.status or ABSENT,
            turn=question.turn,
            turns_sent=question.turns_sent,
            session=question.session,
            attempts=sends,
            due_unix_ns=due_ns + sent.wall_offset_ns,
            sent_ns=_after(due_ns, exchange.sent_ns),
            first_byte_ns=_after(due_ns, exchange.first_byte_ns),
            end_ns=end_ns - due_ns,
            connect_ns=question.connect_ns + exchange.connect_ns or ABSENT,
            prompt_target_tokens=question.prompt_target_tokens,
            held_ns=bill.held_ns or ABSENT,
            injected_ns=bill.injected_ns or ABSENT,
            token_source=bill.counted.source,
            prompt_tokens=bill.counted.prompt,
            completion_tokens=bill.counted.completion,
            cost_usd=bill.usd,
            unverified_usd=bill.unverified_usd,
            reserved_usd=bill.most_usd,
            max_tokens=body.max_tokens,
            bytes_received=exchange.bytes_received,
            question_hash=question.question_hash,
            think_s=question.think_s,
            think_planned_s=question.think_planned_s,
            streamed=False,
            lag_flagged=self._lag.spoilt(exchange.sent_ns, attempt.reader.first_token_ns, end_ns),
            excluded=phase.excluded if phase else True,
        )
        if isinstance(attempt.reader, ChatReader):
            self._generated(record, question, attempt.reader)
        self._note_statements(record, attempt)
        return record

    def _generated(self, record: RequestRecord, question: Question, reader: ChatReader) -> None:
        due_ns = question.due_ns
        record.streamed = question.endpoint.streams(streaming=self._brief.behaviour.streaming)
        record.finish_reason = reader.finish_reason
        record.first_token_ns = _after(due_ns, reader.first_token_ns)
        record.first_output_ns = _after(due_ns, reader.first_output_ns)
        record.last_token_ns = _after(due_ns, reader.last_token_ns)
        record.chunks = reader.chunks
        record.token_reads = reader.token_reads
        record.chunk_gaps_us = reader.gaps_us
        usage = reader.usage
        if usage is not None:
            record.cached_tokens = ABSENT if usage.cached_tokens is None else usage.cached_tokens
            record.reasoning_tokens = ABSENT if usage.reasoning_tokens is None else usage.reasoning_tokens

    def _note_statements(self, record: RequestRecord, attempt: Attempt) -> None:
        """What the platform says of money and limits, to be held against what the user counted."""
        stated = statements_of(attempt.exchange.status, attempt.exchange.headers, attempt.reader.body)
        wait_s = attempt.retry_after_s
        record.retry_after_s = _NAN if wait_s is None else wait_s
        record.billed_usd = stated.billed_usd
        record.key_spend_usd = stated.key_spend_usd
        record.stated_usage, record.stated_limit = stated.usage, stated.limit
        record.rate_remaining = stated.rate_remaining
        if isinstance(attempt.reader, WholeReader) and attempt.reader.tokens is not None:
            own_usd = attempt.reader.tokens.billed_usd
            record.billed_usd = record.billed_usd if isnan(own_usd) else own_usd

    def redacted(self, text: str) -> str:
        """`text` without the user's keys; some platforms quote the key that they refuse."""
        for secret in filter(Secret.reveal, self._secrets):
            text = text.replace(secret.reveal(), repr(secret))
        return text


def _after(due_ns: int, stamp_ns: int) -> int:
    return stamp_ns - due_ns if stamp_ns else ABSENT
