from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.isolation.fairness import jain_index


@pytest.mark.parametrize(
    ("shares", "index"),
    [([1, 1, 1], 1.0), ([1, 0, 0, 0], 0.25), ([2, 1], 0.9), ([5], None), ([], None), ([0, 0], None)],
)
def test_by_hand(shares: list[float], index: float | None) -> None:
    assert jain_index(shares) == (None if index is None else pytest.approx(index))


@given(st.lists(st.floats(0.01, 1e6), min_size=2, max_size=20), st.floats(0.01, 100))
def test_it_lies_between_one_over_n_and_one_whatever_the_unit(shares: list[float], unit: float) -> None:
    index = jain_index(shares)
    assert index is not None
    assert 1 / len(shares) - 1e-9 <= index <= 1 + 1e-9
    assert jain_index([share * unit for share in shares]) == pytest.approx(index)
