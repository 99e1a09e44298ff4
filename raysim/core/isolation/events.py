"""What may make one tenant felt by the others: it ran out of budget, it burst, the load had a spike, a fault was on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from raysim.core.isolation.course import Course, Flags, Floats
from raysim.core.plan.load import LoadSchedule

#: refusals of one tenant that follow each other this closely are one episode
_SAME_EPISODE_S = 10.0
#: a refusal is felt for a moment longer than it lasts
_SETTLE_S = 1.0
_FEWEST_LIMITED = 3
#: a burst is looked for in steps of this, against so many steps before
_STEP_S = 5.0
_STEPS_BEFORE = 6
_BURST_FACTOR = 2.0
#: standard deviations of a count, and of a share of all; far out, as every step of every tenant is looked at
_BURST_SIGMAS = 7.0
_SHARE_SIGMAS = 4.0
#: more than this are listed by nobody
MOST_EVENTS = 20


class EventKind(StrEnum):
    """What happened."""

    #: a tenant's budget or quota was used up: from its first refusal
    EXHAUSTION = "exhaustion"
    #: a tenant ran into its rate limit: from the first to the last of at least three refusals
    RATE_LIMIT = "rate_limit"
    #: a tenant sent at least twice as much as in the half minute before, and a larger share of all
    BURST = "burst"
    #: a phase of kind `spike`: nobody's doing
    SPIKE = "spike"
    #: a fault that the scenario switched on in the simulated platform
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Event:
    """Something from `start_s` to `end_s` seconds after the run's start.

    `culprits` are the tenants whose doing or undoing it is; none when it is nobody's. `restored_s` is when a tenant
    that had run out was served again.
    """

    kind: EventKind
    culprits: tuple[int, ...]
    start_s: float
    end_s: float
    restored_s: float = math.inf


@dataclass(frozen=True, slots=True)
class DeclaredFault:
    """A fault that was switched on on purpose, in seconds after the run's start; `org` is whom it favours, if any."""

    start_s: float
    end_s: float
    org: str = ""


def find_events(course: Course, schedule: LoadSchedule, faults: Iterable[DeclaredFault] = ()) -> list[Event]:
    """Every event of a run in its order, at most the first `MOST_EVENTS`."""
    found = [*_merged(_exhaustions(course)), *_limited(course), *_bursts(course)]
    found += [Event(EventKind.SPIKE, (), p.start_s, p.end_s) for p in schedule.phases if p.kind == "spike"]
    for fault in faults:
        culprits = (course.tenants.index(fault.org),) if fault.org in course.tenants else ()
        found.append(Event(EventKind.FAULT, culprits, fault.start_s, min(fault.end_s, schedule.duration_s)))
    return sorted(found, key=lambda event: (event.start_s, event.kind))[:MOST_EVENTS]


def _exhaustions(course: Course) -> list[Event]:
    events = []
    for tenant in range(len(course.tenants)):
        mine = course.tenant == tenant
        refusals = course.at_s[mine & course.spent]
        if not refusals.size:
            continue
        start_s, last_s = _episodes(refusals)[0]
        served = course.at_s[mine & course.success & (course.at_s > refusals[-1])]
        restored_s = float(served[0]) if served.size else math.inf
        events.append(Event(EventKind.EXHAUSTION, (tenant,), start_s, last_s + _SETTLE_S, restored_s))
    return events


def _merged(events: list[Event]) -> list[Event]:
    """Tenants that ran out together are one event: neither can be a quiet witness of the other."""
    merged: list[Event] = []
    for event in sorted(events, key=lambda event: event.start_s):
        if merged and event.start_s <= merged[-1].start_s + _SAME_EPISODE_S:
            last = merged[-1]
            merged[-1] = Event(
                event.kind,
                (*last.culprits, *event.culprits),
                last.start_s,
                max(last.end_s, event.end_s),
                min(last.restored_s, event.restored_s),
            )
        else:
            merged.append(event)
    return merged


def _limited(course: Course) -> list[Event]:
    events = []
    for tenant in range(len(course.tenants)):
        times = course.at_s[(course.tenant == tenant) & course.limited]
        for start_s, last_s in _episodes(times):
            if np.count_nonzero((times >= start_s) & (times <= last_s)) >= _FEWEST_LIMITED:
                events.append(Event(EventKind.RATE_LIMIT, (tenant,), start_s, last_s + _SETTLE_S))
    return events


def _bursts(course: Course) -> list[Event]:
    """Steps in which a tenant sent far more than before: a ramp lifts all shares alike, a leaver lifts no count."""
    if not course.at_s.size:
        return []
    steps = np.arange(0.0, float(course.at_s[-1]) + 2 * _STEP_S, _STEP_S)
    everyone = np.histogram(course.at_s, steps)[0].astype(np.float64)
    events = []
    for tenant in range(len(course.tenants)):
        counts = np.histogram(course.at_s[course.tenant == tenant], steps)[0].astype(np.float64)
        times = steps[:-1][_burst_steps(counts, everyone)]
        events += [Event(EventKind.BURST, (tenant,), start_s, last_s + _STEP_S) for start_s, last_s in _episodes(times)]
    return events


def _burst_steps(counts: Floats, everyone: Floats) -> Flags:
    found = np.zeros(counts.size, dtype=np.bool_)
    # what a burst brought is not what is usual
    calm_counts, calm_all = counts.copy(), everyone.copy()
    for step in range(_STEPS_BEFORE, counts.size):
        before = slice(step - _STEPS_BEFORE, step)
        usual, usual_all = float(calm_counts[before].mean()), float(calm_all[before].mean())
        if usual <= 0 or usual >= usual_all:
            continue
        share, everything = usual / usual_all, everyone[step]
        found[step] = (
            counts[step] >= _BURST_FACTOR * usual
            and counts[step] >= usual + _BURST_SIGMAS * math.sqrt(usual * (1 + 1 / _STEPS_BEFORE))
            and counts[step] >= share * everything + _SHARE_SIGMAS * math.sqrt(share * (1 - share) * everything)
        )
        if found[step]:
            calm_counts[step], calm_all[step] = usual, usual_all
    return found


def _episodes(times: Floats) -> list[tuple[float, float]]:
    """First and last of each run of times (rising) without a gap longer than an episode's."""
    if not times.size:
        return []
    breaks = np.flatnonzero(np.diff(times) > _SAME_EPISODE_S)
    starts = [0, *(int(place) + 1 for place in breaks)]
    ends = [*(int(place) for place in breaks), times.size - 1]
    return [(float(times[start]), float(times[end])) for start, end in zip(starts, ends, strict=True)]
