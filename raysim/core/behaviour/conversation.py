"""What a user and the assistant have said to each other, kept within the model's context."""

from __future__ import annotations

import math

import msgspec

from raysim.core.records.outcome import ErrorKind

#: tokens are not known before the platform counts them; four characters a token and four a message is the usual guess
CHARACTERS_PER_TOKEN = 4
MESSAGE_OVERHEAD_TOKENS = 4
#: a platform that counts this much more or less than was estimated counts something else than tokens
_MOST_OFF = 4.0
#: a request that was refused as it is would be refused again with the same history: the user starts anew.
#: After any other failure it goes on in the same conversation, without the question that got no answer
ENDS_CONVERSATION = frozenset({ErrorKind.HTTP_4XX})


def estimate_tokens(text: str) -> int:
    """About how many tokens one message with this text has; rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN) + MESSAGE_OVERHEAD_TOKENS


class TokenGauge:
    """Estimates tokens, corrected by what the platform has counted so far: tokenizers and languages differ."""

    __slots__ = ("_counted", "_estimated")

    def __init__(self) -> None:
        self._counted = 0
        self._estimated = 0

    @property
    def correction(self) -> float:
        """Tokens counted for each token estimated; 1 before anything was counted."""
        if not self._estimated:
            return 1.0
        return min(_MOST_OFF, max(1 / _MOST_OFF, self._counted / self._estimated))

    def learn(self, estimated: int, counted: int) -> None:
        """A prompt of `estimated` tokens (uncorrected) was counted as `counted` by the platform."""
        if estimated > 0 and counted > 0:
            self._estimated += estimated
            self._counted += counted

    def tokens(self, estimated: int) -> int:
        """What `estimated` tokens are likely to be counted as; rounded up."""
        return math.ceil(estimated * self.correction)

    def characters(self, tokens: int) -> int:
        """How many characters a message may have that is counted as at most `tokens`."""
        return max(0, (math.floor(tokens / self.correction) - MESSAGE_OVERHEAD_TOKENS) * CHARACTERS_PER_TOKEN)


class Turn(msgspec.Struct, frozen=True):
    """A question and its answer."""

    question: str
    answer: str

    @property
    def tokens(self) -> int:
        """Estimated tokens of both."""
        return estimate_tokens(self.question) + estimate_tokens(self.answer)


class Prompt(msgspec.Struct, frozen=True):
    """What is sent.

    Args:
        messages: (role, text) from the system message on, if there is one; the question last.
        max_tokens: the answer's limit, lowered where the context leaves less room than was asked for.
        turns: earlier turns that are sent along.
        estimate: estimated tokens of the messages, not corrected.
    """

    messages: tuple[tuple[str, str], ...]
    max_tokens: int
    turns: int
    estimate: int


class Conversation:
    """The turns so far, under one id. Oldest turns go first, always whole, when the context would overflow.

    Args:
        conversation_id: its id in the records.
        system_prompt: first message of every request; empty for none. Never trimmed.
        context_limit_tokens: what prompt and answer together may hold.
        gauge: estimates what texts hold; one that has learned nothing by default.
    """

    def __init__(
        self, conversation_id: str, system_prompt: str, context_limit_tokens: int, gauge: TokenGauge | None = None
    ) -> None:
        self.conversation_id = conversation_id
        #: the strategy that its first question came from, which it stays with; empty before
        self.strategy = ""
        self.turns_asked = 0
        self._system = system_prompt
        self._limit = context_limit_tokens
        self._gauge = gauge or TokenGauge()
        self._turns: list[Turn] = []

    @property
    def answered_once(self) -> bool:
        """Whether there is an answer to come back to."""
        return bool(self._turns)

    def room(self, target_tokens: int) -> int:
        """How many characters the next question may have, so that the whole prompt is counted as `target_tokens`."""
        said = self._head_tokens() + sum(turn.tokens for turn in self._turns)
        return self._gauge.characters(target_tokens - self._gauge.tokens(said))

    def prompt(self, question: str, max_tokens: int) -> Prompt:
        """The messages to send, with room for `max_tokens` of answer.

        Turns are dropped until that fits. When system message and question alone leave less room, they are sent
        alone, and the answer's limit is what is left of the context, but at least 1.
        """
        self.turns_asked += 1
        fixed = self._head_tokens() + estimate_tokens(question)
        used = sum(turn.tokens for turn in self._turns)
        while self._turns and self._gauge.tokens(fixed + used) + max_tokens > self._limit:
            used -= self._turns.pop(0).tokens
        messages = [("system", self._system)] if self._system else []
        for turn in self._turns:
            messages += [("user", turn.question), ("assistant", turn.answer)]
        messages.append(("user", question))
        left = self._limit - self._gauge.tokens(fixed + used)
        return Prompt(tuple(messages), max(1, min(max_tokens, left)), len(self._turns), fixed + used)

    def answered(self, question: str, answer: str) -> None:
        """Keep a completed turn. One that failed leaves nothing behind: no question stands without its answer."""
        self._turns.append(Turn(question, answer))

    def _head_tokens(self) -> int:
        return estimate_tokens(self._system) if self._system else 0
