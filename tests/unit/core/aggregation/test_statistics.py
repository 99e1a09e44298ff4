from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.aggregation.statistics import SHARES, confidence_interval, describe, weighted_quantiles

values_with_counts = st.lists(
    st.tuples(st.floats(min_value=-1e6, max_value=1e6), st.integers(min_value=1, max_value=9)), min_size=1, max_size=60
)


@given(values_with_counts)
def test_whole_weights_are_repetitions(pairs: list[tuple[float, int]]) -> None:
    values, counts = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    repeated = np.quantile(np.repeat(values, counts.astype(int)), SHARES)
    assert weighted_quantiles(values, counts) == pytest.approx(tuple(repeated), rel=1e-9, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1e3), st.floats(0.1, 10)), min_size=1, max_size=60))
def test_fractional_weights_give_rising_quantiles_among_the_values(pairs: list[tuple[float, float]]) -> None:
    values, weights = (np.array(column) for column in zip(*pairs, strict=True))
    found = weighted_quantiles(values, weights, (0.0, 0.25, 0.5, 0.75, 1.0))
    assert list(found) == sorted(found)
    assert found[0] == values.min()
    assert found[-1] <= values.max()


def test_a_heavy_value_fills_its_share_of_the_ranks() -> None:
    assert weighted_quantiles(np.array([5.0, 1.0]), np.array([1.5, 98.5]), (0.5, 0.97, 1.0)) == (1.0, 1.0, 5.0)


def test_describe_gives_numpys_linear_quantiles() -> None:
    found = describe(np.array([4.0, 1.0, 3.0, 2.0]))
    assert found is not None
    assert (found.count, found.mean, found.min, found.max, found.mean_ci95) == (4, 2.5, 1.0, 4.0, None)
    assert found.quantiles == pytest.approx((2.5, 3.25, 3.7, 3.85, 3.97))


def test_nothing_is_described_as_none() -> None:
    assert describe(np.array([])) is None


def test_the_interval_needs_ten_batches_of_ten() -> None:
    assert confidence_interval(np.arange(99.0), np.ones(99)) is None
    assert confidence_interval(np.arange(100.0), np.ones(100)) is not None


def test_the_interval_is_students_over_the_batch_means() -> None:
    # ten batches whose means are 0 to 9: spread 3.0277, so 2.2622 * 3.0277 / sqrt(10) on either side of 4.5
    found = confidence_interval(np.repeat(np.arange(10.0), 10), np.ones(100))
    assert found == pytest.approx((4.5 - 2.1659, 4.5 + 2.1659), abs=1e-4)


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        found = confidence_interval(generator.exponential(1.0, 600), np.ones(600))
        assert found is not None
        covered += found[0] <= 1.0 <= found[1]
    assert 0.91 <= covered / 400 <= 0.98


def test_alike_neighbours_widen_the_interval() -> None:
    generator = np.random.default_rng(4)
    shuffled = generator.normal(10, 1, 1000)
    found = [confidence_interval(values, np.ones(1000)) for values in (shuffled, np.sort(shuffled))]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1][1] - found[1][0] > 5 * (found[0][1] - found[0][0])


def test_items_count_by_how_many_values_they_have() -> None:
    sums, counts = np.tile([1.0, 9.0], 100), np.tile([1.0, 3.0], 100)
    assert confidence_interval(sums, counts) == pytest.approx((2.5, 2.5), abs=0.2)


def test_batches_without_values_give_no_interval() -> None:
    assert confidence_interval(np.zeros(100), np.zeros(100)) is None
