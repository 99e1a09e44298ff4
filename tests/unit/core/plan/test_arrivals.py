from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from raysim.core.plan.arrivals import ArrivalTimes
from raysim.core.plan.load import ArrivalPlan, LoadSchedule
from tests.unit.core.plan.scenarios import plan_of, schedule_of


def schedule(*phases: tuple[float, ArrivalPlan | None]) -> LoadSchedule:
    plain = schedule_of(10, *[(duration_s, 10, "at_once") for duration_s, _ in phases])
    arriving = [replace(phase, arrivals=plan) for phase, (_, plan) in zip(plain.phases, phases, strict=True)]
    return LoadSchedule(tuple(arriving), 10)


def constant(rate: float) -> ArrivalPlan:
    return ArrivalPlan("constant", rate, 16)


def poisson(rate: float) -> ArrivalPlan:
    return ArrivalPlan("poisson", rate, 16)


def times(plan: LoadSchedule, seed: int = 7) -> list[float]:
    arrivals, found = ArrivalTimes(plan, seed), []
    while (at_s := arrivals.next()) is not None:
        found.append(at_s)
    return found


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ([(1.0, constant(4))], [0, 0.25, 0.5, 0.75]),
        ([(1.0, constant(0.5))], [0]),
        ([(1.0, None)], []),
        ([], []),
        # a phase without arrivals adds none, and each one begins at once
        ([(1.0, None), (1.0, constant(2)), (1.0, None), (0.6, constant(5))], [1.0, 1.5, 3.0, 3.2, 3.4]),
        ([(1.0, constant(2)), (1.0, constant(4))], [0, 0.5, 1.0, 1.25, 1.5, 1.75]),
        # the same rate goes on evenly over the border
        ([(0.9, constant(2)), (1.1, constant(2))], [0, 0.5, 1.0, 1.5]),
    ],
)
def test_constant_arrivals_are_evenly_spaced(
    phases: list[tuple[float, ArrivalPlan | None]], expected: list[float]
) -> None:
    assert times(schedule(*phases)) == pytest.approx(expected)


def test_constant_arrivals_do_not_drift() -> None:
    found = times(schedule((3_600.0, constant(7))))
    assert len(found) == 7 * 3_600
    assert max(abs(at_s - i / 7) for i, at_s in enumerate(found)) < 1e-6


def test_poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    found = times(schedule((1_000.0, poisson(20)), (1_000.0, None), (500.0, poisson(2))))
    first = [at_s for at_s in found if at_s < 1_000]
    second = [at_s - 2_000 for at_s in found if at_s >= 2_000]
    assert len(first) + len(second) == len(found)
    # within four standard deviations
    assert abs(len(first) - 20_000) < 4 * math.sqrt(20_000)
    assert abs(len(second) - 1_000) < 4 * math.sqrt(1_000)
    gaps = [later - earlier for earlier, later in pairwise(first)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert mean == pytest.approx(1 / 20, rel=0.03)
    # of an exponential distribution the standard deviation is the mean, and e^-1 of the gaps are longer than it
    assert spread == pytest.approx(mean, rel=0.03)
    assert sum(gap > mean for gap in gaps) / len(gaps) == pytest.approx(math.exp(-1), abs=0.015)
    # counts in seconds: the variance of a Poisson distribution is its mean
    counts = [0] * 1_000
    for at_s in first:
        counts[int(at_s)] += 1
    variance = sum((count - 20) ** 2 for count in counts) / len(counts)
    assert variance == pytest.approx(20, rel=0.2)


def test_the_seed_decides() -> None:
    plan = schedule((10.0, poisson(5)))
    assert times(plan, 1) == times(plan, 1) != times(plan, 2)


def test_a_scenario_gives_phases_their_arrivals() -> None:
    pattern = {
        "arrivals": {"mode": "poisson", "requestsPerSecond": 5},
        "phases": [
            {"name": "a", "duration": "10s"},
            {
                "name": "b",
                "duration": "10s",
                "arrivals": {"mode": "constant", "requestsPerSecond": 9, "maxInFlight": 3},
            },
            {"name": "c", "duration": "10s", "arrivals": {"mode": "closed"}},
        ],
    }
    phases = plan_of(loadPattern=pattern).schedule.phases
    assert [phase.arrivals for phase in phases] == [poisson(5), ArrivalPlan("constant", 9, 3), None]
    assert {phase.arrivals for phase in plan_of().schedule.phases} == {None}
