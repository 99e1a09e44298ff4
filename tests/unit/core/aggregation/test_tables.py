from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.aggregation.histogram import Histogram
from raysim.core.aggregation.tables import BucketTable, Keys, QuantileTable, RowSums
from raysim.core.records.columns import TextColumn

SHARES = (0.0, 0.5, 0.95, 0.99, 1.0)


def column(*texts: str) -> TextColumn:
    values = list(dict.fromkeys(texts))
    return TextColumn(values, np.array([values.index(text) for text in texts], dtype=np.uint32))


def test_keys_are_numbered_as_they_come_and_found_again() -> None:
    keys = Keys()
    first = keys.rows_of(column("a", "b", "a"), column("x", "x", "y"))
    assert [list(keys)[row] for row in first] == [("a", "x"), ("b", "x"), ("a", "y")]
    # another batch has its own codes
    again = keys.rows_of(column("b", "a"), column("x", "y"))
    assert [list(keys)[row] for row in again] == [("b", "x"), ("a", "y")]
    assert keys.row(("c", "z")) == 3
    assert len(keys) == 4


def test_sums_by_row() -> None:
    sums = RowSums()
    sums.add(np.array([0, 2, 2]), np.array([1.0, 0.25, 0.5]))
    sums.add(np.array([2]))
    assert [sums[row] for row in range(4)] == [1.0, 0.0, 1.75, 0.0]


def test_buckets_count_what_is_at_most_each_bound() -> None:
    table = BucketTable((1.0, 2.0))
    table.add(np.array([0, 0, 0, 0, 2]), np.array([0.5, 1.0, 1.5, 7.0, 2.0]))
    assert table.cumulative(0) == (2, 3, 4)
    assert table.sum(0) == 10.0
    assert table.cumulative(1) == (0, 0, 0)
    assert table.cumulative(2) == (0, 1, 1)
    assert table.cumulative(9) == (0, 0, 0)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1e5) | st.just(math.nan)), max_size=200),
    st.integers(1, 200),
)
def test_quantiles_of_a_row_are_those_of_a_histogram_of_its_values(values: list[tuple[int, float]], cut: int) -> None:
    table = QuantileTable()
    for part in (values[:cut], values[cut:]):
        table.add(np.array([row for row, _ in part], dtype=np.intp), np.array([value for _, value in part]))
    found = table.quantiles(7, SHARES)
    for row in range(7):
        alone = Histogram()
        alone.add([value for at, value in values if at == row])
        assert table.count(row) == alone.count
        assert table.sum(row) == pytest.approx(alone.sum)
        expected = [alone.quantile(share) for share in SHARES]
        for got, wanted in zip(found[row], expected, strict=True):
            assert math.isnan(got) if wanted is None else got == pytest.approx(wanted)


def test_quantiles_of_many_rows_are_within_one_percent() -> None:
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 300, 200_000)
    values = rng.lognormal(0.0, 1.0, rows.size)
    table = QuantileTable()
    table.add(rows, values)
    found = table.quantiles(300, (0.5, 0.99))
    exact = np.array([np.quantile(values[rows == row], (0.5, 0.99)) for row in range(300)])
    assert np.abs(found / exact - 1).max() < 0.01
