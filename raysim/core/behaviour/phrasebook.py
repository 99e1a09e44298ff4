"""Reads `phrases/*.txt`, the files in which questions are written.

`@name` begins a list, one entry a line; entries may have braces themselves. `@name = table` gives a fact table a
shorter name, and `@name = table | column 1500..1800`, `@name = table | column word, word` or `@name = table | column
except word, word` some of its rows; there may be several conditions. `@ask` begins the questions, `@follow` those
within a conversation, and `@follow name` those after a question about something from the table `name`. `@each era`
names variants, one a line, `name: view = table | …; view = …`, and `@ask each era` begins questions that are meant once
for every one of them, with its views. `#` begins a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import chain, product

from raysim.core.behaviour.braces import compile_line
from raysim.core.behaviour.fact_table import Condition, View
from raysim.core.behaviour.options import Row
from raysim.core.behaviour.question_template import QuestionTemplate

_SELECTION = re.compile(r"(\w+) = (\w+)((?: \| \w+ [^|]+)*)")
_BETWEEN = re.compile(r"(-?\d+)\.\.(-?\d+)")
#: most entries that one line of a list makes: lists are held in memory by every user actor
_ENTRIES = 5_000


class Phrasebook:
    """The lists and questions of one file; lists that it does not have are looked for in `shared`.

    Raises:
        ValueError: a heading that cannot be read.
    """

    def __init__(self, text: str, shared: Phrasebook | None = None) -> None:
        self._shared = shared
        self._lists: dict[str, list[str]] = {}
        self._views: dict[str, View] = {}
        self._rows: dict[tuple[str, tuple[str, ...]], tuple[Row, ...]] = {}
        self._asks: list[str] = []
        self._variants: dict[str, list[str]] = {}
        self._each: dict[str, list[str]] = {}
        self._follows: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in text.splitlines():
            if line.startswith("@"):
                lines = self._section(line[1:])
            elif line and not line.startswith("#"):
                lines.append(line)

    def _section(self, heading: str) -> list[str]:
        """Where the lines below `heading` go."""
        if "=" in heading:
            name, view = _view(heading)
            self._views[name] = view
            return []
        kind, *subject = heading.split()
        if kind == "ask":
            return self._each.setdefault(subject[1], []) if subject else self._asks
        if kind == "each":
            return self._variants.setdefault(subject[0], [])
        if kind == "follow":
            return self._follows.setdefault(" ".join(subject), [])
        return self._lists.setdefault(heading.strip(), [])

    def views(self) -> tuple[View, ...]:
        """All that is chosen from tables, in variants too."""
        variants = chain.from_iterable(self._variants.values())
        return (*self._views.values(), *chain.from_iterable(_views(variant).values() for variant in variants))

    def asks(self) -> tuple[QuestionTemplate, ...]:
        """The questions that can open a conversation."""
        made = [compile_line(line, self) for line in self._asks]
        for name, lines in self._each.items():
            for variant in self._variants[name]:
                within = _Variant(self, _views(variant))
                made += [compile_line(line, within) for line in lines]
        return tuple(made)

    def follows(self) -> dict[str, tuple[QuestionTemplate, ...]]:
        """The questions that go on with one, by the kind of its subject; "" for any other."""
        return {kind: tuple(compile_line(line, self) for line in lines) for kind, lines in self._follows.items()}

    def rows(self, name: str, columns: tuple[str, ...] = ("",)) -> tuple[Row, ...]:
        """The different rows of a list or table; the column "" is a table's first.

        Raises:
            ValueError: no such list or table.
        """
        known = self._rows.get((name, columns))
        if known is None:
            known = self._rows[name, columns] = self._find(name, columns)
        return known

    def _find(self, name: str, columns: tuple[str, ...]) -> tuple[Row, ...]:
        if name in self._lists:
            entries = dict.fromkeys(entry for line in self._lists[name] for entry in self._entries(line))
            return tuple((entry,) * len(columns) for entry in entries)
        if name in self._views:
            return self._views[name].rows(columns)
        if self._shared is None:
            raise ValueError(f"{{{name}}}: there is no such list or table")
        return self._shared.rows(name, columns)

    def _entries(self, line: str) -> tuple[str, ...]:
        if "{" not in line:
            return (line,)
        template = compile_line(line, self)
        if template.size > _ENTRIES:
            raise ValueError(f"{line!r} makes {template.size} entries; a list may have {_ENTRIES}")
        chosen = product(*template.slots)
        return tuple(template.text.format(*(text for row in rows for text in row)) for rows in chosen)


@dataclass(frozen=True, slots=True)
class _Variant:
    """A phrasebook in which some names stand for other rows."""

    book: Phrasebook
    views: dict[str, View]

    def rows(self, name: str, columns: tuple[str, ...]) -> tuple[Row, ...]:
        return self.views[name].rows(columns) if name in self.views else self.book.rows(name, columns)


def _views(variant: str) -> dict[str, View]:
    return dict(map(_view, variant.partition(":")[2].split(";")))


def _view(text: str) -> tuple[str, View]:
    """The name, and the rows that it stands for, in `name = table | column …`."""
    found = _SELECTION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text}: expected name = table, or name = table | column low..high")
    name, table, rest = found.groups()
    return name, View(table, tuple(map(_condition, rest.split("|")[1:])))


def _condition(text: str) -> Condition:
    column, cells = text.split(maxsplit=1)
    cells = cells.strip()
    if between := _BETWEEN.fullmatch(cells):
        return Condition(column, int(between[1]), int(between[2]))
    words = frozenset(word.strip() for word in cells.removeprefix("except ").split(","))
    return Condition(column, words=words, without=cells.startswith("except "))


@lru_cache(maxsize=8)
def phrasebook(name: str) -> Phrasebook:
    """The phrasebook `name` that comes with raysim, with the lists that all of them share."""
    shared = None if name == "shared" else phrasebook("shared")
    file = resources.files("raysim.core.behaviour").joinpath("phrases", f"{name}.txt")
    return Phrasebook(file.read_text(encoding="utf-8"), shared)
