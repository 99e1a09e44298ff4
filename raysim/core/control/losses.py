"""Users whose process was lost: who they are, who is being replaced, who came back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

#: a pack that was lost more often than this does not die by accident: it stays lost
MOST_REPLACEMENTS = 3


@dataclass(frozen=True, slots=True)
class Loss:
    """A user that was lost. Times in seconds after the run's start.

    Args:
        user: its index.
        at_run_s: when that was noticed.
        why: what is known of the reason.
        heard_run_s: when its pack had last reported: what it did since then is not known; None if it never had.
        back_run_s: when it was ready again; None while it is not.
    """

    user: int
    at_run_s: float
    why: str
    heard_run_s: float | None = None
    back_run_s: float | None = None


@dataclass(frozen=True, slots=True)
class LossesState:
    """Losses as a checkpoint holds them; `lives`, `given` and `replaced` are numbers by pack."""

    away: tuple[Loss, ...]
    ended: tuple[Loss, ...]
    awaited: tuple[int, ...]
    lives: dict[int, int]
    given: dict[int, int]
    replaced: dict[int, int]


class Losses:
    """Who is lost, and in which life a pack is to be placed again."""

    def __init__(self) -> None:
        #: users that are away
        self.away: dict[int, Loss] = {}
        #: every loss whose user came back
        self.ended: list[Loss] = []
        #: users that are being replaced
        self.awaited: set[int] = set()
        self._lives: dict[int, int] = {}
        #: the highest number of a life that was given to each pack, and how often it was lost and placed again
        self._given: dict[int, int] = {}
        self._replaced: dict[int, int] = {}

    @property
    def every(self) -> tuple[Loss, ...]:
        """Every loss so far, those that have ended first."""
        return (*self.ended, *self.away.values())

    def lose(self, losses: Collection[Loss]) -> None:
        """These users are lost; one that is away already has been lost before."""
        for loss in losses:
            self.away.setdefault(loss.user, loss)
            self.awaited.discard(loss.user)

    def replace(self, pack: int, users: Collection[int]) -> int:
        """A pack is to be placed again; the number of its next life, 0 when it has had enough of them."""
        if self._replaced.get(pack, 0) >= MOST_REPLACEMENTS:
            return 0
        self._replaced[pack] = self._replaced.get(pack, 0) + 1
        life = self._lives[pack] = self.next_life(pack)
        self.awaited.update(users)
        return life

    def next_life(self, pack: int) -> int:
        """A number for a further life of a pack, which is not the present one yet."""
        life = self._given[pack] = self._given.get(pack, 0) + 1
        return life

    def take_over(self, pack: int, life: int) -> None:
        """A pack's present life is now this one."""
        self._lives[pack] = life

    def life(self, pack: int) -> int:
        """Which of a pack's lives is the present one."""
        return self._lives.get(pack, 0)

    def come_back(self, users: Collection[int], at_run_s: float) -> list[int]:
        """These users are ready again; those of them that were away."""
        found = [user for user in users if user in self.away]
        for user in found:
            self.ended.append(replace(self.away.pop(user), back_run_s=at_run_s))
        self.awaited.difference_update(found)
        return found

    def give_up(self, users: Collection[int]) -> None:
        """These users are not going to be replaced after all."""
        self.awaited.difference_update(users)

    def checkpoint(self) -> LossesState:
        """What `resume` needs."""
        return LossesState(
            tuple(self.away.values()),
            tuple(self.ended),
            tuple(self.awaited),
            dict(self._lives),
            dict(self._given),
            dict(self._replaced),
        )

    @classmethod
    def resume(cls, state: LossesState) -> Losses:
        """The losses that a restarted coordinator knows of."""
        losses = cls()
        losses.away = {loss.user: loss for loss in state.away}
        losses.ended, losses.awaited, losses._lives = list(state.ended), set(state.awaited), dict(state.lives)
        losses._given, losses._replaced = dict(state.given), dict(state.replaced)
        return losses
