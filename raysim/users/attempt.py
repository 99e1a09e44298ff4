"""A question as it is to be sent, and what came of sending it once."""

from __future__ import annotations

from time import monotonic_ns

import msgspec

from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.behaviour.expectation import Expectation, Finding
from raysim.core.control.retry import FailedAttempt
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import ABSENT
from raysim.wire.error_mapping import retry_after_s
from raysim.wire.exchange import Exchange
from raysim.wire.openai import ChatReader
from raysim.wire.openai_request import Ask
from raysim.wire.whole_answer import WholeReader

_HTTP_ERROR = 400
#: after these the body of a response is as complete as it gets
_ENDED = (ErrorKind.NONE, ErrorKind.STREAM_INTERRUPTED)

AnswerReader = ChatReader | WholeReader


class Question(msgspec.Struct, frozen=True):
    """What is to be asked, and what the record has to know of it.

    `due_ns` is monotonic; think times are seconds. `connect_ns` is how long a connection took to open that was not
    ready when the question was due; 0 when it was.
    """

    endpoint: EndpointPlan
    ask: Ask
    due_ns: int
    conversation_id: str
    turn: int
    strategy: str
    question_hash: int
    prompt_estimate: int
    think_s: float
    think_planned_s: float
    connect_ns: int = 0
    turns_sent: int = ABSENT
    session: int = ABSENT
    prompt_target_tokens: int = ABSENT


class Attempt(msgspec.Struct, frozen=True):
    """How sending a request once went. `sends` counts the safe second try on a connection that was closed meanwhile."""

    exchange: Exchange
    reader: AnswerReader
    error: ErrorKind
    detail: str
    sends: int

    @classmethod
    def unsent(cls, reader: AnswerReader, error: ErrorKind, detail: str) -> Attempt:
        """The attempt that was not made, for the reason `error`."""
        exchange = Exchange()
        exchange.fail(error, detail)
        exchange.end_ns = monotonic_ns()
        return cls(exchange, reader, error, detail, 0)

    @classmethod
    def of(cls, exchange: Exchange, reader: AnswerReader, sends: int, expects: Expectation | None) -> Attempt:
        """The attempt that ended like this, judged."""
        if exchange.error is ErrorKind.NONE or (exchange.error in _ENDED and exchange.status >= _HTTP_ERROR):
            reader.finish(exchange.status, exchange.headers)
        # a refusal stays one although its connection broke before it was fully told
        error, detail = reader.error or exchange.error, reader.detail or exchange.detail
        if expects is not None and exchange.error is ErrorKind.NONE:
            error, detail = expects.judge(Finding(error, detail, exchange.status, reader.text, reader.body))
        return cls(exchange, reader, error, detail, sends)

    @property
    def retry_after_s(self) -> float | None:
        """How long the platform asks to wait; None when it does not, or when there is no reason to."""
        return retry_after_s(self.exchange.headers, self.reader.body) if self.error else None

    @property
    def failed(self) -> FailedAttempt:
        """What a decision about a retry needs to know."""
        return FailedAttempt(
            self.error,
            first_byte_arrived=self.exchange.first_byte_ns > 0,
            first_token_arrived=self.reader.first_token_ns > 0,
            retry_after_s=self.retry_after_s,
        )
