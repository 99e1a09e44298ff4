"""How long prompts are, and what they share: question, context around it, a start that others have too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import msgspec

from raysim.core.behaviour.conversation import (
    CHARACTERS_PER_TOKEN,
    MESSAGE_OVERHEAD_TOKENS,
    Conversation,
    estimate_tokens,
)
from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.behaviour.distributions import Distribution
from raysim.core.behaviour.passages import GENERAL, bridge, cut, passage, reference
from raysim.core.behaviour.questions import QuestionWalk
from raysim.core.rng import Stream, derive

CacheUse = Literal["unique", "repeat", "prefix"]
PrefixScope = Literal["all", "org", "user"]

Strategies = tuple[tuple[str, float], ...]

_BREAK = "\n\n"
#: less than this is no document
_LEAST_CHARACTERS = 80
#: a shared document is kept this much longer than four characters a token make it: some tokenizers need fewer tokens
_LONGER_TOKENS = 1.5
#: documents set aside for one life of a user, and lives for one user
_LIFE = 1 << 24
_LIVES = 1 << 12


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """What prompts are to be like. Lengths in tokens.

    Args:
        target: length of the whole prompt; None for as long as it comes.
        shared_prefix_tokens: length of the text that every prompt of the run begins with; 0 for none.
        cache: what else a cache can find: `unique` nothing; `repeat` whole prompts out of a set of `repeat_questions`;
            `prefix` the context, which is the same for everybody in `prefix_scope`.
        prefix_scope: who shares that context.
        repeat_questions: how many questions, and as many follow-ups, the set holds.
    """

    target: Distribution | None = None
    shared_prefix_tokens: int = 0
    cache: CacheUse = "unique"
    prefix_scope: PrefixScope = "all"
    repeat_questions: int = 20


#: prompts that are as long as their question
PLAIN = PromptPlan()


class Written(msgspec.Struct, frozen=True):
    """A message made up for one request.

    Args:
        text: what is sent: the question, with its context before it.
        question: the question alone; uniqueness is counted from it.
        strategy: where it comes from.
        target_tokens: how long the whole prompt was to be; 0 where it is longer by itself, or as long as it comes.
    """

    text: str
    question: str
    strategy: str
    target_tokens: int = 0


class PromptWriter:
    """Writes one user's messages.

    Args:
        plan: what they are to be like.
        strategies: each question strategy with its weight.
        system_prompt: the scenario's own.
        seed: the run's seed.
        org: the user's organisation.
        user: the user's index in the run, below `users`.
        users: how many users share the question spaces.
        incarnation: how often this user was restarted.
        stream: the user's random numbers.
        templates: the scenario's own questions, for the strategy `template`.
    """

    def __init__(
        self,
        plan: PromptPlan,
        strategies: Strategies,
        system_prompt: str,
        *,
        seed: int,
        org: str,
        user: int,
        users: int,
        incarnation: int,
        stream: Stream,
        templates: tuple[CustomTemplate, ...] = (),
    ) -> None:
        self._plan = plan
        self._names, self._weights = zip(*strategies, strict=True)
        self._stream = stream
        self._walk = QuestionWalk(seed, user, users, incarnation, templates)
        self._documents = derive(seed, "documents")
        self._next_document = (user * _LIVES + incarnation % _LIVES) * _LIFE
        #: what prompts without a system message begin with
        self.start = shared_start(plan, seed)
        self.system = _BREAK.join(filter(None, (self.start, system_prompt)))
        self._shared = _shared_document(plan, seed, org, user)
        self._set = _repeated(plan, strategies, templates, seed, self.system) if plan.cache == "repeat" else None

    def write(self, conversation: Conversation) -> Written:
        """The next message of `conversation`, which stays with the strategy of its first question."""
        follow_up = conversation.answered_once
        if self._set is not None:
            openings, follow_ups = self._set
            chosen = (follow_ups if follow_up else openings)[self._stream.below(len(openings))]
        else:
            wanted = conversation.strategy or self._names[self._stream.weighted(self._weights)]
            question, strategy = self._walk.next(wanted, follow_up=follow_up)
            target = self._plan.target.sample_int(self._stream) if self._plan.target is not None else 0
            room = conversation.room(target) if target else 0
            text = self._with_context(question, strategy, room)
            chosen = Written(text, question, strategy, _aimed(target, question, room))
        conversation.strategy = conversation.strategy or chosen.strategy
        return chosen

    def _with_context(self, question: str, strategy: str, room: int) -> str:
        if self._plan.cache == "prefix":
            return _joined(_shared_text(self._plan, self._shared), self._shared, question, room)
        number = reference(self._documents, self._next_document)
        self._next_document += 1
        return _joined(None, number, question, room, topic=strategy)


@lru_cache(maxsize=4)
def shared_start(plan: PromptPlan, seed: int) -> str:
    """The text that all prompts of a run begin with; empty for none."""
    if not plan.shared_prefix_tokens:
        return ""
    characters = (plan.shared_prefix_tokens - MESSAGE_OVERHEAD_TOKENS) * CHARACTERS_PER_TOKEN
    return passage(GENERAL, derive(seed, "shared-start"), characters)


def _aimed(target: int, question: str, room: int) -> int:
    """The target, unless the prompt is longer by itself."""
    return target if len(question) <= room else 0


@lru_cache(maxsize=64)
def _shared_text(plan: PromptPlan, number: int) -> str:
    """Document `number`, longer than it is ever needed, unless the platform's tokens are longer than any."""
    longest = plan.target.high if plan.target is not None else 0.0
    return passage(GENERAL, number, int(longest * CHARACTERS_PER_TOKEN * _LONGER_TOKENS))


def _joined(document: str | None, number: int, question: str, room: int, topic: str = GENERAL) -> str:
    """`question` after document `number`, in at most `room` characters; alone when there is no room for a document."""
    lead = bridge(number)
    characters = room - len(question) - len(_BREAK) - len(lead)
    if characters < _LEAST_CHARACTERS:
        return question
    text = passage(topic, number, characters) if document is None else cut(document, characters)
    return f"{text}{_BREAK}{lead}{question}"


def _shared_document(plan: PromptPlan, seed: int, org: str, user: int) -> int:
    scope: tuple[str | int, ...] = {"all": (), "org": (org,), "user": (org, user)}[plan.prefix_scope]
    return derive(seed, "shared-document", plan.prefix_scope, *scope)


@lru_cache(maxsize=4)
def _repeated(
    plan: PromptPlan, strategies: Strategies, templates: tuple[CustomTemplate, ...], seed: int, system: str
) -> tuple[tuple[Written, ...], tuple[Written, ...]]:
    """The run's set of openings and of follow-ups: the same for all its users, and each always the same text."""
    walk = QuestionWalk(derive(seed, "repeat"), 0, 1, templates=templates)
    stream = Stream.of(seed, "repeat-set")
    names, weights = zip(*strategies, strict=True)
    head = estimate_tokens(system) if system else 0
    openings, follow_ups = [], []
    for place in range(plan.repeat_questions):
        question, strategy = walk.next(names[stream.weighted(weights)], follow_up=False)
        target = plan.target.sample_int(stream) if plan.target is not None else 0
        room = (target - head - MESSAGE_OVERHEAD_TOKENS) * CHARACTERS_PER_TOKEN
        text = _joined(None, reference(derive(seed, "repeat"), place), question, room, topic=strategy)
        openings.append(Written(text, question, strategy, _aimed(target, question, room)))
        question, strategy = walk.next(strategy, follow_up=True)
        follow_ups.append(Written(question, question, strategy))
    return tuple(openings), tuple(follow_ups)
