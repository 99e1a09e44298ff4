from __future__ import annotations

from dataclasses import replace

import pytest

from raysim.core.isolation.events import Event, EventKind
from raysim.core.isolation.windows import Window, windows_of
from raysim.core.plan.load import LoadSchedule
from tests.unit.core.plan.scenarios import schedule_of

FLAT = schedule_of(60, (180.0, 60, "at_once"))


def exhaustion(start_s: float, end_s: float, **changes: float) -> Event:
    return Event(EventKind.EXHAUSTION, (2,), start_s, end_s, **changes)


def test_on_a_flat_load_the_windows_reach_to_both_ends() -> None:
    found = windows_of(exhaustion(63.0, 76.0), [], FLAT, 170.0)
    assert (found.before, found.during, found.after) == (Window(0.0, 63.0), Window(63.0, 76.0), Window(76.0, 170.0))


def test_a_ramp_and_excluded_phases_are_not_comparable() -> None:
    schedule = schedule_of(60, (30.0, 60, "linear"), (90.0, 60, "at_once"), (60.0, 60, "at_once"))
    phases = schedule.phases
    schedule = LoadSchedule((*phases[:2], replace(phases[2], excluded=True)), 60)
    found = windows_of(exhaustion(63.0, 76.0), [], schedule, 180.0)
    assert found.before is not None
    # the ramp is at 48 of 60 after 24 s
    assert found.before.start_s == pytest.approx(24.0, abs=0.6)
    assert found.after == Window(76.0, 120.0)


def test_other_events_and_a_fresh_budget_end_a_window() -> None:
    other = Event(EventKind.FAULT, (1,), 20.0, 40.0)
    third = Event(EventKind.FAULT, (1,), 150.0, 160.0)
    event = exhaustion(63.0, 76.0)
    found = windows_of(event, [other, event, third], FLAT, 180.0)
    assert (found.before, found.after) == (Window(40.0, 63.0), Window(76.0, 150.0))
    assert windows_of(exhaustion(63.0, 76.0, restored_s=100.0), [], FLAT, 180.0).after == Window(76.0, 100.0)


def test_a_spike_is_held_against_the_load_around_it() -> None:
    schedule = schedule_of(60, (60.0, 20, "at_once"), (20.0, 60, "at_once"), (100.0, 20, "at_once"))
    found = windows_of(Event(EventKind.SPIKE, (), 60.0, 80.0), [], schedule, 180.0)
    assert (found.before, found.during, found.after) == (Window(0.0, 60.0), Window(60.0, 80.0), Window(80.0, 180.0))


def test_what_is_too_short_is_no_window() -> None:
    found = windows_of(exhaustion(1.0, 180.0), [], FLAT, 180.0)
    assert (found.before, found.after) == (None, None)
    assert windows_of(exhaustion(60.0, 61.0), [], FLAT, 61.5).during is None
