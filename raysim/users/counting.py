"""What an attempt used, and what the platform bills for it, as far as the client can know."""

from __future__ import annotations

import msgspec

from raysim.core.behaviour.conversation import estimate_tokens
from raysim.core.pricing import Price, cost_usd
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import ABSENT
from raysim.users.attempt import Attempt, Question
from raysim.wire.openai import ChatReader
from raysim.wire.tokenizer import TokenCounter
from raysim.wire.whole_answer import WholeReader

_HTTP_REDIRECT = 300
#: a gateway gave up waiting, or believed that we did: what stands behind it may have gone on, and billed
_GAVE_UP = frozenset({408, 499, 504, 524})
#: an answer with one of these has arrived as a whole
_WHOLE = (ErrorKind.NONE, ErrorKind.EXPECTATION_FAILED)


class Counted(msgspec.Struct, frozen=True):
    """Tokens of an attempt, ABSENT where there are none, and where the counts come from; empty for nowhere."""

    source: str = ""
    prompt: int = ABSENT
    completion: int = ABSENT

    def usd(self, price: Price) -> float:
        """What these tokens cost."""
        return cost_usd(price, max(0, self.prompt), max(0, self.completion)) if self.source else 0.0


def count_tokens(question: Question, attempt: Attempt, counter: TokenCounter | None = None) -> Counted:
    """The tokens of an attempt: the platform's own usage where it states it, else what can be counted."""
    reader = attempt.reader
    if isinstance(reader, ChatReader):
        return _generated(question, attempt, reader, counter)
    return _stated(question, attempt, reader)


def is_certain(attempt: Attempt, counted: Counted) -> bool:
    """Whether what was counted is all that the platform can have billed for an attempt.

    It is when nothing was sent, when the platform refused or failed before it answered, and when the answer has arrived
    as a whole and states its usage. An answer that broke off, that nobody waited for any longer, or that states nothing
    may have been billed up to the request's limits.
    """
    exchange = attempt.exchange
    if not exchange.sent_ns and attempt.sends < 2:  # noqa: PLR2004 - sent a second time means sent
        return True
    if exchange.status >= _HTTP_REDIRECT:
        return exchange.status not in _GAVE_UP
    return attempt.error in _WHOLE and counted.source == "usage"


def was_answered(attempt: Attempt) -> bool:
    """Whether the platform did what it was asked; an error status may be a success that was expected."""
    return attempt.error is ErrorKind.NONE and (attempt.exchange.status or ABSENT) < _HTTP_REDIRECT


def _generated(question: Question, attempt: Attempt, reader: ChatReader, counter: TokenCounter | None) -> Counted:
    usage = reader.usage
    if usage is not None:
        return Counted("usage", usage.prompt_tokens, usage.completion_tokens)
    if not (reader.chunks or was_answered(attempt)):
        return Counted()
    # nothing stated: what arrived was generated, and was billed with its prompt
    if counter is not None and reader.only_text:
        prompt = sum(counter.count(text) for _, text in question.ask.messages)
        return Counted("tokenizer", prompt, counter.count(reader.text))
    answer = reader.chunks or (estimate_tokens(reader.text) if reader.text else 0)
    return Counted("chunks", question.prompt_estimate, answer)


def _stated(question: Question, attempt: Attempt, reader: WholeReader) -> Counted:
    """What is not stated stays absent; only a prompt that was surely read, as embeddings are, is estimated."""
    tokens = reader.tokens
    prompt = tokens.prompt if tokens is not None else None
    completion = tokens.completion if tokens is not None and question.endpoint.kind == "custom" else None
    if prompt is not None or completion is not None:
        return Counted("usage", ABSENT if prompt is None else prompt, ABSENT if completion is None else completion)
    if question.endpoint.kind == "embeddings" and was_answered(attempt):
        return Counted("estimate", question.prompt_estimate)
    return Counted()
