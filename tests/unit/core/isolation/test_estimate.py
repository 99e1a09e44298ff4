from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.isolation.estimate import (
    Estimate,
    quantile_estimate,
    share_difference,
    share_estimate,
    share_interval,
    student_t,
)
from tests.unit.core.isolation.courses import alike


@pytest.mark.parametrize(
    ("miss", "freedom", "table"),
    [(0.05, 7, 2.3646), (0.05, 11, 2.2010), (0.05, 22, 2.0739), (0.01, 9, 3.2498), (0.002, 10, 4.1437)],
)
def test_students_t_is_that_of_the_tables(miss: float, freedom: float, table: float) -> None:
    assert student_t(miss, freedom) == pytest.approx(table, rel=1e-3)


def test_the_estimate_is_the_quantile_of_all_values() -> None:
    values = np.random.default_rng(1).exponential(1.0, 500)
    for share in (0.5, 0.95):
        found = quantile_estimate(values, share)
        assert found is not None
        assert found.value == float(np.quantile(values, share))


def test_too_few_values_have_no_error() -> None:
    assert quantile_estimate(np.array([]), 0.5) is None
    for size, share, told in ((79, 0.5, False), (80, 0.5, True), (799, 0.95, False), (800, 0.95, True)):
        found = quantile_estimate(np.arange(float(size)), share)
        assert found is not None
        assert (found.interval() is not None) is told


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6])
@pytest.mark.parametrize(("share", "count"), [(0.5, 240), (0.5, 960), (0.95, 1600)])
def test_intervals_cover_the_truth_as_often_as_they_say_although_neighbours_are_alike(
    phi: float, share: float, count: int
) -> None:
    truth = {0.5: 0.0, 0.95: 1.6449}[share]
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        found = quantile_estimate(alike(generator, count, phi), share)
        assert found is not None
        interval = found.interval()
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    # 95 % less three standard errors of 300 trials is 91 %
    assert covered / 300 >= 0.90


def test_the_naive_interval_would_not() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        values = alike(generator, 240, 0.6)
        covered += abs(float(np.median(values))) <= 1.96 * 1.2533 * float(values.std()) / math.sqrt(values.size)
    assert covered / 300 < 0.80


def test_differences_of_the_same_are_rarely_called_different() -> None:
    generator = np.random.default_rng(6)
    alarms = 0
    for _ in range(400):
        pair = [quantile_estimate(alike(generator, count, 0.5), 0.5) for count in (150, 600)]
        assert pair[0] is not None
        assert pair[1] is not None
        interval = pair[0].minus(pair[1]).interval()
        assert interval is not None
        alarms += not interval[0] <= 0.0 <= interval[1]
    assert alarms / 400 <= 0.08


def test_welch_takes_the_freedom_of_the_wider_one() -> None:
    found = Estimate(3.0, 100, 1.0, 9.0).minus(Estimate(1.0, 300, 0.01, 11.0))
    assert (found.value, found.count) == (2.0, 100)
    assert found.error == pytest.approx(1.0, rel=1e-3)
    assert found.freedom == pytest.approx(9.0, rel=1e-2)
    assert Estimate(3.0, 5).minus(Estimate(1.0, 300, 0.01, 11.0)).interval() is None


def test_a_share_without_hits_still_has_an_upper_bound() -> None:
    share = share_estimate(np.zeros(300, dtype=np.bool_))
    assert share is not None
    assert share_interval(share) == pytest.approx((0.0, 3.84 / 303.84), rel=1e-2)


def test_hits_that_come_together_widen_the_interval() -> None:
    scattered = np.zeros(1000, dtype=np.bool_)
    scattered[::20] = True
    together = np.zeros(1000, dtype=np.bool_)
    together[:50] = True
    shares = [share_estimate(hits) for hits in (scattered, together)]
    assert shares[0] is not None
    assert shares[1] is not None
    widths = [high - low for low, high in map(share_interval, filter(None, shares))]
    assert widths[1] > 2 * widths[0]


def test_the_difference_of_shares_is_newcombes() -> None:
    # 56/70 against 48/80, his example: 0.0524 to 0.3339
    found = share_difference(Estimate(56 / 70, 70), Estimate(48 / 80, 80))
    assert found == pytest.approx((0.0524, 0.3339), abs=1e-4)


@given(st.integers(0, 50), st.integers(0, 50))
def test_intervals_of_shares_hold_their_share(hits: int, misses: int) -> None:
    share = share_estimate(np.array([True] * hits + [False] * misses, dtype=np.bool_))
    if share is None:
        assert hits == misses == 0
        return
    low, high = share_interval(share)
    assert 0.0 <= low <= share.value + 1e-12
    assert share.value - 1e-12 <= high <= 1.0
