"""Packs whose node is about to go: a new process is set up elsewhere first, then the old one hands over to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(slots=True)
class Move:
    """One pack on its way. `life` is the new process's number, `ready` the users that it has set up, None before.

    `left_s` is when the old process was told to hand over, on the caller's clock; None before.
    """

    life: int
    ready: frozenset[int] | None = None
    left_s: float | None = None


@dataclass(frozen=True, slots=True)
class MoveState:
    """A move as a checkpoint holds it."""

    pack: int
    life: int
    ready: tuple[int, ...] | None
    left_s: float | None


class Moves:
    """The packs that are moving."""

    def __init__(self) -> None:
        self._moves: dict[int, Move] = {}

    def begin(self, pack: int, life: int) -> None:
        """A new process is going to be set up for a pack."""
        self._moves[pack] = Move(life)

    def of(self, pack: int) -> Move | None:
        """A pack's move; None when it stays where it is."""
        return self._moves.get(pack)

    def stand_by(self, pack: int, life: int, users: Collection[int]) -> bool:
        """A process has set up its users; False when it is not one that a pack is moving to."""
        move = self._moves.get(pack)
        if move is None or move.life != life:
            return False
        move.ready = frozenset(users)
        return True

    def end(self, pack: int) -> Move | None:
        """A pack has moved, or is not going to."""
        return self._moves.pop(pack, None)

    def checkpoint(self) -> tuple[MoveState, ...]:
        """What `resume` needs."""
        return tuple(
            MoveState(pack, move.life, None if move.ready is None else tuple(sorted(move.ready)), move.left_s)
            for pack, move in self._moves.items()
        )

    @classmethod
    def resume(cls, states: Collection[MoveState]) -> Moves:
        """The moves that a restarted coordinator knows of."""
        moves = cls()
        for said in states:
            ready = None if said.ready is None else frozenset(said.ready)
            moves._moves[said.pack] = Move(said.life, ready, said.left_s)
        return moves
