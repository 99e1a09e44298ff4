from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.plan.load import LoadSchedule, PhasePlan, Ramp
from tests.unit.core.plan.scenarios import plan_of, schedule_of


def phase(ramp: Ramp, *, from_users: int, to_users: int, duration_s: float, **more: float) -> PhasePlan:
    return PhasePlan(
        index=0,
        name="phase",
        kind="ramp",
        start_s=0.0,
        duration_s=duration_s,
        from_users=from_users,
        to_users=to_users,
        ramp=ramp,
        steps=int(more.get("steps", 5)),
        period_s=more.get("period_s", duration_s),
        excluded=False,
    )


@pytest.mark.parametrize(
    ("ramp", "from_users", "to_users", "duration_s", "at"),
    [
        # a + (b - a) t / d, rounded half up
        ("linear", 0, 10, 10, {0: 0, 0.49: 0, 0.5: 1, 1: 1, 1.5: 2, 5: 5, 9.49: 9, 9.5: 10, 10: 10}),
        ("linear", 10, 0, 10, {0: 10, 0.5: 10, 0.6: 9, 5: 5, 9.5: 1, 9.6: 0, 10: 0}),
        ("linear", 4, 4, 10, {0: 4, 5: 4, 10: 4}),
        # a + (b - a) (e^(3t/d) - 1) / (e^3 - 1): 9.003, 18.24 and 33.48 of a hundred at a third, half, two thirds
        ("exponential", 0, 100, 30, {0: 0, 10: 9, 15: 18, 20: 33, 30: 100}),
        ("exponential", 100, 0, 30, {0: 100, 10: 91, 15: 82, 20: 67, 30: 0}),
        ("exponential", 50, 150, 30, {0: 50, 10: 59, 15: 68, 20: 83, 30: 150}),
        # five equal steps, the first at once
        ("step", 0, 100, 50, {0: 20, 9.9: 20, 10: 40, 20: 60, 30: 80, 39.9: 80, 40: 100, 50: 100}),
        ("step", 10, 0, 50, {0: 8, 10: 6, 20: 4, 30: 2, 40: 0, 50: 0}),
        ("at_once", 0, 7, 10, {0: 7, 5: 7, 10: 7}),
        ("at_once", 9, 0, 10, {0: 0, 10: 0}),
    ],
)
def test_a_ramp_follows_its_formula(
    ramp: Ramp, from_users: int, to_users: int, duration_s: float, at: dict[float, int]
) -> None:
    planned = phase(ramp, from_users=from_users, to_users=to_users, duration_s=duration_s)
    assert {elapsed_s: planned.target_at(elapsed_s) for elapsed_s in at} == at


def test_as_many_steps_as_were_asked_for() -> None:
    planned = phase("step", from_users=0, to_users=90, duration_s=30, steps=3)
    assert [planned.target_at(t) for t in (0, 9.9, 10, 19.9, 20, 30)] == [30, 30, 60, 60, 90, 90]


def test_a_wave_swings_from_the_last_target_to_its_own_and_back() -> None:
    planned = phase("wave", from_users=20, to_users=120, duration_s=40, period_s=20)
    # half a cosine up, half a cosine down: a quarter of the way is 14.64 %
    assert {t: planned.target_at(t) for t in (0, 2.5, 5, 7.5, 10, 15, 20, 30, 40)} == {
        0: 20, 2.5: 35, 5: 70, 7.5: 105, 10: 120, 15: 70, 20: 20, 30: 120, 40: 20,
    }  # fmt: skip


@given(
    st.sampled_from(["linear", "exponential", "step", "at_once", "wave"]),
    st.integers(0, 5_000),
    st.integers(0, 5_000),
    st.floats(0.1, 1e4),
    st.floats(0, 1),
)
def test_a_phase_stays_between_where_it_comes_from_and_where_it_goes(
    ramp: Ramp, from_users: int, to_users: int, duration_s: float, share: float
) -> None:
    planned = phase(ramp, from_users=from_users, to_users=to_users, duration_s=duration_s)
    target = planned.target_at(share * duration_s)
    assert min(from_users, to_users) <= target <= max(from_users, to_users)
    if ramp != "wave":
        assert planned.target_at(duration_s) == to_users


PATTERN = schedule_of(50, (10.0, 20, "linear"), (20.0, 80, "at_once"), (10.0, 0, "linear"))


def test_phases_follow_each_other_from_second_0() -> None:
    at = {-0.1: None, 0: 0, 9.99: 0, 10: 1, 29.99: 1, 30: 2, 39.99: 2, 40: None, 1000: None}
    found = {run_s: PATTERN.phase_at(run_s) for run_s in at}
    assert {run_s: planned.index if planned else None for run_s, planned in found.items()} == at
    assert PATTERN.duration_s == 40


def test_a_schedule_never_asks_for_more_users_than_there_are_and_for_none_outside() -> None:
    at = {-1: 0, 0: 0, 5: 10, 10: 50, 29: 50, 30: 50, 35: 40, 39: 8, 40: 0, 50: 0}
    assert {run_s: PATTERN.target_at(run_s) for run_s in at} == at
    assert PATTERN.peak_users == 50
    assert schedule_of(500, (10.0, 20, "linear"), (20.0, 80, "at_once")).peak_users == 80


def test_a_schedule_without_phases_asks_for_nobody() -> None:
    nothing = LoadSchedule((), 10)
    assert (nothing.duration_s, nothing.peak_users, nothing.target_at(0), nothing.activations()) == (0, 0, 0, 0)
    assert nothing.phase_at(0) is None


def test_the_area_under_the_curve_is_not_underestimated() -> None:
    assert schedule_of(100, (10.0, 40, "at_once")).active_user_seconds() == 400
    ramp = schedule_of(100, (100.0, 100, "linear"))
    assert 5_000 <= ramp.active_user_seconds() <= 5_000 * 1.01


@pytest.mark.parametrize(
    ("schedule", "activations"),
    [
        (schedule_of(50, (10.0, 40, "at_once")), 40),
        (schedule_of(30, (10.0, 40, "at_once")), 30),
        (schedule_of(50, (10.0, 40, "linear"), (10.0, 10, "linear"), (10.0, 30, "step")), 60),
        # up three times, and down again each time
        (schedule_of(50, (60.0, 40, "wave"), period_s=20.0), 120),
    ],
)
def test_activations_are_the_sum_of_all_rises(schedule: LoadSchedule, activations: int) -> None:
    assert schedule.activations() == activations


PHASES = [
    {"name": "warm-up", "duration": "10s", "targetActiveUsers": 4},
    {"name": "load", "duration": "20s"},
    {"name": "cool-down", "duration": "5s", "targetActiveUsers": 1, "excludeFromResults": False},
]


@pytest.mark.parametrize(
    ("pattern", "ramp"),
    [("ramp-up", "linear"), ("steady", "at_once"), ("spike", "at_once"), ("custom", "at_once"), ("wave", "wave")],
)
def test_a_phase_without_a_strategy_ramps_as_its_pattern_does(pattern: str, ramp: str) -> None:
    plan = plan_of(users={"perOrg": {"min": 12, "max": 12}}, loadPattern={"type": pattern, "phases": PHASES})
    assert {planned.ramp for planned in plan.schedule.phases} == {ramp}


def test_a_phase_starts_from_the_last_target_and_by_default_reaches_everybody() -> None:
    plan = plan_of(users={"perOrg": {"min": 12, "max": 12}}, loadPattern={"type": "ramp-up", "phases": PHASES})
    assert [(p.start_s, p.from_users, p.to_users, p.kind, p.excluded) for p in plan.schedule.phases] == [
        (0, 0, 4, "warmup", True),
        (10, 4, 12, "sustained", False),
        (30, 12, 1, "cooldown", False),
    ]


def test_a_strategy_that_is_given_counts() -> None:
    phases = [{"name": "load", "duration": "20s", "rampStrategy": "step", "steps": 2, "targetActiveUsers": 10}]
    plan = plan_of(users={"perOrg": {"min": 12, "max": 12}}, loadPattern={"type": "steady", "phases": phases})
    assert [plan.schedule.target_at(run_s) for run_s in (0, 9, 10, 19)] == [5, 5, 10, 10]
