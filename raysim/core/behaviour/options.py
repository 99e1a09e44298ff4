"""What can stand in a slot of a question: sequences of texts, most of them never written out."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

#: the texts of one thing, such as an event's name and its year
Row = tuple[str, ...]


class _Computed(Sequence[Row]):
    """Rows that are made when they are asked for."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return tuple(self.row(i) for i in range(*index.indices(len(self))))
        return self.row(index)

    def __iter__(self) -> Iterator[Row]:
        return map(self.row, range(len(self)))

    def row(self, index: int) -> Row:
        """The row at `index`, from 0 up."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Numbers(_Computed):
    """`count` numbers from `low` in steps of `step`, both in units of the last of `decimals` places."""

    low: int
    step: int
    count: int
    decimals: int = 0
    grouped: bool = False

    def __len__(self) -> int:
        return self.count

    def row(self, index: int) -> Row:
        """The number as it is written."""
        value = self.low + self.step * index
        whole, rest = divmod(value, 10**self.decimals)
        text = f"{whole:,}" if self.grouped else str(whole)
        return (f"{text}.{rest:0{self.decimals}}" if self.decimals else text,)


@dataclass(frozen=True, slots=True, eq=False)
class Distinct(_Computed):
    """Several rows of one table, each another, in any order.

    `members` holds, for each of them, the texts that it shows of every row.
    """

    members: tuple[Sequence[Row], ...]

    def __len__(self) -> int:
        return math.perm(len(self.members[0]), len(self.members))

    def row(self, index: int) -> Row:
        """The texts of the first row, then those of the second, and so on."""
        left = len(self.members[0])
        texts: Row = ()
        chosen: list[int] = []
        for rows in self.members:
            index, place = divmod(index, left)
            # the place is counted among the rows that are left
            for taken in chosen:
                place += place >= taken
            insort(chosen, place)
            texts += rows[place]
            left -= 1
        return texts


def longest(rows: Sequence[Row]) -> int:
    """No row of `rows` has more characters than this, all its texts together."""
    if isinstance(rows, Distinct):
        return sum(map(longest, rows.members))
    some = (rows[0], rows[-1]) if isinstance(rows, Numbers) else rows
    return max(sum(map(len, row)) for row in some)


def capital(text: str) -> str:
    """`text` with its first letter as at the start of a sentence."""
    return text[:1].upper() + text[1:]
