"""The packs of a run as its driver has them: placed, set up, watched, placed again, moved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from raysim.actors.coordinator_link import CoordinatorLink
from raysim.actors.moves import Moves
from raysim.actors.nodes import Nodes, has_ended
from raysim.actors.placement import (
    ActorEndedError,
    ActorFaultError,
    ActorLostError,
    PlacedPack,
    Placement,
    bootstrap_results,
    fetch,
    ready_refs,
)
from raysim.actors.replacements import Replacements
from raysim.core.control.progress import RunProgress
from raysim.core.control.situation import RunState
from raysim.core.plan.run_plan import PackBrief


class Crew:
    """Every pack's actor, in whichever life.

    Args:
        placement: starts and ends actors.
        coordinator: the run's; it is told of every loss.
        shards: handles of the metrics actors.
        note: tells a person.
        drain_s: the longest that requests in flight may take.
        debug: whether requests are logged one by one.
    """

    def __init__(
        self,
        placement: Placement,
        coordinator: CoordinatorLink,
        shards: Sequence[Any],
        note: Callable[[str], None],
        *,
        drain_s: float,
        debug: bool,
    ) -> None:
        self._placement = placement
        self._coordinator = coordinator
        self._shards = shards
        self._note = note
        self._debug = debug
        self._packs: list[PlacedPack] = []
        #: those that play: the call that ends with them → the pack
        self._running: dict[Any, PlacedPack] = {}
        self._nodes = Nodes()
        self._replacements = Replacements(placement, self._place_again)
        self._moves = Moves(self._nodes, placement, self._replacements, coordinator, drain_s, note)
        #: whether an actor has failed as none should
        self.faulty = False

    # ── before the run's second 0 ──

    def set_up(self, briefs: Sequence[PackBrief], waiting: Callable[[int, int], None], pause_s: float) -> int:
        """Place every pack and have it set up its users; returns how many are ready.

        Args:
            briefs: the packs'.
            waiting: called with how many are up, and of how many, every `pause_s` seconds or so; may raise to give up.
            pause_s: as said.
        """
        self._packs = self._placement.users(
            briefs, self._coordinator.handle, self._shards, debug=self._debug, waiting=waiting
        )
        ready = sum(self._ready_users(pack) for pack in list(self._packs))
        while self._replacements:
            left = self._replacements.wait(pause_s)
            waiting(len(self._packs) - left, len(self._packs))
            for attempt in self._replacements.ended():
                ready += attempt.ready
                if attempt.failure:
                    self._lost(attempt.pack, attempt.failure, certain=True)
        return ready

    def _ready_users(self, pack: PlacedPack) -> int:
        results, lost = bootstrap_results(pack)
        if lost:
            self._lost(pack, lost, certain=True)
        return sum(not result.error for result in results)

    def begin(self) -> None:
        """Have all that are there play."""
        for pack in self._packs:
            if not pack.lost:
                self._start(pack)

    # ── the run ──

    def busy(self, *, going_on: bool) -> bool:
        """Whether anybody plays, or is about to while the run goes on."""
        return bool(self._running) or ((bool(self._replacements) or bool(self._moves)) and going_on)

    def see_who_ended(self, timeout_s: float) -> None:
        """Wait until some have ended, at most `timeout_s` seconds, and see how."""
        for ref in ready_refs(list(self._running), timeout_s):
            self._pack_ended(self._running.pop(ref))

    def look_after(self, progress: RunProgress) -> None:
        """Miss those whose node is gone, move those whose node is about to go, let begin who is ready to."""
        for pack in self._gone_with_their_nodes(progress.silent):
            del self._running[pack.ended]
            self._lost(pack, "its node does not answer")
        if progress.state is RunState.RUNNING:
            self._moves.look(self._running.values())
        self._start_those_back()

    def _gone_with_their_nodes(self, silent: Collection[int]) -> list[PlacedPack]:
        """Of the packs that have not reported, those whose node is gone; Ray says so ten to twenty seconds later."""
        late = [pack for pack in self._running.values() if pack.brief.pack.index in silent]
        return [pack for pack in late if self._nodes.is_gone(pack.node_id)]

    def _start_those_back(self) -> None:
        """Packs that were lost or have moved, and are ready again, begin to run."""
        ended = [attempt for attempt in self._replacements.ended() if not self._moves.concern(attempt)]
        for attempt in [*ended, *self._moves.due()]:
            if attempt.failure:
                self._lost(attempt.pack, attempt.failure, certain=True)
                continue
            self._note(f"{attempt.ready} of {len(attempt.pack.users)} users of {attempt.pack.name} are back")
            self._start(attempt.pack)

    def wait_no_longer(self) -> None:
        """Those that still play do not hand over what they have."""
        for pack in self._running.values():
            self._lost(pack, "did not hand over its records in time")

    # ── after the run ──

    def end_replacing(self) -> None:
        """Nobody is to be placed again any more."""
        self._replacements.end()

    def end(self) -> None:
        """End every actor at once."""
        self._placement.end([pack.handle for pack in self._packs])
        self._packs = []

    # ── inside ──

    def _place_again(self, brief: PackBrief) -> PlacedPack:
        avoid = self._nodes.unfit
        pack = self._placement.user(brief, self._coordinator.handle, self._shards, debug=self._debug, avoid=avoid)
        self._packs.append(pack)
        return pack

    def _start(self, pack: PlacedPack) -> None:
        accepted = self._coordinator.ask("accepted", pack.users) if pack.brief.incarnation else ()
        pack.ended = pack.handle.run.remote(accepted)
        self._running[pack.ended] = pack

    def _pack_ended(self, pack: PlacedPack) -> None:
        try:
            end = fetch(pack.ended)
        except ActorLostError as error:
            self._lost(pack, error.message, certain=isinstance(error, ActorEndedError))
        except ActorFaultError as error:
            # an error in our own code must not pass for a user that merely left
            self.faulty = True
            self._lost(pack, error.message.strip().splitlines()[-1], certain=True)
        else:
            if end.cut_off:
                self._lost(pack, "heard nothing of the coordinator within the lease time", certain=True)
            else:
                self._moves.has_left(pack)

    def _lost(self, pack: PlacedPack, why: str, *, certain: bool = False) -> None:
        names = ", ".join(user.name for user in pack.brief.pack.users[:3])
        more = "" if len(pack.users) <= 3 else f" and {len(pack.users) - 3} more"  # noqa: PLR2004 - three names shown
        self._note(f"lost {names}{more}: {why}")
        pack.lost = True
        certain = certain or has_ended(pack.handle)
        life = self._coordinator.ask("pack_lost", pack.brief.pack.index, pack.users, why, certain)
        if life and not self._moves.was_lost(pack, life):
            self._replacements.start(pack, life)
