"""What can stand in a slot of a question: rows of texts, most of them never written out."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

#: the texts of one thing, such as an event's name and its year
Row = tuple[str, ...]


class Rows(Protocol):
    """Rows by their number, from 0 up; a tuple of them, or one of the classes below."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Row: ...

    def __iter__(self) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """`size` numbers from `low` in steps of `step`, both in units of the last of `decimals` places."""

    low: int
    step: int
    size: int
    decimals: int = 0
    grouped: bool = False

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Row]:
        return map(self.__getitem__, range(self.size))

    def __getitem__(self, index: int, /) -> Row:
        value = self.low + self.step * index
        if not self.decimals:
            return (f"{value:,}",) if self.grouped else (str(value),)
        whole, rest = divmod(value, 10**self.decimals)
        before = f"{whole:,}" if self.grouped else str(whole)
        # people write 3% and 2.5%, but $3.00
        return (before if rest == 0 and self.decimals == 1 else f"{before}.{rest:0{self.decimals}}",)


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """Several rows of one table, each another, in any order.

    `members` holds, for each of them, the texts that it shows of every row.
    """

    members: tuple[tuple[Row, ...], ...]

    def __len__(self) -> int:
        return math.perm(len(self.members[0]), len(self.members))

    def __iter__(self) -> Iterator[Row]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int, /) -> Row:
        first, *others = self.members
        left = len(first)
        index, place = divmod(index, left)
        texts = first[place]
        chosen = [place]
        for rows in others:
            left -= 1
            index, place = divmod(index, left)
            # the place is counted among the rows that are left
            for taken in chosen:
                if place >= taken:
                    place += 1
            insort(chosen, place)
            texts += rows[place]
        return texts


def longest(rows: Rows) -> int:
    """No row of `rows` has more characters than this, all its texts together."""
    if isinstance(rows, Distinct):
        return sum(map(longest, rows.members))
    some = (rows[0], rows[len(rows) - 1]) if isinstance(rows, Numbers) else rows
    return max(sum(map(len, row)) for row in some)


def capital(text: str) -> str:
    """`text` with its first letter as at the start of a sentence."""
    return text[:1].upper() + text[1:]
