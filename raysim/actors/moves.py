"""Moving packs off nodes that are about to go: somebody takes their place first, then they finish and hand over."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic

from raysim.actors.coordinator_link import CoordinatorLink
from raysim.actors.nodes import Nodes
from raysim.actors.placement import PlacedPack, Placement
from raysim.actors.replacements import Attempt, Replacements

#: packs are done this long before their node is to go, in seconds: the last records travel, too
_SPARE_S = 2.0


@dataclass(slots=True)
class _Move:
    old: PlacedPack
    new: PlacedPack
    #: monotonic seconds at which the node goes, and by which the old process hands over even to nobody
    gone_s: float
    hand_over_by_s: float
    ready: int = 0
    #: why nobody is going to be ready; "" while that is open
    failure: str = ""
    handing_over: bool = False
    old_gone: bool = False


class Moves:
    """The driver's side of packs that move: places them anew, and says when which process is to go or to begin.

    Args:
        nodes: the cluster's nodes.
        placement: ends the actors that have handed over.
        replacements: starts the new ones.
        coordinator: the run's coordinator.
        drain_s: the longest that requests in flight may take.
        note: tells a person.
    """

    def __init__(
        self,
        nodes: Nodes,
        placement: Placement,
        replacements: Replacements,
        coordinator: CoordinatorLink,
        drain_s: float,
        note: Callable[[str], None],
    ) -> None:
        self._nodes = nodes
        self._placement = placement
        self._replacements = replacements
        self._coordinator = coordinator
        self._drain_s = drain_s
        self._note = note
        self._moves: dict[int, _Move] = {}
        self._seen: set[str] = set()
        #: packs that could not be moved; their node's end is a loss like any other
        self._stuck: set[PlacedPack] = set()

    def look(self, running: Collection[PlacedPack]) -> None:
        """Begin to move every pack whose node is draining."""
        for node in self._nodes.look().values():
            if not node.alive or node.leaves_in_s is None:
                continue
            packs = [pack for pack in running if pack.node_id == node.node_id and self._stays(pack)]
            if node.node_id not in self._seen:
                self._seen.add(node.node_id)
                self._tell(node.address, node.leaves_in_s, packs)
            for pack in packs:
                self._begin(pack, node.address, node.leaves_in_s)

    def _stays(self, pack: PlacedPack) -> bool:
        return pack not in self._stuck and pack.brief.pack.index not in self._moves

    def _tell(self, address: str, leaves_in_s: float, packs: Collection[PlacedPack]) -> None:
        users, free = sum(len(pack.users) for pack in packs), int(self._nodes.free_slots)
        when = "is about to go" if math.isinf(leaves_in_s) else f"goes in {leaves_in_s:.0f} s"
        self._note(f"node {address} {when}: {users} users move")
        if users > free:
            self._note(f"other nodes have {free} free slots: users without one wait until a node is added")

    def _begin(self, pack: PlacedPack, address: str, leaves_in_s: float) -> None:
        index = pack.brief.pack.index
        life = self._coordinator.ask("pack_moving", index, address, leaves_in_s)
        if not life:
            self._stuck.add(pack)
            return
        new = self._replacements.prepare(pack, life)
        now_s = monotonic()
        finish_s = min(self._drain_s, leaves_in_s / 2)
        self._moves[index] = _Move(pack, new, now_s + leaves_in_s, now_s + max(0.0, leaves_in_s - finish_s - _SPARE_S))

    def due(self) -> list[Attempt]:
        """Moves that have ended, the old process being gone: the new one is to begin now, or there is none."""
        ended = []
        for index, move in list(self._moves.items()):
            if not move.handing_over and not move.old_gone and (move.ready or monotonic() >= move.hand_over_by_s):
                move.handing_over = True
                left_s = max(0.0, move.gone_s - monotonic() - _SPARE_S)
                if not self._coordinator.ask("hand_over", index, min(self._drain_s, left_s)):
                    # the run is over, or its coordinator was started again and knows nothing of this
                    self._drop(index, move)
                    continue
            if move.old_gone and move.failure:
                self._fail(index, move)
                ended.append(Attempt(move.new, 0, move.failure))
            elif move.old_gone and move.ready:
                del self._moves[index]
                if self._coordinator.ask("take_over", index, move.new.brief.incarnation):
                    ended.append(Attempt(move.new, move.ready))
                else:
                    self._placement.end([move.new.handle])
        return ended

    def has_left(self, pack: PlacedPack) -> bool:
        """A pack's process has ended as it was told to; False when that was not for a move."""
        move = self._moves.get(pack.brief.pack.index)
        if move is None or move.old is not pack or not move.handing_over:
            return False
        move.old_gone = True
        # as long as it is there, its node takes itself for busy
        self._placement.end([pack.handle])
        return True

    def was_lost(self, pack: PlacedPack, life: int) -> bool:
        """A pack's process is lost, and is to go on in this life; whether that is being set up already."""
        index = pack.brief.pack.index
        move = self._moves.get(index)
        if move is None or move.old is not pack:
            return False
        if move.new.brief.incarnation != life:
            self._drop(index, move)
            return False
        move.old_gone = True
        self._placement.end([pack.handle])
        return True

    def concern(self, attempt: Attempt) -> bool:
        """Placing a pack has ended; False when that was not for a move."""
        index = attempt.pack.brief.pack.index
        move = self._moves.get(index)
        if move is None or move.new is not attempt.pack:
            return False
        move.ready, move.failure = attempt.ready, attempt.failure
        if move.failure and not (move.handing_over or move.old_gone):
            # it goes on playing where it is, for as long as that lasts
            self._fail(index, move)
        return True

    def _drop(self, index: int, move: _Move) -> None:
        del self._moves[index]
        self._replacements.cancel(move.new)

    def _fail(self, index: int, move: _Move) -> None:
        del self._moves[index]
        self._stuck.add(move.old)
        self._coordinator.ask("move_failed", index, move.failure)
        self._note(f"{move.new.name} cannot be moved: {move.failure}")

    def __len__(self) -> int:
        return len(self._moves)
