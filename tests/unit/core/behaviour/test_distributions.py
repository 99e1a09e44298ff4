from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from raysim.core.behaviour.distributions import Distribution, DistributionKind
from raysim.core.rng import Stream

SAMPLES = 100_000

CONFIGURED = [
    Distribution("uniform", 1.0, 5.0),
    Distribution("gaussian", 1.0, 5.0),
    Distribution("gaussian", 10.0, 11.0),
    Distribution("exponential", 1.0, 12.0),
    Distribution("exponential", 0.0, 0.5),
    Distribution("poisson", 3.0, 15.0),
    Distribution("poisson", 2.0, 4.0),
    Distribution("lognormal", 0.0, 60.0, base=3.0, variance=2.0),
    Distribution("lognormal", 2.0, 4.0, base=3.0, variance=3.0),
    # base ± variance, cut by outer bounds: the shape stays, and loses a part
    Distribution("gaussian", 2.5, 5.0, base=3.0, variance=2.0),
    Distribution("exponential", 2.0, 4.0, base=3.0, variance=2.0),
    Distribution("poisson", 6.0, 9.0, base=5.0, variance=5.0),
    # far from the median
    Distribution("lognormal", 40.0, 60.0, base=3.0, variance=2.0),
]


def moments(distribution: Distribution) -> tuple[float, float]:
    """Mean and standard deviation by numerical integration of the documented, truncated density."""
    values, weights = densities(distribution)
    mean = float((values * weights).sum())
    return mean, math.sqrt(float(((values - mean) ** 2 * weights).sum()))


def densities(distribution: Distribution) -> tuple[np.ndarray, np.ndarray]:
    """Values and their probabilities, written down anew from `docs/configuration.md`."""
    low, high, start, width = (
        distribution.low,
        distribution.high,
        distribution.low,
        distribution.high - distribution.low,
    )
    if distribution.variance and distribution.kind != "lognormal":
        start, width = distribution.base - distribution.variance, 2 * distribution.variance
    if distribution.kind == "poisson":
        numbers = np.arange(0, math.floor(width) + 1, dtype=np.float64)
        density = np.exp(numbers * math.log(width / 3) - np.array([math.lgamma(k + 1) for k in numbers]) - width / 3)
        values = numbers + start
        inside = (values >= low) & (values <= high)
        values, density = values[inside], density[inside]
    else:
        edges = np.linspace(low, high, 400_001)
        values = (edges[:-1] + edges[1:]) / 2
        match distribution.kind:
            case "uniform":
                density = np.ones_like(values)
            case "gaussian":
                density = np.exp(-(((values - start - width / 2) / (width / 4)) ** 2) / 2)
            case "exponential":
                density = np.exp(-(values - start) / (width / 3))
            case _:
                sigma = distribution.variance / distribution.base
                density = np.exp(-((np.log(values / distribution.base) / sigma) ** 2) / 2) / values
    return values, density / density.sum()


def name_of(distribution: Distribution) -> str:
    return f"{distribution.kind}-{distribution.low:g}-{distribution.high:g}"


@pytest.mark.parametrize("distribution", CONFIGURED, ids=name_of)
def test_what_is_drawn_has_the_configured_mean_and_spread(distribution: Distribution) -> None:
    stream = Stream.of(20, "test", distribution.kind)
    drawn = np.array([distribution.sample(stream) for _ in range(SAMPLES)])
    mean, spread = moments(distribution)
    assert drawn.min() >= distribution.low
    assert drawn.max() <= distribution.high
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.std() == pytest.approx(spread, rel=0.02)


def test_a_poisson_of_a_high_rate_has_its_mean_and_spread_too() -> None:
    distribution = Distribution("poisson", 1.0, 151.0)
    stream = Stream(20)
    drawn = np.array([distribution.sample(stream) for _ in range(SAMPLES // 10)])
    mean, spread = moments(distribution)
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.std() == pytest.approx(spread, rel=0.02)


@pytest.mark.parametrize("distribution", CONFIGURED, ids=name_of)
def test_mean_spread_and_quantiles_that_are_reported_are_the_configured_ones(distribution: Distribution) -> None:
    mean, spread = moments(distribution)
    assert distribution.mean() == pytest.approx(mean, rel=1e-5)
    assert distribution.std() == pytest.approx(spread, rel=1e-4)
    values, weights = densities(distribution)
    below = np.cumsum(weights)
    for share in (0.05, 0.5, 0.95):
        expected = values[np.searchsorted(below, share)]
        assert distribution.quantile(share) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("distribution", CONFIGURED, ids=name_of)
def test_truncating_puts_no_spike_on_a_bound(distribution: Distribution) -> None:
    if distribution.kind == "poisson":
        return
    stream = Stream.of(23, "spikes", distribution.kind)
    drawn = np.array([distribution.sample(stream) for _ in range(10_000)])
    assert np.count_nonzero((drawn == distribution.low) | (drawn == distribution.high)) <= 1


@pytest.mark.parametrize(
    "distribution",
    [
        Distribution("uniform", 2.0, 5.0),
        Distribution("uniform", 1.2, 6.9),
        Distribution("gaussian", 2.0, 50.0),
        Distribution("gaussian", 2.2, 4.9),
        Distribution("gaussian", 1.0, 60.0, base=50.0, variance=30.0),
        Distribution("exponential", 1.0, 9.0),
        Distribution("poisson", 3.0, 15.0),
        Distribution("poisson", 2.5, 14.0),
        Distribution("poisson", 6.0, 9.0, base=5.0, variance=5.0),
        Distribution("lognormal", 1.0, 40.0, base=8.0, variance=6.0),
    ],
    ids=name_of,
)
def test_whole_numbers_have_the_mean_and_spread_that_are_reported(distribution: Distribution) -> None:
    stream = Stream.of(21, distribution.kind)
    drawn = np.array([distribution.sample_int(stream) for _ in range(SAMPLES)])
    assert drawn.min() >= distribution.low
    assert drawn.max() <= distribution.high
    assert drawn.mean() == pytest.approx(distribution.mean_int(), rel=0.02)
    assert drawn.std() == pytest.approx(distribution.std_int(), rel=0.02)


def test_whole_numbers_by_hand() -> None:
    assert Distribution("uniform", 2.0, 5.0).mean_int() == 3.5
    assert Distribution("uniform", 2.0, 5.0).std_int() == pytest.approx(math.sqrt(15 / 12))
    # of [0, 2] the halves that round to 0 and to 2 are as wide as half of what rounds to 1
    inner = math.erf(0.5 / 0.5 / math.sqrt(2))
    outer = (math.erf(1 / 0.5 / math.sqrt(2)) - inner) / 2
    spread = math.sqrt(2 * outer / (inner + 2 * outer))
    assert Distribution("gaussian", 0.0, 2.0).mean_int() == pytest.approx(1.0)
    assert Distribution("gaussian", 0.0, 2.0).std_int() == pytest.approx(spread)
    assert Distribution("gaussian", 7.0, 7.0).std_int() == 0.0


def test_every_whole_number_of_a_uniform_has_the_same_chance() -> None:
    stream = Stream(22)
    drawn = [Distribution("uniform", 2.0, 5.0).sample_int(stream) for _ in range(SAMPLES)]
    assert set(drawn) == {2, 3, 4, 5}
    for number in (2, 3, 4, 5):
        assert drawn.count(number) == pytest.approx(SAMPLES / 4, rel=0.02)


@pytest.mark.parametrize("kind", ["uniform", "gaussian", "exponential", "poisson"])
def test_an_interval_of_one_value_always_gives_it(kind: DistributionKind) -> None:
    distribution = Distribution(kind, 7.0, 7.0)
    stream = Stream(1)
    assert {distribution.sample(stream) for _ in range(10)} == {7.0}
    assert {distribution.sample_int(stream) for _ in range(10)} == {7}
    assert (distribution.mean(), distribution.std()) == (7.0, 0.0)
    assert (distribution.mean_int(), distribution.std_int()) == (7.0, 0.0)


def test_a_lognormal_without_spread_is_its_median() -> None:
    distribution = Distribution("lognormal", 0.0, 10.0, base=3.0)
    assert distribution.sample(Stream(1)) == 3.0
    assert (distribution.mean(), distribution.std()) == (3.0, 0.0)


@pytest.mark.parametrize("variance", [0.0, 0.001])
def test_an_interval_that_a_lognormal_cannot_reach_gives_its_nearer_bound(variance: float) -> None:
    distribution = Distribution("lognormal", 10.0, 20.0, base=3.0, variance=variance)
    assert distribution.sample(Stream(1)) == pytest.approx(10.0)
    assert distribution.mean() == pytest.approx(10.0)
    assert distribution.std() == 0.0


BOUNDED = st.builds(
    lambda kind, low, width, base, sigma: Distribution(kind, low, low + width, base, sigma * base),
    st.sampled_from(["uniform", "gaussian", "exponential", "poisson", "lognormal"]),
    st.floats(0, 1e4),
    st.floats(0, 200),
    st.floats(0.01, 1e4),
    # a scenario's lognormal has at most this sigma
    st.floats(0, 10),
)


@given(BOUNDED, st.integers(0, 2**64 - 1))
@example(Distribution("exponential", 0.0, 1.06e-287, 1.0, 1.0), 0)
def test_nothing_is_ever_drawn_outside_the_bounds(distribution: Distribution, seed: int) -> None:
    stream = Stream(seed)
    for _ in range(3):
        assert distribution.low <= distribution.sample(stream) <= distribution.high
    assert distribution.low <= distribution.mean() <= distribution.high
    assert 0 <= distribution.std() <= (distribution.high - distribution.low) / 2


@given(
    st.sampled_from(["uniform", "gaussian", "exponential", "poisson"]),
    st.integers(0, 10_000),
    st.integers(0, 1_000),
    st.integers(0, 2**64 - 1),
)
def test_whole_numbers_lie_within_whole_bounds(kind: DistributionKind, low: int, width: int, seed: int) -> None:
    distribution = Distribution(kind, float(low), float(low + width))
    assert low <= distribution.sample_int(Stream(seed)) <= low + width


def test_the_same_stream_gives_the_same_draws() -> None:
    distribution = Distribution("gaussian", 0.0, 1.0)
    first, second, other = Stream(3), Stream(3), Stream(4)
    drawn = [distribution.sample(first) for _ in range(20)]
    assert [distribution.sample(second) for _ in range(20)] == drawn
    assert [distribution.sample(other) for _ in range(20)] != drawn
