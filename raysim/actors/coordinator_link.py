"""The coordinator as the driver sees it: it may be away for a moment, while Ray starts it again from its checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

from raysim.actors.patience import PATIENCE_S, PAUSE_S
from raysim.actors.placement import ActorLostError, fetch, ready_refs


class CoordinatorLink:
    """Asks the coordinator, and asks again while it is away. All its methods can be called twice for once.

    Args:
        handle: the actor.
        told: is told in a sentence when it is lost and when it is back.
    """

    def __init__(self, handle: Any, told: Callable[[str], None]) -> None:
        self.handle = handle
        self._told = told
        self._away_from_s: float | None = None

    def ask(self, method: str, *args: Any) -> Any:
        """The value of a call.

        Raises:
            RaysimError: the call raised it.
            ActorLostError: the coordinator did not come back.
        """
        asking = self.begin(method, *args)
        while not asking.answered(PATIENCE_S):
            pass
        return asking.value

    def begin(self, method: str, *args: Any) -> Asking:
        """A call that may take long."""
        return Asking(self, lambda: getattr(self.handle, method).remote(*args))

    def missed(self, error: ActorLostError) -> None:
        """Nobody answered. Raises `error` when it has been so for too long."""
        if self._away_from_s is None:
            self._away_from_s = monotonic()
            self._told(f"the coordinator was lost, and is started again: {error.message}")
        elif monotonic() - self._away_from_s > PATIENCE_S:
            raise error

    def heard(self) -> None:
        """It answered."""
        if self._away_from_s is not None:
            away_s, self._away_from_s = monotonic() - self._away_from_s, None
            self._told(f"the coordinator is back after {away_s:.1f} s, and goes on from its checkpoint")


class Asking:
    """One call, made again each time its answer is lost with the coordinator's process.

    Args:
        link: hears how it goes.
        call: makes it.
    """

    def __init__(self, link: CoordinatorLink, call: Callable[[], Any]) -> None:
        self._link = link
        self._call = call
        self._ref = call()
        #: what it came to, once answered
        self.value: Any = None

    def answered(self, timeout_s: float) -> bool:
        """Whether the value is there, after waiting for `timeout_s` at most. Raises as `CoordinatorLink.ask`."""
        if not ready_refs([self._ref], timeout_s):
            return False
        try:
            self.value = fetch(self._ref)
        except ActorLostError as error:
            self._link.missed(error)
            sleep(PAUSE_S)
            self._ref = self._call()
            return False
        self._link.heard()
        return True
