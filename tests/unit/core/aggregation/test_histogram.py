from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.aggregation.histogram import Histogram

#: seconds from ten nanoseconds to a day
times = st.floats(min_value=1e-8, max_value=86_400.0)
samples = st.lists(times, min_size=1, max_size=200)
shares = st.floats(min_value=0.0, max_value=1.0)


def histogram(values: list[float]) -> Histogram:
    made = Histogram()
    made.add(values)
    return made


@given(samples, shares)
def test_quantiles_are_within_one_percent_of_the_exact_ones(values: list[float], share: float) -> None:
    assert histogram(values).quantile(share) == pytest.approx(float(np.quantile(values, share)), rel=0.01)


@given(samples, samples, shares)
def test_merging_is_the_same_as_adding_everything_to_one(first: list[float], second: list[float], share: float) -> None:
    merged, together = histogram(first), histogram(first + second)
    merged.merge(histogram(second))
    assert merged == together
    assert (merged.count, merged.min, merged.max) == (together.count, together.min, together.max)
    assert merged.sum == pytest.approx(together.sum)
    assert merged.quantile(share) == together.quantile(share)


@given(samples)
def test_bytes_carry_everything(values: list[float]) -> None:
    original = histogram(values)
    for copy in (Histogram.from_bytes(original.to_bytes()), pickle.loads(pickle.dumps(original))):  # noqa: S301 - own
        assert copy == original
        assert (copy.count, copy.sum, copy.min, copy.max) == (original.count, original.sum, original.min, original.max)


@given(samples)
def test_both_ends_are_exact(values: list[float]) -> None:
    made = histogram(values)
    assert (made.quantile(0.0), made.quantile(1.0)) == (min(values), max(values))


def test_nothing_is_known_of_an_empty_histogram() -> None:
    empty = Histogram()
    assert (empty.count, empty.mean, empty.quantile(0.5)) == (0, None, None)
    assert math.isnan(empty.min)
    empty.merge(Histogram.from_bytes(Histogram().to_bytes()))
    assert empty.count == 0


def test_merging_with_an_empty_one_changes_nothing() -> None:
    made = histogram([1.0, 3.0])
    made.merge(Histogram())
    assert (made.count, made.mean, made.min, made.max) == (2, 2.0, 1.0, 3.0)


def test_nan_is_left_out_and_the_extremes_are_kept() -> None:
    made = histogram([math.nan, 0.0, -1.0, 1e9])
    assert (made.count, made.min, made.max) == (3, -1.0, 1e9)


def test_size_does_not_depend_on_how_much_was_added() -> None:
    made = histogram([0.25] * 10)
    small = len(made.to_bytes())
    made.add(np.full(100_000, 0.25))
    assert len(made.to_bytes()) == small < 64
    assert made.count == 100_010


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a histogram"),
        (b"\x09" + histogram([1.0]).to_bytes()[1:], "not a histogram"),
        (histogram([1.0, 2.0]).to_bytes()[:-1], "cut short"),
        (histogram([1.0]).to_bytes()[:-10] + b"\xff\xff" + histogram([1.0]).to_bytes()[-8:], "bucket 65535"),
    ],
)
def test_other_bytes_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Histogram.from_bytes(data)
