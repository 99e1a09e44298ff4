"""Questions read backwards: which numbers of which templates make a text, and whether two ever make the same."""

from __future__ import annotations

import string
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, takewhile

from raysim.core.behaviour.options import Distinct, Row, Rows
from raysim.core.behaviour.question_template import QuestionTemplate

#: the texts that can stand in one part of a sentence
Texts = frozenset[str]


def columns(slot: Rows) -> tuple[Texts, ...]:
    """For each text of a slot's rows: all that it can be."""
    if isinstance(slot, Distinct):
        return tuple(column for member in slot.members for column in _columns_of(member))
    return _columns_of(tuple(slot))


@cache
def _columns_of(rows: tuple[Row, ...]) -> tuple[Texts, ...]:
    return tuple(map(frozenset, zip(*rows, strict=True)))


@cache
def _literal(text: str) -> Texts:
    return frozenset({text})


@dataclass(frozen=True, eq=False)
class Sentence:
    """A template as its parts, one after another; `places` says which text of the slots each part is, -1 for none.

    `texts` are the parts' possible texts; in a literal part there is one.
    """

    template: QuestionTemplate
    texts: tuple[Texts, ...]
    places: tuple[int, ...]

    @classmethod
    def of(cls, template: QuestionTemplate, subjects: Texts = frozenset({""})) -> Sentence:
        """The parts of `template`, which may be asked about any of `subjects`."""
        possible = [*(column for slot in template.slots for column in columns(slot)), subjects]
        texts: list[Texts] = []
        places: list[int] = []
        for literal, place, _, _ in string.Formatter().parse(template.text):
            if literal:
                texts.append(_literal(literal))
                places.append(-1)
            if place is not None:
                texts.append(possible[int(place)])
                places.append(int(place))
        return cls(template, tuple(texts), tuple(places))


@cache
def _longest(texts: Texts) -> int:
    return max(map(len, texts))


def _beginnings(text: str, texts: Texts) -> list[str]:
    """Those of `texts` with which `text` begins, itself included."""
    return [text[:end] for end in range(1, min(len(text), _longest(texts)) + 1) if text[:end] in texts]


@cache
def _sorted(texts: Texts) -> list[str]:
    return sorted(texts)


def _begun_by(text: str, texts: Texts) -> list[str]:
    """Those of `texts` that begin with `text` and go on."""
    ordered = _sorted(texts)
    place = bisect_right(ordered, text)
    following = map(ordered.__getitem__, range(place, len(ordered)))
    return list(takewhile(lambda other: other.startswith(text), following))


@cache
def _overlaps(one: Texts, other: Texts) -> tuple[frozenset[str], frozenset[str], bool]:
    """What is left of a text of `one` that begins with one of `other`; the reverse; whether they share a text."""
    if len(one) > len(other):
        right, left, shared = _overlaps(other, one)
        return left, right, shared
    left = frozenset(text[len(start) :] for text in one for start in _beginnings(text, other) if start != text)
    right = frozenset(text[len(start) :] for start in one for text in _begun_by(start, other))
    return left, right, not one.isdisjoint(other)


#: how far two sentences have been read: parts of the first and of the second, what one of them is ahead by (that of
#: the second when True), and whether they have been read differently
_State = tuple[int, int, str, bool, bool]


def collide(first: Sentence, second: Sentence) -> bool:
    """Whether the two make the same text, of different numbers if they are one. Exact, by all ways to read both."""
    todo: list[_State] = [(0, 0, "", False, first is not second)]
    seen = set(todo)
    while todo:
        for state in _steps(first, second, todo.pop()):
            i, j, ahead, _, differ = state
            if i == len(first.texts) and j == len(second.texts) and not ahead and differ:
                return True
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return False


def _steps(first: Sentence, second: Sentence, state: _State) -> Iterator[_State]:
    i, j, ahead, of_second, differ = state
    if ahead:
        here, place = (first, i) if of_second else (second, j)
        if place == len(here.texts):
            return
        further = (i + 1, j) if of_second else (i, j + 1)
        for start in _beginnings(ahead, here.texts[place]):
            yield (*further, ahead[len(start) :], of_second, True)
        for text in _begun_by(ahead, here.texts[place]):
            yield (*further, text[len(ahead) :], not of_second, True)
    elif i < len(first.texts) and j < len(second.texts):
        left, right, shared = _overlaps(first.texts[i], second.texts[j])
        if shared:
            yield (i + 1, j + 1, "", False, differ)
        yield from ((i + 1, j + 1, rest, False, True) for rest in left)
        yield from ((i + 1, j + 1, rest, True, True) for rest in right)


def readings(sentence: Sentence, text: str) -> list[tuple[int, int]]:
    """All numbers (x, y) of the template that make `text`."""
    found = []
    for chosen in _read(sentence, 0, text):
        values = dict(zip(sentence.places, chosen, strict=True))
        if all(values[place] == part for place, part in zip(sentence.places, chosen, strict=True) if place >= 0):
            found.append(values)
    return [_number(sentence.template, values) for values in found]


def _read(sentence: Sentence, part: int, text: str) -> Iterator[tuple[str, ...]]:
    if part == len(sentence.texts):
        if not text:
            yield ()
        return
    for start in _beginnings(text, sentence.texts[part]):
        for rest in _read(sentence, part + 1, text[len(start) :]):
            yield (start, *rest)


def _index(slot: Rows) -> dict[Row, int]:
    return {row: index for index, row in enumerate(slot)}


def _digit(slot: Rows, row: Row) -> int:
    """Where `row` stands in `slot`."""
    if not isinstance(slot, Distinct):
        return _index(slot)[row]
    widths = [len(member[0]) for member in slot.members]
    starts = [0, *accumulate(widths)]
    chosen = [
        _index(member)[row[start : start + width]]
        for member, start, width in zip(slot.members, starts, widths, strict=False)
    ]
    digit, factor = 0, 1
    for place, index in enumerate(chosen):
        left = len(slot.members[0]) - place
        digit += factor * (index - sum(earlier < index for earlier in chosen[:place]))
        factor *= left
    return digit


def _number(template: QuestionTemplate, values: dict[int, str]) -> tuple[int, int]:
    digits = []
    place = 0
    for slot in template.slots:
        width = len(slot[0])
        digits.append(_digit(slot, tuple(values[place + column] for column in range(width))))
        place += width
    halves = [0, 0]
    factors = [1, 1]
    for half, (slot, digit) in zip(template.halves, zip(template.slots, digits, strict=True), strict=True):
        halves[half] += digit * factors[half]
        factors[half] *= len(slot)
    return halves[0], halves[1]
