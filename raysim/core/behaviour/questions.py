"""Questions nobody asked before: unique by construction, not by remembering.

A strategy is a list of templates whose slots have fixed sizes, so its questions are numbered 0 … size - 1 and every
number decodes (mixed radix) into a different text. A user's n-th question of a strategy has rank n x users + its own
index, which no other user's has; an affine bijection of the strategy's numbers, keyed by the seed, scatters the ranks.
No set of everything seen is kept, and the same seed gives the same questions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

from raysim.core.behaviour import vocabulary as words
from raysim.core.rng import Stream, derive

_NUMBERS = tuple(str(n) for n in range(100, 1000))
_YEARS = tuple(str(n) for n in range(1500, 2000))
_SENTENCES = ("one sentence", "two sentences", "three sentences", "a short paragraph", "five bullet points", "a table")
_AUDIENCES = (
    "a curious twelve-year-old", "a new colleague", "an expert", "a journalist", "a town council",
    "a first-year student", "a sceptic", "a busy manager", "a visitor from abroad", "an examiner",
    "a retired teacher", "a podcast audience",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with slots `{0}`, `{1}` …, each filled from its own list of options."""

    text: str
    slots: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> int:
        """How many different sentences it makes."""
        return math.prod(len(options) for options in self.slots)

    def fill(self, index: int) -> str:
        """Sentence number `index` of `size`."""
        chosen = []
        for options in self.slots:
            index, position = divmod(index, len(options))
            chosen.append(options[position])
        return self.text.format(*chosen)


_AUDIENCE_AND_LENGTH = (_AUDIENCES, _SENTENCES)
TEMPLATES: dict[str, tuple[Template, ...]] = {
    "historical": (
        Template(
            "How did {0} change the lives of {1}, and what was left of that around {2}? Answer for {3} in {4}.",
            (words.EVENTS, words.GROUPS, _YEARS, *_AUDIENCE_AND_LENGTH),
        ),
        Template(
            "Compare how {1} and the authorities reacted to {0}, and say what someone in {2} could have known of it. "
            "Write it for {3} in {4}.",
            (words.EVENTS, words.GROUPS, _YEARS, *_AUDIENCE_AND_LENGTH),
        ),
    ),
    "mathematical": (
        Template(
            "A tank holds {0} litres and gains {1} litres an hour while losing {2}. How much does it hold after a day? "
            "Explain it to {3} in {4}.",
            (_NUMBERS, _NUMBERS, _NUMBERS, *_AUDIENCE_AND_LENGTH),
        ),
        Template(
            "What are the greatest common divisor of {0} and {1} and the remainder of {2} divided by it? "
            "Explain it to {3} in {4}.",
            (_NUMBERS, _NUMBERS, _NUMBERS, *_AUDIENCE_AND_LENGTH),
        ),
    ),
    "geographical": (
        Template(
            "How does {1} shape daily life in {0}, compared with {2} around {3}? Answer for {4} in {5}.",
            (words.PLACES, words.TRAITS, words.PLACES, _YEARS, *_AUDIENCE_AND_LENGTH),
        ),
        Template(
            "I know {2} well but have never been to {0}. What should I understand about {1}, and how has it changed "
            "since {3}? Write it for {4} in {5}.",
            (words.PLACES, words.TRAITS, words.PLACES, _YEARS, *_AUDIENCE_AND_LENGTH),
        ),
    ),
    "hypothetical": (
        Template(
            "Suppose {0}. What would that mean for {1} in {2}, {3} days later? Answer for {4} in {5}.",
            (words.CHANGES, words.FIELDS, words.PLACES, _NUMBERS, *_AUDIENCE_AND_LENGTH),
        ),
        Template(
            "If {0}, which habits would change first for {1} in {2}, and which only after {3} days? "
            "Give only the main ones, for {4}, in {5}.",
            (words.CHANGES, words.FIELDS, words.PLACES, _NUMBERS, *_AUDIENCE_AND_LENGTH),
        ),
    ),
    "technical": (
        Template(
            "We see {1} in {0} serving {3} requests a second. How would you find the cause {2}? Answer for {4} in {5}.",
            (words.SYSTEMS, words.SYMPTOMS, words.CONSTRAINTS, _NUMBERS, *_AUDIENCE_AND_LENGTH),
        ),
        Template(
            "Design a fix for {1} in {0} that works {2}; {3} clients depend on it. Write it for {4} in {5}.",
            (words.SYSTEMS, words.SYMPTOMS, words.CONSTRAINTS, _NUMBERS, *_AUDIENCE_AND_LENGTH),
        ),
    ),
}  # fmt: skip
STRATEGIES = tuple(TEMPLATES)
_FOLLOW_UPS = (
    "Thank you. A related point: ",
    "That helps. Staying close to the subject: ",
    "I see. Then tell me this: ",
    "Good. One more question that came up while reading: ",
)


@dataclass(frozen=True, slots=True)
class QuestionSpace:
    """All questions of one strategy, in an order of their own for each seed."""

    strategy: str
    seed: int
    size: int = field(init=False)
    _factor: int = field(init=False)
    _shift: int = field(init=False)

    def __post_init__(self) -> None:
        size = sum(template.size for template in TEMPLATES[self.strategy])
        stream = Stream.of(self.seed, "questions", self.strategy)
        factor = stream.below(size)
        while math.gcd(factor, size) != 1:
            factor += 1
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "_factor", factor)
        object.__setattr__(self, "_shift", stream.below(size))

    def question(self, rank: int) -> str:
        """The question at `rank`; ranks that differ modulo `size` give different questions."""
        index = (rank * self._factor + self._shift) % self.size
        for template in TEMPLATES[self.strategy]:
            if index < template.size:
                return template.fill(index)
            index -= template.size
        raise AssertionError(index)


@lru_cache(maxsize=8)
def _spaces(seed: int) -> dict[str, QuestionSpace]:
    """The spaces of one run, shared by all users of a process."""
    return {name: QuestionSpace(name, derive(seed, "space")) for name in STRATEGIES}


class QuestionWalk:
    """The questions of one user: its own ranks of every strategy's space.

    Args:
        seed: the run's seed.
        user: the user's index in the run, below `users`.
        users: how many users share the spaces.
        incarnation: how often this user was restarted; each life starts at fresh ranks.
    """

    #: ranks set aside for one life of a user; more questions than one person asks in a year
    _LIFE = 1 << 14

    def __init__(self, seed: int, user: int, users: int, incarnation: int = 0) -> None:
        self._spaces = _spaces(seed)
        self._user = user
        self._users = users
        self._asked = dict.fromkeys(STRATEGIES, incarnation * self._LIFE)
        self._choice = Stream.of(seed, "question-choice", user, incarnation)

    def next(self, strategy: str, *, follow_up: bool) -> tuple[str, str]:
        """The next question and the strategy it comes from (one of the five when `strategy` is `mixed`)."""
        if strategy == "mixed":
            strategy = STRATEGIES[self._choice.below(len(STRATEGIES))]
        rank = self._asked[strategy] * self._users + self._user
        self._asked[strategy] += 1
        text = self._spaces[strategy].question(rank)
        if follow_up:
            lead = _FOLLOW_UPS[self._choice.below(len(_FOLLOW_UPS))]
            text = lead + text[0].lower() + text[1:] if not text.startswith("I ") else lead + text
        return text, strategy


def question_hash(text: str) -> int:
    """64 bits that stand for a question's text in the records."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
