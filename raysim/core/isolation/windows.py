"""Before, during and after an event: stretches of the run that can be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from raysim.core.isolation.events import Event, EventKind
from raysim.core.plan.load import LoadSchedule

#: the target may differ by this share of itself within a window: more load is slower for everyone
_SAME_LOAD = 0.2
_STEP_S = 0.5
#: nothing can be said of shorter stretches
_SHORTEST_S = 2.0


@dataclass(frozen=True, slots=True)
class Window:
    """From `start_s` up to `end_s`, in seconds after the run's start."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Windows:
    """The three windows of an event; None where there is nothing comparable."""

    before: Window | None
    during: Window | None
    after: Window | None


def windows_of(event: Event, events: Sequence[Event], schedule: LoadSchedule, load_s: float) -> Windows:
    """The windows around `event`.

    `before` reaches back from its start, `after` forward from its end, each for as long as the target of users stays
    within 20 % of what it was at the event's start (for a spike: just before it), the phase counts for the results, and
    no other event begins or ends. `after` also ends when a tenant that had run out is served again.

    Args:
        event: which event.
        events: all events of the run.
        schedule: how many users were to be active when.
        load_s: when the load ended, in seconds after the run's start.
    """
    level = schedule.target_at(event.start_s - (_STEP_S if event.kind is EventKind.SPIKE else 0.0))
    edges = [edge for other in events if other is not event for edge in (other.start_s, other.end_s)]
    floor_s = max((edge for edge in edges if edge <= event.start_s), default=0.0)
    ceiling_s = min((edge for edge in edges if edge >= event.end_s), default=math.inf)
    ceiling_s = min(ceiling_s, load_s, event.restored_s)
    return Windows(
        before=_window(_reach(schedule, event.start_s, floor_s, level, -_STEP_S), event.start_s),
        during=_window(event.start_s, min(event.end_s, load_s)),
        after=_window(event.end_s, _reach(schedule, event.end_s, ceiling_s, level, _STEP_S)),
    )


def _window(start_s: float, end_s: float) -> Window | None:
    return Window(start_s, end_s) if end_s - start_s >= _SHORTEST_S else None


def _reach(schedule: LoadSchedule, from_s: float, until_s: float, level: int, step_s: float) -> float:
    """How far from `from_s` towards `until_s` the load stays the same."""
    reached = from_s
    while (until_s - reached) * step_s > 0:
        further = reached + step_s
        # looking back, the moment just before belongs to the stretch; looking ahead, the one that begins there
        phase = schedule.phase_at(further if step_s < 0 else reached)
        if phase is None or phase.excluded:
            break
        target = min(schedule.users, phase.target_at((further if step_s < 0 else reached) - phase.start_s))
        if abs(target - level) > _SAME_LOAD * level:
            break
        reached = further
    return max(until_s, reached) if step_s < 0 else min(until_s, reached)
