"""The lives of packs: a process is set up, is lost, is followed by another, or hands over to one on another node."""

from __future__ import annotations

import math
from collections.abc import Collection

from raysim.core.control.last_words import LastWord
from raysim.core.control.losses import Loss
from raysim.core.control.messages import StopOrder
from raysim.core.control.situation import RunState, Situation


class Lives:
    """Decides which process of a pack plays its users, and whether there is to be another.

    Args:
        situation: the run's.
    """

    def __init__(self, situation: Situation) -> None:
        self._situation = situation

    def pack_ready(self, pack: int, users: Collection[int], now_s: float = 0.0, life: int = 0) -> None:
        """A pack has set up these users and will report: for the first time, or once more after it was lost."""
        run = self._situation
        if run.planner is not None:
            if run.moves.stand_by(pack, life, users):
                run.must_keep = True
            elif life == run.losses.life(pack):
                self._pack_is_back(pack, users, now_s)
            return
        if life != run.losses.life(pack):
            return
        run.roster.join(pack, users)
        run.losses.come_back(users, run.run_s(now_s))
        run.must_keep = True

    def _pack_is_back(self, pack: int, users: Collection[int], now_s: float) -> None:
        run = self._situation
        known = run.roster.get(pack)
        if run.state is not RunState.RUNNING or known is None or not known.lost:
            # too late to be of use: it hears that the run stops, and nobody waits for it
            return
        run.roster.join(pack, users)
        run.losses.give_up(known.users)
        back = run.losses.come_back(users, run.run_s(now_s))
        self._play_again(back)
        run.note("users_back", pack=pack, users=sorted(back))

    def pack_lost(self, pack: int, users: Collection[int], why: str, now_s: float, *, certain: bool = False) -> int:
        """A pack's process is gone, with these users.

        Args:
            pack: which.
            users: all that it was to play.
            why: what is known of the reason.
            now_s: the time.
            certain: whether the process is known to have ended; else it is only out of reach.

        Returns:
            the number of the life in which it is to be placed again; 0 when it is not to be.
        """
        run = self._situation
        known = run.roster.get(pack)
        heard_s = known.heard_s if known is not None else None
        if known is not None:
            known.lost = True
            known.active = known.in_flight = 0
        run.rations.lose(pack)
        self._play_no_more(users)
        run_s = run.run_s(now_s)
        run.losses.lose([Loss(user, run_s, why, heard_s) for user in users])
        word = run.words.lose(pack, run.losses.life(pack), users, run_s, certain=certain)
        run.note("pack_lost", pack=pack, users=sorted(users), why=why, life=word.life, last_word=_told(word))
        if run.plan.bootstrap.abort_on_loss and run.state in (RunState.PREPARING, RunState.RUNNING):
            run.stop("loss", "a user was lost and bootstrap.onLoss is abort", now_s)
        move = run.moves.of(pack)
        if move is not None and run.state is RunState.RUNNING:
            # somebody is about to take its place already
            run.losses.awaited.update(users)
            return move.life
        preparing = run.state is RunState.PREPARING
        replaceable = [user for user in users if (preparing or user in run.roster.users) and user not in run.gone_users]
        in_time = preparing or run.state is RunState.RUNNING
        if not (run.plan.bootstrap.respawn and in_time and replaceable):
            return 0
        return run.losses.replace(pack, replaceable)

    # ── moves ──

    def pack_moving(self, pack: int, address: str, leaves_in_s: float) -> int:
        """A pack's node is about to go; returns the life in which to place it elsewhere, 0 for not at all.

        Asked again, it is the same life.
        """
        run = self._situation
        known, move = run.roster.get(pack), run.moves.of(pack)
        if known is None or known.lost or run.state is not RunState.RUNNING:
            return 0
        if move is not None:
            return move.life
        life = run.losses.next_life(pack)
        run.moves.begin(pack, life)
        within = None if math.isinf(leaves_in_s) else round(leaves_in_s, 1)
        run.note("pack_moving", pack=pack, users=sorted(known.users), node=address, leaves_in_s=within, life=life)
        return life

    def is_moving(self, user: int) -> bool:
        """Whether a user is being set up elsewhere while it still plays."""
        run = self._situation
        pack = run.roster.home(user)
        known = None if pack is None else run.roster.get(pack)
        return pack is not None and run.moves.of(pack) is not None and known is not None and not known.lost

    def hand_over(self, pack: int, drain_s: float, now_s: float) -> bool:
        """A pack that moves is to finish what is in flight; its users are nowhere until somebody takes over.

        False when it does not move, or the run is over.
        """
        run = self._situation
        known, move = run.roster.get(pack), run.moves.of(pack)
        if run.state is not RunState.RUNNING or known is None or move is None:
            return False
        if known.leaving is None:
            known.leaving = StopOrder("moved", drain_s)
            move.left_s = now_s
            self._play_no_more([user for user in known.users if user not in run.gone_users])
            run.must_keep = True
        return True

    def take_over(self, pack: int, life: int, now_s: float) -> bool:
        """A pack's new process is to play from now on, the old one being gone; False when it is too late for that."""
        run = self._situation
        known, move = run.roster.get(pack), run.moves.end(pack)
        if run.state is not RunState.RUNNING or known is None:
            return False
        if move is None:
            # asked again, it has done so
            return life == run.losses.life(pack) and not known.lost
        ready, run_s = move.ready or frozenset(), run.run_s(now_s)
        run.losses.take_over(pack, move.life)
        run.roster.join(pack, ready)
        missing = known.users - ready - run.lost.keys() - run.gone_users.keys()
        why = "could not be set up again on another node"
        run.losses.lose([Loss(user, run_s, why, known.heard_s) for user in missing])
        run.losses.give_up(known.users - ready)
        run.losses.come_back(ready, run_s)
        self._play_again(ready)
        away_s = 0.0 if move.left_s is None else round(now_s - move.left_s, 3)
        run.note("users_moved", pack=pack, users=sorted(ready), away_s=away_s)
        return True

    def move_failed(self, pack: int, why: str) -> None:
        """Nobody can take a pack's place elsewhere."""
        if self._situation.moves.end(pack) is not None:
            self._situation.note("move_failed", pack=pack, why=why)

    # ── inside ──

    def _play_again(self, users: Collection[int]) -> None:
        run = self._situation
        if run.planner is not None:
            run.planner.come_back([user for user in users if user not in run.gone_users])

    def _play_no_more(self, users: Collection[int]) -> None:
        if self._situation.planner is not None:
            self._situation.planner.leave(users)


def _told(word: LastWord) -> dict[str, object] | None:
    """The last word as an event tells it; None when there was none."""
    if word.at_run_s is None:
        return None
    return {"at_s": round(word.at_run_s, 3), "sequence": word.sequence, "sent": word.sent, "unsure": word.unsure}
