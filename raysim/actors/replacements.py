"""Packs that were lost and are placed again: started, set up, and handed over when they are ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from raysim.actors.placement import (
    NOT_PLACED,
    ActorFaultError,
    ActorLostError,
    PlacedPack,
    Placement,
    fetch,
    ready_refs,
)
from raysim.actors.user import Bootstrapped
from raysim.core.plan.run_plan import PackBrief


@dataclass(frozen=True, slots=True)
class Attempt:
    """How placing a pack again ended; `failure` is why nobody of it is ready, "" when somebody is."""

    pack: PlacedPack
    ready: int
    failure: str = ""


class Replacements:
    """Starts new actors for lost packs, and tells when they are ready.

    Args:
        placement: ends what is left of the old actor, or of a new one that did not come up.
        place: starts a pack's actor.
    """

    def __init__(self, placement: Placement, place: Callable[[PackBrief], PlacedPack]) -> None:
        self._placement = placement
        self._place = place
        self._starting: list[PlacedPack] = []

    def __len__(self) -> int:
        return len(self._starting)

    def start(self, lost: PlacedPack, life: int) -> None:
        """Place a pack once more, wherever there are slots for it."""
        # one that only lost its way to the coordinator is still there, and holds slots
        self._placement.end([lost.handle])
        self.prepare(lost, life)

    def prepare(self, old: PlacedPack, life: int) -> PlacedPack:
        """Place a pack once more while its old actor is still there; returns the new one, which is being set up."""
        pack = self._place(replace(old.brief, incarnation=life))
        self._starting.append(pack)
        return pack

    def wait(self, timeout_s: float) -> int:
        """Until one of them is ready, at most `timeout_s` seconds; how many there are."""
        ready_refs([pack.started for pack in self._starting], timeout_s)
        return len(self._starting)

    def ended(self) -> list[Attempt]:
        """The attempts that have ended since the last call, one way or the other; does not wait."""
        done = set(ready_refs([pack.started for pack in self._starting], 0.0)) if self._starting else set()
        found = []
        for pack in list(self._starting):
            if pack.started in done:
                found.append(_outcome(pack))
            elif pack.overdue:
                found.append(Attempt(pack, 0, NOT_PLACED))
            else:
                continue
            self._starting.remove(pack)
        self._placement.end([attempt.pack.handle for attempt in found if attempt.failure])
        return found

    def cancel(self, pack: PlacedPack) -> None:
        """A pack that is being placed, or has been, is not needed."""
        if pack in self._starting:
            self._starting.remove(pack)
        self._placement.end([pack.handle])

    def end(self) -> None:
        """Nobody is needed any more."""
        self._placement.end([pack.handle for pack in self._starting])
        self._starting.clear()


def _outcome(pack: PlacedPack) -> Attempt:
    try:
        results: list[Bootstrapped] = fetch(pack.started)
    except (ActorLostError, ActorFaultError) as error:
        return Attempt(pack, 0, error.message.strip().splitlines()[-1])
    ready = sum(not result.error for result in results)
    return Attempt(pack, ready, "" if ready else next(result.error for result in results))
