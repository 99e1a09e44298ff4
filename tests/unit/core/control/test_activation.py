from __future__ import annotations

import math
from collections.abc import Callable, Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.control.activation import GRID_S, Activation
from raysim.core.control.messages import Switch
from raysim.core.plan.load import LoadSchedule, Ramp
from tests.unit.core.plan.scenarios import schedule_of

USERS = 1_000
DURATION_S = 100.0


def exponential(share: float) -> float:
    return (math.exp(3 * share) - 1) / (math.exp(3) - 1)


#: the documented course of each ramp, as a share of the way from the last target to the next
FORMULAS: dict[Ramp, Callable[[float], float]] = {
    "linear": lambda share: share,
    "exponential": exponential,
    "step": lambda share: min(5, math.floor(share * 5 + 1e-9) + 1) / 5,
    "at_once": lambda _: 1.0,
    "wave": lambda share: (1 - math.cos(2 * math.pi * share)) / 2,
}


def in_seconds(activation: Activation, seconds: int, *, ahead_s: float = 2.5) -> list[set[int]]:
    """Who is active at every whole second, if switches are asked for once a second, `ahead_s` ahead."""
    planned: list[Switch] = []
    active: set[int] = set()
    course = []
    for second in range(seconds):
        planned += activation.plan_until(second + ahead_s)
        while planned and planned[0].at_run_s <= second:
            carry_out(planned.pop(0), active)
        course.append(set(active))
    return course


def carry_out(switch: Switch, active: set[int]) -> None:
    """Who is idle can only come, who is active can only go."""
    assert (switch.user in active) is not switch.on
    if switch.on:
        active.add(switch.user)
    else:
        active.remove(switch.user)


@pytest.mark.parametrize("ramp", list(FORMULAS))
@pytest.mark.parametrize(("start", "target"), [(0, USERS), (USERS, 0), (200, 700)])
def test_at_every_second_as_many_users_are_active_as_the_formula_says(ramp: Ramp, start: int, target: int) -> None:
    schedule = schedule_of(USERS, (10.0, start, "at_once"), (DURATION_S, target, ramp))
    course = in_seconds(Activation(schedule, range(USERS)), 10 + int(DURATION_S))
    for second, active in enumerate(course):
        if second < 10:
            assert len(active) == start
        else:
            exact = start + (target - start) * FORMULAS[ramp]((second - 10) / DURATION_S)
            assert abs(len(active) - exact) <= 1


def test_when_the_pattern_is_over_nobody_is_active() -> None:
    schedule = schedule_of(10, (5.0, 10, "at_once"))
    assert [len(active) for active in in_seconds(Activation(schedule, range(10)), 8)] == [10] * 5 + [0] * 3


def switches_of(schedule: LoadSchedule, users: Collection[int]) -> list[tuple[float, str]]:
    planned = Activation(schedule, users).plan_until(schedule.duration_s - GRID_S / 2)
    return [(round(switch.at_run_s, 3), f"{'+' if switch.on else '-'}{switch.user}") for switch in planned]


def test_the_lowest_idle_user_starts_first_and_the_longest_active_stops_first() -> None:
    schedule = schedule_of(
        5, (1.0, 3, "at_once"), (1.0, 1, "at_once"), (1.0, 4, "at_once"), (1.0, 2, "at_once"), (1.0, 5, "at_once")
    )
    assert switches_of(schedule, [4, 2, 0, 1, 3]) == [
        (0.0, "+0"), (0.0, "+1"), (0.0, "+2"),
        (1.0, "-0"), (1.0, "-1"),
        (2.0, "+0"), (2.0, "+1"), (2.0, "+3"),
        (3.0, "-2"), (3.0, "-0"),
        (4.0, "+0"), (4.0, "+2"), (4.0, "+4"),
    ]  # fmt: skip


def test_a_ramp_is_spread_over_time_not_bunched_at_the_seconds() -> None:
    # ten users a second: one each tenth of a second
    planned = Activation(schedule_of(20, (2.0, 20, "linear")), range(20)).plan_until(1.85)
    assert [(round(switch.at_run_s, 3), switch.user) for switch in planned] == [
        (round(0.1 * (user + 1), 3), user) for user in range(18)
    ]


def test_no_switch_is_planned_twice_however_often_one_asks() -> None:
    schedule = schedule_of(100, (30.0, 100, "linear"), (20.0, 10, "exponential"))
    at_once = Activation(schedule, range(100)).plan_until(60.0)
    often = Activation(schedule, range(100))
    horizons = [0.0, 0.0, 0.05, 3.0, 2.0, 3.0, 17.3, 17.3, 42.0, 60.0, 60.0]
    assert [switch for horizon in horizons for switch in often.plan_until(horizon)] == at_once
    assert [switch.at_run_s for switch in at_once] == sorted(switch.at_run_s for switch in at_once)


def test_who_left_is_replaced_by_the_next_idle_user_and_never_returns() -> None:
    schedule = schedule_of(5, (10.0, 2, "at_once"), (10.0, 0, "at_once"), (10.0, 5, "at_once"))
    activation = Activation(schedule, range(5))
    assert [switch.user for switch in activation.plan_until(1.0)] == [0, 1]
    activation.leave([0, 2])
    (replacement,) = activation.plan_until(3.0)
    assert (replacement.user, replacement.on) == (3, True)
    assert 1.0 < replacement.at_run_s <= 3.0
    assert activation.active == 2
    later = activation.plan_until(25.0)
    assert [switch.user for switch in later if not switch.on] == [1, 3]
    assert [switch.user for switch in later if switch.on] == [1, 3, 4]
    assert activation.active == 3


def test_an_empty_place_leaves_the_others_as_they_were() -> None:
    schedule = schedule_of(8, (10.0, 4, "at_once"), (10.0, 1, "at_once"), (10.0, 6, "linear"), (10.0, 3, "at_once"))
    undisturbed = [s for s in Activation(schedule, range(8)).plan_until(40.0) if s.user not in (1, 5)]
    activation = Activation(schedule, range(8))
    course = activation.plan_until(5.0)
    # one of them is active, the other has not come yet
    activation.leave([1, 5], replaced=False)
    assert activation.active == 3
    course += activation.plan_until(40.0)
    assert [switch for switch in course if switch.user not in (1, 5)] == undisturbed
    assert [switch.user for switch in course if switch.user in (1, 5)] == [1]


def test_a_replacement_is_not_due_before_it_can_be_carried_out() -> None:
    activation = Activation(schedule_of(5, (60.0, 2, "at_once")), range(5))
    activation.plan_until(2.0)
    activation.leave([0, 1])
    replacements = activation.plan_until(33.0, not_before_s=31.0)
    assert [switch.user for switch in replacements] == [2, 3]
    assert all(31.0 <= switch.at_run_s <= 33.0 for switch in replacements)


def test_when_nobody_is_idle_the_target_is_missed_not_waited_for() -> None:
    activation = Activation(schedule_of(5, (60.0, 5, "at_once")), [0, 1, 2])
    assert [switch.user for switch in activation.plan_until(1.0)] == [0, 1, 2]
    activation.leave([0, 1, 2])
    assert activation.plan_until(30.0) == []
    assert activation.active == 0


def test_leaving_twice_or_unknown_changes_nothing() -> None:
    activation = Activation(schedule_of(5, (60.0, 2, "at_once")), range(3))
    activation.plan_until(1.0)
    activation.leave([0])
    activation.leave([0, 77])
    assert [switch.user for switch in activation.plan_until(5.0)] == [2]


@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 8),
            st.integers(0, 30),
            st.sampled_from(sorted(FORMULAS)),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.lists(st.integers(0, 24), max_size=4), max_size=20),
)
def test_as_many_are_active_as_the_target_asks_and_there_are(
    phases: list[tuple[float, int, Ramp]], leaving: list[list[int]]
) -> None:
    schedule = schedule_of(25, *phases)
    activation = Activation(schedule, range(25))
    active: set[int] = set()
    gone: set[int] = set()
    for second in range(math.ceil(schedule.duration_s)):
        if second < len(leaving):
            activation.leave(leaving[second])
            gone |= set(leaving[second])
            active -= gone
        for switch in activation.plan_until(float(second)):
            carry_out(switch, active)
            assert switch.user not in gone
        assert len(active) == activation.active == min(schedule.target_at(float(second)), 25 - len(gone))
