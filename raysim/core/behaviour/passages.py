"""Context in prompts: documents of plain prose, as long as they are wanted, that the question can refer to.

A document is decided by a number and a topic. Its beginning does not depend on its length, so that two of different
lengths share the start of the shorter one; the number stands at its very start, so that two of different numbers share
nothing from there on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from raysim.core.behaviour.sentences import SENTENCES, SLOTS, TITLES
from raysim.core.rng import Stream, mix64

#: sentences of a paragraph, fewest and most
_PARAGRAPH = (3, 6)
_SLOT = re.compile(r"\{(\w+)\}")
#: a text that had to be cut ends with this
_CUT = " …"
#: what joins a document and the question about it; the text says who speaks of what
_BRIDGES = (
    "With these notes in mind: ",
    "My question, for which the notes above may or may not help: ",
    "Please use the notes where they apply. ",
    "Given this background: ",
)
GENERAL = "office"


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence between whose `texts` stands one of each of the `options`."""

    texts: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, line: str) -> _Sentence:
        parts = _SLOT.split(line)
        return cls(tuple(parts[::2]), tuple(SLOTS[name] for name in parts[1::2]))

    def fill(self, bits: int) -> str:
        """The sentence with the values that 64 random `bits` choose; no two slots of a kind hold the same."""
        pieces = [self.texts[0]]
        for options, text in zip(self.options, self.texts[1:], strict=True):
            bits, place = divmod(bits, len(options))
            if options[place] in pieces:
                place = (place + 1) % len(options)
            pieces += (options[place], text)
        return "".join(pieces)


_BY_TOPIC = {topic: tuple(map(_Sentence.of, text.strip().splitlines())) for topic, text in SENTENCES.items()}
TOPICS = tuple(_BY_TOPIC)


def reference(seed: int, number: int) -> int:
    """A document's 64-bit number: another one for every `number` (0 to 2^64 - 1) of the same seed."""
    return mix64((number ^ seed) & ((1 << 64) - 1))


def passage(topic: str, number: int, characters: int) -> str:
    """Document `number` on `topic`, as long as it can be with at most `characters`; cut after a word.

    It begins on its topic and goes on to general notes and the other topics when it is longer than that gives, so that
    a kind of sentence comes again only after about 5,000 tokens, with other values.
    """
    stream = Stream(number)
    pieces: list[str] = []
    length = 0
    topics = _order(topic)
    section = 0
    while length <= characters:
        for piece in _section(topics[section % len(topics)], number if section == 0 else None, stream):
            pieces.append(piece)
            length += len(piece)
            if length > characters:
                break
        section += 1
    return cut("".join(pieces), characters)


def bridge(number: int) -> str:
    """What leads from document `number` to the question about it."""
    return _BRIDGES[number % len(_BRIDGES)]


def _order(topic: str) -> list[str]:
    first = topic if topic in _BY_TOPIC else GENERAL
    return list(dict.fromkeys((first, GENERAL, *TOPICS)))


def _section(topic: str, number: int | None, stream: Stream) -> list[str]:
    """A heading and the sentences of one topic, each once, in an order of their own; with spaces between them."""
    sentences = _BY_TOPIC[topic]
    title = TITLES[topic][stream.below(len(TITLES[topic]))]
    if number is None:
        pieces = [f"\n\n{title[0].upper()}{title[1:]}\n\n"]
    else:
        text = f"{number:016X}"
        pieces = [f"{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}: {title}\n\n"]
    left = stream.between(*_PARAGRAPH)
    for place in _shuffled(len(sentences), stream):
        pieces.append(sentences[place].fill(stream.bits64()))
        left -= 1
        pieces.append("\n\n" if left == 0 else " ")
        if left == 0:
            left = stream.between(*_PARAGRAPH)
    return pieces[:-1]


def _shuffled(count: int, stream: Stream) -> list[int]:
    """Fisher-Yates shuffle of 0 to `count` - 1."""
    places = list(range(count))
    for last in range(count - 1, 0, -1):
        other = stream.below(last + 1)
        places[last], places[other] = places[other], places[last]
    return places


def cut(text: str, characters: int) -> str:
    """`text` in at most `characters`, cut after a word and marked so; empty when not even one fits."""
    if len(text) <= characters:
        return text
    kept = text[: max(0, characters - len(_CUT))]
    space = max(kept.rfind(" "), kept.rfind("\n"))
    return kept[:space].rstrip() + _CUT if space > 0 else ""
