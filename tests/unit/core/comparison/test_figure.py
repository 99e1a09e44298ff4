from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.aggregation.statistics import weighted_quantiles
from raysim.core.comparison.effect import cliffs_delta, effect_word
from raysim.core.comparison.figure import Reading, Spread
from raysim.core.comparison.metric import HEADLINE, METRICS
from tests.unit.core.comparison.made_sample import made_sample

VALUES = st.lists(st.floats(0.001, 100.0), min_size=1, max_size=40)
SHARES = st.floats(0.01, 0.99)


@given(VALUES, SHARES)
def test_quantiles_are_numpys(values: list[float], share: float) -> None:
    assert Spread.of(np.array(values), None).quantile(share) == pytest.approx(float(np.quantile(values, share)))


@given(st.lists(st.tuples(st.floats(0.001, 100.0), st.floats(0.2, 8.0)), min_size=1, max_size=40), SHARES)
def test_weighted_quantiles_are_the_summarys(pairs: list[tuple[float, float]], share: float) -> None:
    values, weights = np.array(pairs).T
    (expected,) = weighted_quantiles(values, weights, (share,))
    assert Spread.of(values, weights).quantile(share) == pytest.approx(expected, rel=1e-6)


def test_beyond_the_ends_nothing_is_known() -> None:
    spread = Spread.of(np.array([1.0, 2.0]), None)
    assert (spread.quantile(0.0), spread.quantile(1.0)) == (0.0, math.inf)


def test_what_clusters_add_to_a_figures_error_sums_to_nothing() -> None:
    reading = Reading(made_sample(1), (20,))
    for metric in HEADLINE:
        figure = reading.figure(metric)
        if figure is not None:
            assert [part.size for part in figure.influence] == [20, 12]
            assert [float(part.sum()) for part in figure.influence] == pytest.approx([0.0, 0.0], abs=1e-9)


def test_figures_are_what_they_are_called() -> None:
    run = made_sample(1)
    reading = Reading(run, ())
    expected = {
        "ttft_mean": np.nanmean(run.values["ttft"]),
        "ttft_p95": np.nanquantile(run.values["ttft"], 0.95),
        "itl_mean": run.gaps.values.mean(),
        "error_rate": run.failed.mean(),
        "output_tokens_per_s": 11 * run.success.sum() / 100,
        "usd_per_million_tokens": run.cost_usd.sum() * 1e6 / run.tokens.sum(),
    }
    for name, value in expected.items():
        figure = reading.figure(METRICS[name])
        assert figure is not None
        assert figure.value == pytest.approx(float(value))


def test_a_share_of_nothing_has_wilsons_upper_end() -> None:
    figure = Reading(made_sample(1, 100, failing=0.0), ()).figure(METRICS["error_rate"])
    assert figure is not None
    # Wilson: z² / (n + z²)
    assert figure.bounds(0.0, 1.96) == pytest.approx((0.0, 1.96**2 / (100 + 1.96**2)))


@pytest.mark.parametrize(
    ("run", "baseline", "delta", "word"),
    [
        ([2.0, 3.0], [0.0, 1.0], 1.0, "large"),
        ([1.0, 2.0], [1.0, 2.0], 0.0, "negligible"),
        ([0.0, 1.0, 2.0], [1.0, 1.0], 0.0, "negligible"),
        ([1.0, 5.0, 6.0, 7.0], [4.0, 5.5], 0.25, "small"),
    ],
)
def test_cliffs_delta_counts_pairs(run: list[float], baseline: list[float], delta: float, word: str) -> None:
    assert cliffs_delta(np.array(run), np.array(baseline)) == delta
    assert effect_word(delta) == word
    assert cliffs_delta(np.array([]), np.array(baseline)) is None
