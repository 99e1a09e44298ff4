"""Random numbers that are the same on every machine: SplitMix64, named streams, no hidden state.

A stream is derived from the run's seed and a path of names, so that what user 7 does never depends on how many
numbers user 6 drew, in which actor either runs, or in which order they started.
"""

from __future__ import annotations

from hashlib import blake2b

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15


def mix64(value: int) -> int:
    """A bijection on 64-bit integers that scatters neighbouring inputs (SplitMix64's finaliser).

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def derive(seed: int, *path: str | int) -> int:
    """A 64-bit seed for the stream named by `path` under `seed`; differs for every path."""
    text = "\x1f".join([str(seed), *map(str, path)])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


class Stream:
    """A sequence of pseudo-random numbers, wholly determined by its 64-bit seed."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    @classmethod
    def of(cls, seed: int, *path: str | int) -> Stream:
        """The stream named by `path` under `seed`."""
        return cls(derive(seed, *path))

    def bits64(self) -> int:
        """The next 64 random bits as an integer."""
        self._state = (self._state + _GAMMA) & _MASK
        return mix64(self._state)

    def random(self) -> float:
        """Uniform on [0, 1), with 53 bits."""
        return (self.bits64() >> 11) * 2.0**-53

    def below(self, limit: int) -> int:
        """A whole number uniform on [0, limit); the bias is below limit / 2^64."""
        return (self.bits64() * limit) >> 64

    def between(self, low: int, high: int) -> int:
        """A whole number uniform on [low, high], both ends included."""
        return low + self.below(high - low + 1)

    def weighted(self, weights: tuple[float, ...]) -> int:
        """An index into `weights`, drawn in proportion to them. Their sum must be positive."""
        point = self.random() * sum(weights)
        last = 0
        for index, weight in enumerate(weights):
            if weight <= 0:
                continue
            if point < weight:
                return index
            point -= weight
            last = index
        return last
