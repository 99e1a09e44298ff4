"""Questions nobody asked before: unique by construction, not by remembering.

A question is a template and a number below the template's size, which decodes (mixed radix) into what stands in the
template's slots; no two of these pairs make the same text. Each template's numbers are a space that the users share:
every time that a user comes to a template it has a rank of its own, which no other user's has, and a permutation
scatters the ranks over the space. No set of everything seen is kept, and the same seed gives the same questions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.behaviour.deck import Deck, Hand
from raysim.core.behaviour.phrasebook import phrasebook
from raysim.core.rng import Stream, derive

#: the strategies that come with raysim, each with a phrasebook of its name
STRATEGIES = ("historical", "mathematical", "geographical", "hypothetical", "technical")
#: draws from all of them
MIXED = "mixed"
#: a scenario's own templates
TEMPLATE = "template"

#: a user may ask by a strategy's name and by `mixed`; the two never meet
_LANES = 2
#: questions set aside for one life of a user, of each kind: one a second for 18 hours
_LIFE = 1 << 16
#: choices among the strategies that 64 random bits are good for; their bias is below 1 in a million
_CHOICES = 16


@dataclass(frozen=True, slots=True, eq=False)
class QuestionSpace:
    """All questions of one strategy, in an order of their own for each seed.

    `follows` holds those that go on with a conversation, by the kind of its subject; "" for any other.
    """

    asks: Deck
    follows: dict[str, Deck] = field(default_factory=dict)

    @classmethod
    def of(cls, strategy: str, seed: int, templates: tuple[CustomTemplate, ...] = ()) -> QuestionSpace:
        """The space of one of STRATEGIES, or of a scenario's own `templates`."""
        key = derive(seed, "questions", strategy)
        if strategy == TEMPLATE:
            return cls(Deck(tuple(template.compiled() for template in templates), derive(key, "ask")))
        book = phrasebook(strategy)
        follows = {kind: Deck(lines, derive(key, "follow", kind), _LANES) for kind, lines in book.follows().items()}
        return cls(Deck(book.asks(), derive(key, "ask"), _LANES), follows)


#: a strategy's space, shared by all users of a process
_space = lru_cache(maxsize=16)(QuestionSpace.of)


#: what the conversation is about: strategy and lane of the walk's last question, the kind of its subject, the subject
_Topic = tuple[str, int, str, str]


class QuestionWalk:
    """The questions of one user: its own part of every strategy's space.

    Args:
        seed: the run's seed.
        user: the user's index in the run, below `users`; its organisation goes with it.
        users: how many users share the spaces.
        incarnation: how often this user was restarted; each life starts at fresh ranks.
        templates: the scenario's own, for the strategy `template`.
    """

    def __init__(
        self,
        seed: int,
        user: int,
        users: int,
        incarnation: int = 0,
        templates: tuple[CustomTemplate, ...] = (),
    ) -> None:
        self._seed = seed
        self._user = user
        self._users = users
        self._asked = incarnation * _LIFE
        self._templates = templates
        self._choice = Stream.of(seed, "question-choice", user, incarnation)
        self._bits = self._choices = 0
        self._hands: dict[tuple[str, int, str | None], Hand] = {}
        self._topic: _Topic | None = None

    def next(self, strategy: str, *, follow_up: bool) -> tuple[str, str]:
        """The next question and the strategy it comes from (one of the five when `strategy` is `mixed`).

        A follow-up stays with what the question before it was about, and so with its strategy.
        """
        if follow_up and self._topic is not None:
            strategy, lane, kind, subject = self._topic
            return self._hand(strategy, lane, kind).next(subject)[0], strategy
        lane = 0
        if strategy == MIXED:
            lane = 1
            strategy = self._mixed()
        text, subject, template = self._hand(strategy, lane, None).next()
        self._topic = (strategy, lane, template.subject_kind, subject)
        return text, strategy

    def _mixed(self) -> str:
        """A strategy by chance."""
        if not self._choices:
            self._bits = self._choice.bits64()
            self._choices = _CHOICES
        self._choices -= 1
        self._bits, place = divmod(self._bits, len(STRATEGIES))
        return STRATEGIES[place]

    def _hand(self, strategy: str, lane: int, kind: str | None) -> Hand:
        """The user's way through a strategy's questions, or through its follow-ups for a kind of subject."""
        hand = self._hands.get((strategy, lane, kind))
        if hand is None:
            space = _space(strategy, self._seed, self._templates if strategy == TEMPLATE else ())
            if kind is not None and not space.follows:
                return self._hand(strategy, lane, None)
            if kind and kind not in space.follows:
                return self._hand(strategy, lane, "")
            deck = space.asks if kind is None else space.follows[kind]
            hand = self._hands[strategy, lane, kind] = Hand(deck, self._user, self._users, lane, self._asked)
        return hand


def question_hash(text: str) -> int:
    """64 bits that stand for a question's text in the records."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
