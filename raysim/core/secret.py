"""A value that must not be seen."""

from __future__ import annotations


class Secret:
    """A credential in memory. Prints as `***` wherever it ends up: f-string, repr, log line, traceback.

    It can travel between actors as a method's return value; it must never be an actor's argument, because
    those are kept for restarts.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The credential itself, for the one place that puts it into a request header."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
