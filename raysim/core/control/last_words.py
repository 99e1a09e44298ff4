"""What each process was last known to have done, so that a lost one's unknown requests can be told as an interval."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, replace

from raysim.core.control.messages import Orders, PackStatus
from raysim.core.plan.run_plan import LimitPlan


@dataclass(frozen=True, slots=True)
class LastWord:
    """The last report of a pack's process, and what it was told in answer. Times in seconds after the run's start.

    Args:
        pack: which pack.
        life: which of its processes.
        at_run_s: when it reported; None when it never did, so that it has been told nothing and asked nothing.
        sequence: number of the report.
        sent: requests that it had sent until then.
        unsure: requests that it had accepted or tried and may or may not have sent.
        askers: users that may have gone on asking, those that it was told to activate included.
        arrivals: requests of an open loop that it was told of and that were due later.
        slots: further requests that it may have sent under a cap on the rate; None without one.
        allowance: further requests that `limits.maxRequestsPerUser` left its users; None without one.
        answered_by_run_s: when at the latest it was last answered, if that may be after `at_run_s`: a coordinator that
            was restarted does not know what its predecessor said.
    """

    pack: int
    life: int
    at_run_s: float | None = None
    sequence: int = 0
    sent: int = 0
    unsure: int = 0
    askers: int = 0
    arrivals: int = 0
    slots: int | None = None
    allowance: int | None = None
    answered_by_run_s: float | None = None

    def most_sent(self, until_run_s: float, cycle_s: float, *, closed_loop: bool) -> float:
        """Requests that it can have sent up to `until_run_s`; infinite when nothing bounds them.

        A user in a closed loop asks, waits for the answer and thinks before it asks again: in T seconds it can begin
        1 + floor(T / cycle) requests, where the cycle is the shortest request and the shortest thought together.

        Args:
            until_run_s: when it had stopped sending for certain.
            cycle_s: the shortest time from one request of a user to its next.
            closed_loop: whether users ask by themselves within that time.
        """
        if self.at_run_s is None:
            return self.sent
        left_s = max(0.0, until_run_s - self.at_run_s)
        more: float = self.arrivals
        if closed_loop and self.askers:
            each = 1 + math.floor(left_s / cycle_s) if cycle_s > 0 else math.inf
            more += self.askers * each
        bounds = [bound for bound in (self.slots, self.allowance) if bound is not None]
        return self.sent + self.unsure + min(more, *bounds) if bounds else self.sent + self.unsure + more


@dataclass(frozen=True, slots=True)
class LostProcess:
    """A pack's process that was lost, with the users it played.

    Args:
        users: their indices.
        at_run_s: when that was noticed, in seconds after the run's start.
        certain: whether it is known to have ended by then; else it may have gone on until its lease was over.
        word: what it had last said.
        thought_s: the shortest time that its users think, under any of the run's terms.
    """

    users: tuple[int, ...]
    at_run_s: float
    certain: bool
    word: LastWord
    thought_s: float

    def silent_at_s(self, lease_s: float) -> float:
        """Run seconds from which on it cannot have sent anything: it stops by itself when it hears nothing."""
        if self.word.at_run_s is None:
            return self.at_run_s
        answered_s = self.word.answered_by_run_s
        alone_s = (self.word.at_run_s if answered_s is None else answered_s) + lease_s
        return min(alone_s, self.at_run_s) if self.certain else alone_s


@dataclass(frozen=True, slots=True)
class WordsState:
    """Last words as a checkpoint holds them; `accepted` are counts by user."""

    words: tuple[LastWord, ...]
    thought_s: float
    accepted: dict[int, int]
    lost: tuple[LostProcess, ...]


class LastWords:
    """The last word of every process.

    Args:
        thought_s: the shortest time that a user thinks.
    """

    def __init__(self, thought_s: float) -> None:
        self._thought_s = thought_s
        self._words: dict[tuple[int, int], LastWord] = {}
        #: seconds at which arrivals are due that a process was told of and that were not yet due when it last spoke
        self._dealt: dict[tuple[int, int], deque[float]] = {}
        self._accepted: dict[int, int] = {}
        self._lost: dict[tuple[int, int], LostProcess] = {}

    def follow(self, thought_s: float) -> None:
        """From now on users may think as shortly as this."""
        self._thought_s = min(self._thought_s, thought_s)

    def hear(self, status: PackStatus, heard_run_s: float, limits: LimitPlan | None) -> None:
        """A process has reported, also one that is taken for lost; an older report than the last tells nothing.

        Args:
            status: its report.
            heard_run_s: when that arrived; the report may say more exactly when it was made.
            limits: those that it follows; None when these are not the ones in force.
        """
        key = (status.pack, status.life)
        word = self._words.get(key, LastWord(*key))
        if status.sequence <= word.sequence:
            return
        at_s = heard_run_s if status.taken_run_s is None else min(heard_run_s, status.taken_run_s)
        dealt = self._dealt.get(key)
        while dealt and dealt[0] < at_s:
            dealt.popleft()
        most = limits.max_requests_per_user if limits is not None else None
        slotted = limits is not None and limits.max_requests_per_second is not None
        for user, count in status.accepted:
            self._accepted[user] = max(count, self._accepted.get(user, 0))
        self._words[key] = LastWord(
            *key,
            at_run_s=at_s,
            sequence=status.sequence,
            sent=status.sent,
            unsure=status.unsure,
            askers=status.askers,
            arrivals=len(dealt or ()),
            slots=0 if slotted else None,
            allowance=None if most is None else sum(max(0, most - count) for _, count in status.accepted),
        )

    def answer(self, status: PackStatus, orders: Orders) -> None:
        """What a process that has just reported is told."""
        key = (status.pack, status.life)
        word = self._words.get(key)
        if word is None:
            return
        if orders.arrivals:
            self._dealt.setdefault(key, deque()).extend(arrival.at_run_s for arrival in orders.arrivals)
        given = orders.slots.count if orders.slots is not None else 0
        self._words[key] = replace(
            word,
            askers=word.askers + sum(switch.on for switch in orders.switches),
            arrivals=word.arrivals + len(orders.arrivals),
            # other terms may have other limits
            slots=None if word.slots is None or orders.terms is not None else word.slots + given,
            allowance=word.allowance if orders.terms is None else None,
        )

    def lose(self, pack: int, life: int, users: Collection[int], at_run_s: float, *, certain: bool) -> LastWord:
        """A process is taken for lost; the first notice counts. Returns its last word so far."""
        word = self.of(pack, life)
        lost = LostProcess(tuple(sorted(users)), at_run_s, certain, word, self._thought_s)
        self._lost.setdefault((pack, life), lost)
        return word

    @property
    def lost(self) -> tuple[LostProcess, ...]:
        """Every process that was lost, with the last that was heard of it, even if that was after it was taken so."""
        return tuple(
            replace(lost, word=self.of(*key), thought_s=min(lost.thought_s, self._thought_s))
            for key, lost in self._lost.items()
        )

    def accepted(self, users: Collection[int]) -> tuple[tuple[int, int], ...]:
        """How many requests each of these users is known to have accepted in all its lives, if that is limited."""
        return tuple((user, self._accepted[user]) for user in users if user in self._accepted)

    def of(self, pack: int, life: int) -> LastWord:
        """The last word of a process, or that there was none."""
        return self._words.get((pack, life), LastWord(pack, life))

    def doubt(self, pack: int, life: int, run_s: float, users: int, arrivals: int) -> None:
        """After a restart: until a process reports again, nobody knows what it was told and did after the checkpoint.

        Args:
            pack: which pack.
            life: which of its processes.
            run_s: now: nobody answered it later.
            users: how many it plays.
            arrivals: how many it may have been told of.
        """
        word = self.of(pack, life)
        at_s = 0.0 if word.at_run_s is None else word.at_run_s
        self._words[pack, life] = replace(
            word, at_run_s=at_s, askers=users, arrivals=word.arrivals + arrivals, slots=None, answered_by_run_s=run_s
        )

    def checkpoint(self) -> WordsState:
        """What `resume` needs."""
        words, lost = tuple(self._words.values()), tuple(self._lost.values())
        return WordsState(words, self._thought_s, dict(self._accepted), lost)

    @classmethod
    def resume(cls, state: WordsState) -> LastWords:
        """The last words that a restarted coordinator knows of."""
        words = cls(state.thought_s)
        words._words = {(word.pack, word.life): word for word in state.words}
        words._accepted = dict(state.accepted)
        words._lost = {(lost.word.pack, lost.word.life): lost for lost in state.lost}
        return words
