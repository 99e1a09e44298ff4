from __future__ import annotations

import numpy as np
import pytest

from raysim.core.comparison.dependence import exceeded, student_quantile, variance_inflation


@pytest.mark.parametrize(
    ("freedom", "miss", "value"),
    # Abramowitz and Stegun, table 26.10
    [(2, 0.05, 4.303), (3, 0.01, 5.841), (5, 0.001, 6.869), (10, 0.05, 2.228), (30, 0.002, 3.385), (120, 0.01, 2.617)],
)
def test_quantiles_of_student_are_those_of_the_tables(freedom: float, miss: float, value: float) -> None:
    assert student_quantile(miss, freedom) == pytest.approx(value, rel=5e-4)
    assert exceeded(value, freedom) == pytest.approx(miss, rel=5e-3)


@pytest.mark.parametrize(("kept", "least", "most"), [(0.0, 1.0, 1.6), (0.5, 2.0, 4.2), (0.8, 4.5, 14.0)])
def test_inflation_is_that_of_an_autoregressive_series(kept: float, least: float, most: float) -> None:
    random = np.random.Generator(np.random.PCG64(5))
    series = np.zeros((200, 148))
    for column in range(1, 148):
        series[:, column] = kept * series[:, column - 1] + random.standard_normal(200)
    part = series[:, 100:] - series[:, 100:].mean(axis=1, keepdims=True)
    # the truth is (1 + kept) / (1 - kept): 1, 3, 9
    assert least <= np.mean(variance_inflation([part])) <= most


def test_nothing_is_inflated_where_nothing_varies() -> None:
    assert variance_inflation([np.zeros((2, 20))]).tolist() == [1.0, 1.0]
