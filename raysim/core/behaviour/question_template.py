"""A sentence with slots: every number below its size makes another question."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from raysim.core.behaviour.options import Rows, longest
from raysim.core.rng import Stream

#: odd, with bits scattered as those of a random number; SplitMix64's increment
_ODD = 0x9E3779B97F4A7C15
#: the golden ratio's inverse in units of 2^-64: multiples of it are spread the most evenly
_GOLDEN = _ODD


@dataclass(frozen=True, slots=True, eq=False)
class QuestionTemplate:
    """A sentence and what can stand in it.

    Args:
        text: for `str.format`: `{0}`, `{1}` … are the texts of the slots' rows, one after another, and the number after
            the last of them is the subject of the conversation.
        slots: what each slot chooses from; a slot whose rows have several texts stands in several places.
        weight: relative share of questions.
        subject: which text the question is about; None when it is about nothing that has a name.
        subject_kind: what that text is: the name of the table it comes from.
    """

    text: str
    slots: tuple[Rows, ...]
    weight: int = 1
    subject: int | None = None
    subject_kind: str = ""
    _sized: tuple[tuple[int, Rows], ...] = field(init=False, repr=False)
    _half: int = field(init=False, repr=False)
    #: how many combinations the two halves of the slots make
    sizes: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        lengths = [len(slot) for slot in self.slots]
        # numbers of half the length are quicker to compute with: the halves are made as alike as their order allows
        half = min(
            range(len(lengths) + 1), key=lambda cut: max(math.prod(lengths[:cut]), math.prod(lengths[cut:])), default=0
        )
        object.__setattr__(self, "_sized", tuple(zip(lengths, self.slots, strict=True)))
        object.__setattr__(self, "_half", half)
        object.__setattr__(self, "sizes", (math.prod(lengths[:half]), math.prod(lengths[half:])))

    @property
    def halves(self) -> tuple[int, ...]:
        """For each slot: whether it is part of x (0) or of y (1)."""
        return (0,) * self._half + (1,) * (len(self.slots) - self._half)

    @property
    def size(self) -> int:
        """How many different questions it makes."""
        return self.sizes[0] * self.sizes[1]

    @property
    def most_characters(self) -> int:
        """No question is longer than this; what the conversation is about not counted."""
        return len(self.text) + sum(map(longest, self.slots))

    def fill(self, x: int, y: int, subject: str = "") -> tuple[str, str]:
        """The question number (x, y), below `sizes`, and what it is about: `subject`, unless it names its own."""
        values: list[str] = []
        sized, half = self._sized, self._half
        for size, options in sized[:half]:
            x, digit = divmod(x, size)
            values += options[digit]
        for size, options in sized[half:]:
            y, digit = divmod(y, size)
            values += options[digit]
        if self.subject is not None:
            subject = values[self.subject]
        values.append(subject)
        return self.text.format(*values), subject


class Scatter:
    """A permutation of the numbers of a template: one fixed order, in which neighbours have nothing in common.

    A Feistel network on the pairs (x, y) of two sizes, with addition in place of exclusive or, so that it needs no
    numbers outside its range: J. Black, P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002, section 5.
    A multiplication before it scatters also what has one slot. Nothing here is secret: four rounds are for looks.

    Args:
        sizes: how many values x and y have.
    """

    __slots__ = ("_factor", "_keys", "_size", "_x", "_y")

    def __init__(self, sizes: tuple[int, int]) -> None:
        self._x, self._y = sizes
        self._size = self._x * self._y
        factor = self._size * _GOLDEN >> 64 | 1
        while math.gcd(factor, self._size) != 1:
            factor += 2
        self._factor = factor
        stream = Stream.of(0, "scatter", *sizes)
        self._keys = (stream.bits64(), stream.bits64(), stream.bits64(), stream.bits64())

    def pair(self, rank: int) -> tuple[int, int]:
        """Where `rank` goes; ranks beyond the size begin again."""
        x_size, y_size = self._x, self._y
        a, b, c, d = self._keys
        y, x = divmod(rank * self._factor % self._size, x_size)
        mixed = (y ^ a) * _ODD
        x = (x + (mixed ^ (mixed >> 47))) % x_size
        mixed = (x ^ b) * _ODD
        y = (y + (mixed ^ (mixed >> 47))) % y_size
        mixed = (y ^ c) * _ODD
        x = (x + (mixed ^ (mixed >> 47))) % x_size
        mixed = (x ^ d) * _ODD
        return x, (y + (mixed ^ (mixed >> 47))) % y_size

    def rank(self, x: int, y: int) -> int:
        """Which rank goes to (x, y): the inverse of `pair`."""
        a, b, c, d = self._keys
        for key_of_x, key_of_y in ((d, c), (b, a)):
            mixed = (x ^ key_of_x) * _ODD
            y = (y - (mixed ^ (mixed >> 47))) % self._y
            mixed = (y ^ key_of_y) * _ODD
            x = (x - (mixed ^ (mixed >> 47))) % self._x
        return (y * self._x + x) * pow(self._factor, -1, self._size) % self._size
