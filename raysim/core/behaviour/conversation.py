"""What a user and the assistant have said to each other, kept within the model's context."""

from __future__ import annotations

from dataclasses import dataclass

#: tokens are not known before the platform counts them; four characters a token and four a message is the usual guess
CHARACTERS_PER_TOKEN = 4
_MESSAGE_OVERHEAD_TOKENS = 4


def estimate_tokens(text: str) -> int:
    """About how many tokens one message with this text has; rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN) + _MESSAGE_OVERHEAD_TOKENS


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer."""

    question: str
    answer: str

    @property
    def tokens(self) -> int:
        """Estimated tokens of both."""
        return estimate_tokens(self.question) + estimate_tokens(self.answer)


class Conversation:
    """The turns so far, under one id. Oldest turns go first, always whole, when the context would overflow.

    Args:
        conversation_id: its id in the records.
        system_prompt: first message of every request; empty for none. Never trimmed.
        context_limit_tokens: what prompt and answer together may hold.
    """

    def __init__(self, conversation_id: str, system_prompt: str, context_limit_tokens: int) -> None:
        self.conversation_id = conversation_id
        self._system = system_prompt
        self._limit = context_limit_tokens
        self._turns: list[Turn] = []
        self.turns_asked = 0

    def prompt(self, question: str, max_tokens: int) -> list[tuple[str, str]]:
        """The messages to send, as (role, text), with room left for `max_tokens` of answer."""
        self.turns_asked += 1
        fixed = estimate_tokens(question) + max_tokens + (estimate_tokens(self._system) if self._system else 0)
        room = self._limit - fixed
        used = sum(turn.tokens for turn in self._turns)
        while self._turns and used > room:
            used -= self._turns.pop(0).tokens
        messages = [("system", self._system)] if self._system else []
        for turn in self._turns:
            messages += [("user", turn.question), ("assistant", turn.answer)]
        messages.append(("user", question))
        return messages

    def answered(self, question: str, answer: str) -> None:
        """Keep a completed turn."""
        self._turns.append(Turn(question, answer))
