from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from raysim.core.behaviour.distributions import Distribution
from raysim.core.records.request import RequestRecord
from raysim.core.rng import Stream
from raysim.report.summary import summarise
from tests.component.report.sample_run import facts, record, rows

NAN = float("nan")
#: uniform on [1, 3], as the sample's scenario has it
CONFIGURED = Distribution("uniform", 1.0, 3.0)


def of(records: list[RequestRecord]) -> dict[str, Any]:
    think: dict[str, Any] = summarise(rows(records), facts())["think_time"]
    return think


def thoughts(count: int, lasted: Callable[[float], float], draw: Distribution = CONFIGURED) -> list[RequestRecord]:
    """Every request ends a pause and begins the next; `lasted` says how long one really took."""
    stream = Stream(11)
    drawn = [draw.sample(stream) for _ in range(count + 1)]
    return [
        record(i, think_planned_s=before, think_s=lasted(before), think_next_s=after)
        for i, (before, after) in enumerate(pairwise(drawn))
    ]


def test_configured_drawn_and_done_side_by_side() -> None:
    think = of(thoughts(2000, lambda s: s + 0.001))
    assert think["configured"] == {
        "mean_s": 2.0,
        "std_s": pytest.approx(2 / 12**0.5),
        "min_s": 1.0,
        "p50_s": 2.0,
        "p95_s": pytest.approx(2.9),
        "max_s": 3.0,
        "distribution": "uniform",
    }
    for part in ("planned", "actual"):
        assert think[part]["count"] == 2000
        assert think[part]["mean_s"] == pytest.approx(2.0, rel=0.02)
        assert think[part]["std_s"] == pytest.approx(2 / 12**0.5, rel=0.02)
        assert (think[part]["p50_s"], think[part]["p95_s"]) == (
            pytest.approx(2.0, rel=0.03),
            pytest.approx(2.9, rel=0.01),
        )
    assert think["ratio"] == pytest.approx(1.0, abs=0.02)
    assert think["deviation"] == think["ratio"] - 1
    assert think["within_10_percent"] is True
    assert think["lateness_ms"] == {name: pytest.approx(1.0) for name in ("p50", "p99", "max")}
    assert think["statement"].startswith("within ±10% of what is configured: mean ")
    assert "(2,000 pauses drawn, 2,000 ended)" in think["statement"]


def test_lateness_is_that_of_the_latest_hundredth() -> None:
    lasted = iter([0.5] + [0.002] * 99)
    think = of(thoughts(100, lambda s: s + next(lasted)))
    assert think["lateness_ms"]["p50"] == pytest.approx(2.0)
    assert think["lateness_ms"]["max"] == pytest.approx(500.0)
    assert think["lateness_ms"]["p99"] == pytest.approx(2 + 0.01 * 498)


@pytest.mark.parametrize("longer", [1.2, 0.8])
def test_pauses_that_lasted_otherwise_than_drawn_are_not_within(longer: float) -> None:
    think = of(thoughts(12, lambda s: s * longer))
    assert think["within_10_percent"] is False
    assert "pauses lasted otherwise than drawn" in think["statement"]


def test_spread_is_judged_as_well_as_the_mean() -> None:
    think = of(thoughts(2000, lambda s: 2 + (s - 2) * 0.8))
    assert abs(think["deviation"]) < 0.02
    assert think["std_ratio"] == pytest.approx(0.8, abs=0.03)
    assert think["within_10_percent"] is False


def test_a_wrong_draw_is_not_within() -> None:
    think = of(thoughts(2000, lambda s: s, Distribution("uniform", 1.5, 3.5)))
    assert think["within_10_percent"] is False
    assert "what was drawn is off" in think["statement"]


def test_a_handful_of_pauses_proves_nothing() -> None:
    think = of(thoughts(20, lambda s: s))
    assert think["within_10_percent"] is None
    assert "too few pauses to tell" in think["statement"]


def test_without_pauses_nothing_is_said() -> None:
    think = of([record(0, think_s=NAN, think_planned_s=NAN, think_next_s=NAN)])
    assert think["within_10_percent"] is None
    assert think["statement"] == "no pause can be compared with what is configured"
    assert think["actual"]["mean_s"] is None


def test_users_whose_time_is_short_neither_fake_a_failure_nor_hide_one() -> None:
    """400 users of 2.6 s each: most long pauses are cut short, so that those that end are shorter than configured."""

    def run(stretch: float) -> dict[str, Any]:
        stream, records = Stream(3), []
        for user in range(400):
            left_s, planned, actual = 2.6, NAN, NAN
            while True:
                pause = CONFIGURED.sample(stream)
                records.append(record(user, think_planned_s=planned, think_s=actual, think_next_s=pause))
                left_s -= pause * stretch
                if left_s < 0:
                    break
                planned, actual = pause, pause * stretch
        return of(records)

    fair, slow = run(1.0), run(1.3)
    # ended pauses alone would look like a failure
    assert fair["actual"]["mean_s"] < 1.8
    assert fair["planned"]["unfinished"] > 300
    assert fair["ratio"] == pytest.approx(1.0, abs=0.03)
    assert fair["within_10_percent"] is True
    # and here they would pass, although each took 30 % longer
    assert slow["actual"]["mean_s"] == pytest.approx(2.0, abs=0.2)
    assert slow["ratio"] == pytest.approx(1.3, abs=0.04)
    assert slow["within_10_percent"] is False


def test_the_chance_of_a_spread_is_that_of_its_kurtosis() -> None:
    """Of 1,000 samples of 50 uniform pauses, about 5 % deviate by more than the stated chance."""
    rng = np.random.default_rng(5)
    spreads = rng.uniform(1, 3, (1000, 50)).std(axis=1) / CONFIGURED.std() - 1
    chance = 1.96 * ((1.8 - 1) / 4 / 50) ** 0.5
    assert 0.02 < float((np.abs(spreads) > chance).mean()) < 0.10
