"""All that a coordinator must not forget of a run's course: taken now and then, enough to go on from after its death.

What packs say again with their next report may be as old as the checkpoint; what nobody says again makes a new
checkpoint necessary, see `Situation.must_keep`. Grants of money are the exception: they come too often, and are
written down one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.control.ending import EndingState
from raysim.core.control.last_words import WordsState
from raysim.core.control.losses import LossesState
from raysim.core.control.moves import MoveState
from raysim.core.control.planner import PlannerState
from raysim.core.control.rations import RationsState
from raysim.core.control.roster import RosterState
from raysim.core.control.terms import Reload, Terms


@dataclass(frozen=True, slots=True)
class Restart:
    """A coordinator that took over from one that had died.

    Args:
        run_s: when, in seconds after the run's start.
        away_s: since the last checkpoint, which is at most a second longer than there was nobody.
    """

    run_s: float
    away_s: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A `Situation` at one moment. Times on the coordinator's clock unless `run_s` or `_at_s` says otherwise.

    Args:
        taken_s: when.
        wall_offset_s: what to add to that clock for wall time.
        state: the run's state.
        run_start_s: the run's second 0, when it has begun.
        phase: index of the phase that was noted last.
        told_of_overbilling: whether that event was written.
        ending: whether and how the run ends.
        roster: the packs.
        planner: the schedule's state, once begun.
        losses: who was lost.
        moves: packs on their way to another node.
        words: what each process had last said.
        gone_users: user → why it left for good.
        errors: the error window.
        rations: money and slots.
        restarts: of the coordinator, so far.
        terms: those in force; None when they are as planned.
        reloads: changes of the terms, so far.
    """

    taken_s: float
    wall_offset_s: float
    state: str
    run_start_s: float | None
    phase: int
    told_of_overbilling: bool
    ending: EndingState
    roster: RosterState
    planner: PlannerState | None
    losses: LossesState
    moves: tuple[MoveState, ...]
    words: WordsState
    gone_users: dict[int, str]
    errors: tuple[tuple[float, int, int], ...]
    rations: RationsState
    restarts: tuple[Restart, ...] = ()
    terms: Terms | None = None
    reloads: tuple[Reload, ...] = ()
