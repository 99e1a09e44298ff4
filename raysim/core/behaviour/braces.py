"""What stands in braces in a line of questions, and the template that such a line writes.

`{name}` is an entry of a list or of a table's first column, `{name.column}` another column of the same row and
`{name#2}`, `{name#3}` … other rows. `{^name}` begins with a capital letter, and `{*name}` is what the question is
about. `{10..90}` is a number, `{1,000..9,000/50}` one in steps of 50 with commas, `{2.5..7.5/0.5}` one with decimals;
`{n: 2..9}` is one with a name, to be used again as `{n}`. `{subject}` is what the conversation is about.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from raysim.core.behaviour.options import Distinct, Numbers, Row, Rows, capital
from raysim.core.behaviour.question_template import QuestionTemplate

#: the name in braces for what the conversation is about
SUBJECT = "subject"
# stand for doubled braces while the others are looked at; neither is in any text
_OPEN, _CLOSE = "\ue000", "\ue001"
#: combinations of one slot, at most
_MOST = 10**15
_DOUBLED = re.compile(r"\{\{|\}\}|\{[^{}]*\}")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(?:(\w+): *)?(\d[\d,]*)(?:\.(\d+))?\.\.(\d[\d,]*)(?:\.(\d+))?(?:/(\d[\d,]*)(?:\.(\d+))?)?")
_NAME = re.compile(r"(\*?)(\^?)(\w+)(?:#(\d))?(?:\.(\w+))?")


class Vocabulary(Protocol):
    """Where the names in braces are looked up."""

    def rows(self, name: str, columns: tuple[str, ...]) -> tuple[Row, ...]:
        """The different rows of a list or table; the column "" is the first. Raises ValueError for no such name."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A name in braces: which column of which row, and how it is written there."""

    about: bool
    capital: bool
    name: str
    number: int
    column: str


def compile_line(line: str, vocabulary: Vocabulary) -> QuestionTemplate:
    """The template that `line` writes; its weight and ` | ` may stand before the text. Raises as `compile_text`."""
    weight, bar, text = line.partition(" | ")
    if bar and weight.isdigit():
        return compile_text(text, vocabulary, int(weight))
    return compile_text(line, vocabulary)


def compile_text(text: str, vocabulary: Vocabulary, weight: int = 1) -> QuestionTemplate:
    """The template that `text` writes; `{{` and `}}` in it stand for braces.

    Raises:
        ValueError: braces that mean nothing, with what is wrong about them.
    """
    pieces = _pieces(text)
    for literal in pieces[0::2]:
        if "{" in literal or "}" in literal:
            raise ValueError(
                f"a brace without its other half in {literal.strip()!r}; write {{{{ or }}}} for a brace itself"
            )
    pieces = [piece.replace(_OPEN, "{{").replace(_CLOSE, "}}") for piece in pieces]
    slots, order = _read(pieces[1::2])
    options: list[Rows] = []
    indices: dict[object, int] = {}
    subject, kind = None, ""
    for name, members in slots.items():
        if isinstance(members, Numbers):
            indices[name] = len(indices)
            options.append(members)
            continue
        places = sorted(members, key=lambda place: place.number)
        options.append(_options(name, places, vocabulary))
        for place in places:
            if place.about:
                subject, kind = len(indices), name
            indices[place] = len(indices)
    numbered = [len(indices) if key == SUBJECT else indices[key] for key in order]
    body = pieces[0] + "".join(f"{{{index}}}{after}" for index, after in zip(numbered, pieces[2::2], strict=True))
    return QuestionTemplate(body, tuple(options), weight, subject, kind)


def names_in(text: str) -> set[str]:
    """The names of lists and tables in the braces of `text`."""
    return {found[3] for inner in _pieces(text)[1::2] if (found := _NAME.fullmatch(inner))}


def _pieces(text: str) -> list[str]:
    """`text` cut at its braces: what stands outside and inside of them, in turn."""
    marks = {"{{": _OPEN, "}}": _CLOSE}
    return _BRACES.split(_DOUBLED.sub(lambda found: marks.get(found[0], found[0]), text))


def _read(inners: Sequence[str]) -> tuple[dict[str, Numbers | list[Place]], list[object]]:
    """The slots by name, and for each pair of braces what stands in it: a number's slot, a place, or the subject."""
    slots: dict[str, Numbers | list[Place]] = {}
    order: list[object] = []
    for inner in inners:
        if found := _RANGE.fullmatch(inner):
            name = found[1] or f"{inner} {len(order)}"
            slots[name] = numbers(found)
            order.append(name)
        elif inner == SUBJECT or isinstance(slots.get(inner), Numbers):
            order.append(inner)
        elif found := _NAME.fullmatch(inner):
            about, big, name, number, column = found.groups(default="")
            place = Place(bool(about), bool(big), name, int(number or 1), column)
            places = slots.setdefault(name, [])
            if isinstance(places, list) and place not in places:
                places.append(place)
            order.append(place)
        else:
            raise ValueError(f"{{{inner}}} is neither a name nor a range of numbers such as {{10..90}}")
    return slots, order


def numbers(found: re.Match[str]) -> Numbers:
    """The numbers that a range means."""
    low, low_rest, high, high_rest, step, step_rest = found.groups(default="")[1:]
    decimals = max(len(low_rest), len(high_rest), len(step_rest))

    def scaled(whole: str, rest: str) -> int:
        return int(whole.replace(",", "") + rest.ljust(decimals, "0"))

    by = scaled(step, step_rest) if step else 1
    first, last = scaled(low, low_rest), scaled(high, high_rest)
    if by == 0 or last < first:
        raise ValueError(f"{{{found[0]}}} holds no numbers: expected low..high or low..high/step")
    if last - first >= _MOST:
        raise ValueError(f"{{{found[0]}}} holds too many numbers: expected fewer than 10^15")
    return Numbers(first, by, (last - first) // by + 1, decimals, grouped="," in low + high)


def _options(name: str, places: Sequence[Place], vocabulary: Vocabulary) -> Rows:
    """What a slot chooses from: rows with one text for each of its places, which are in the order of their rows."""
    members: list[tuple[Row, ...]] = []
    for number, here in groupby(places, key=lambda place: place.number):
        if number != len(members) + 1:
            raise ValueError(f"{{{name}#{number}}} needs another {{{name}}} before it")
        members.append(_written(name, list(here), vocabulary))
    if len({len(rows) for rows in members}) > 1:
        raise ValueError(f"{{{name}}} and {{{name}#2}} show columns that do not tell the same rows apart")
    if len(members) > len(members[0]):
        raise ValueError(
            f"{{{name}#{len(members)}}} needs {len(members)} different entries, of which there are {len(members[0])}"
        )
    if math.perm(len(members[0]), len(members)) >= _MOST:
        raise ValueError(f"{{{name}#{len(members)}}} makes too many combinations: expected fewer than 10^15")
    return Distinct(tuple(members)) if len(members) > 1 else members[0]


def _written(name: str, places: Sequence[Place], vocabulary: Vocabulary) -> tuple[Row, ...]:
    rows = vocabulary.rows(name, tuple(place.column for place in places))
    if not any(place.capital for place in places):
        return rows
    return tuple(
        tuple(capital(text) if place.capital else text for place, text in zip(places, row, strict=True)) for row in rows
    )
