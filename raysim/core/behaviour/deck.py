"""Templates to draw from by weight, and one user's way through them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from raysim.core.behaviour.question_template import QuestionTemplate, Scatter
from raysim.core.rng import Stream, derive, mix64


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """One place in a deck: the `occurrence`-th of the `weight` places of a template, whose ranks begin at `start`."""

    template: QuestionTemplate
    scatter: Scatter
    start: int
    occurrence: int


class Deck:
    """The templates of one kind of question, each in as many places as its weight says, shuffled by the seed.

    A user goes through the whole deck before it begins again, so shares are exact; where it starts, and in which
    strides it goes, is its own, and another one each time around. Every time that it comes to a place it takes the
    next of its own ranks of that place's template: no two users, rounds, places or lanes share a rank.

    The seed says at which rank of each template a run begins. All that a run asks lies in a row from there on, so two
    runs share questions of a template only when they begin closer together than the number that they ask: a run that
    asks n of a template's N questions meets another like it with probability 2 n / N, where questions drawn at random
    would repeat one another once n is about the root of N.

    Args:
        templates: what to ask.
        seed: the seed of this deck.
        lanes: how many walks of one user may go through it without meeting.
    """

    def __init__(self, templates: tuple[QuestionTemplate, ...], seed: int, lanes: int = 1) -> None:
        self.templates = templates
        self.lanes = lanes
        self._key = derive(seed, "order")
        cards = []
        for place, template in enumerate(templates):
            scatter = Scatter(template.sizes)
            start = Stream.of(seed, "start", place).below(template.size)
            cards += [Card(template, scatter, start, occurrence) for occurrence in range(template.weight)]
        stream = Stream.of(seed, "shuffle")
        for last in range(len(cards) - 1, 0, -1):
            other = stream.below(last + 1)
            cards[last], cards[other] = cards[other], cards[last]
        self.cards = tuple(cards)
        self._strides = tuple(stride for stride in range(1, len(cards) + 1) if math.gcd(stride, len(cards)) == 1)

    def path(self, user: int, lane: int, block: int) -> tuple[int, int]:
        """Where a user starts when it goes through the deck for the `block`-th time, and its stride."""
        drawn = mix64(self._key ^ mix64((block << 26) ^ (user << 2) ^ lane))
        return drawn % len(self.cards), self._strides[(drawn >> 32) % len(self._strides)]


class Hand:
    """One user's way through a deck; it holds only how far the user has come.

    Args:
        deck: the deck.
        user: the user's index, below `users`.
        users: how many users share the deck.
        lane: which of the user's walks this is, below the deck's lanes.
        asked: how many questions to leave out.
    """

    __slots__ = ("_block", "_cards", "_deck", "_owner", "_path", "_place", "_sharers", "_user", "lane")

    def __init__(self, deck: Deck, user: int, users: int, lane: int = 0, asked: int = 0) -> None:
        self._deck = deck
        self._cards = deck.cards
        self._user = user
        self.lane = lane
        self._owner = user * deck.lanes + lane
        self._sharers = users * deck.lanes
        self._block, self._place = divmod(asked, len(deck.cards))
        self._path = deck.path(user, lane, self._block)

    def next(self, subject: str = "") -> tuple[str, str, QuestionTemplate]:
        """The next question, what it is about (`subject`, unless it names its own), and its template."""
        if self._place == len(self._cards):
            self._block += 1
            self._place = 0
            self._path = self._deck.path(self._user, self.lane, self._block)
        start, stride = self._path
        card = self._cards[(start + self._place * stride) % len(self._cards)]
        self._place += 1
        template = card.template
        rank = (self._block * template.weight + card.occurrence) * self._sharers + self._owner
        x, y = card.scatter.pair(card.start + rank)
        text, subject = template.fill(x, y, subject)
        return text, subject, template
