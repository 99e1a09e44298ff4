"""A history of numbers in one line of text."""

from __future__ import annotations

from collections import deque

_LEVELS = "▁▂▃▄▅▆▇█"


class History:
    """The latest `length` values, drawn from 0 up to the largest of them."""

    def __init__(self, length: int) -> None:
        self._values: deque[float | None] = deque(maxlen=length)

    def append(self, value: float | None) -> None:
        """Add a value; None leaves a gap."""
        self._values.append(value)

    def __str__(self) -> str:
        top = max((value for value in self._values if value is not None), default=0.0)
        return "".join(_bar(value, top) for value in self._values)


def _bar(value: float | None, top: float) -> str:
    if value is None:
        return " "
    if top <= 0 or value <= 0:
        return _LEVELS[0]
    return _LEVELS[min(len(_LEVELS) - 1, int(value / top * len(_LEVELS)))]
