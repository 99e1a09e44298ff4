from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
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
]


def moments(distribution: Distribution) -> tuple[float, float]:
    """Mean and standard deviation by numerical integration of the documented, truncated density."""
    low, high, width = distribution.low, distribution.high, distribution.high - distribution.low
    if distribution.kind == "poisson":
        values = np.arange(0, math.floor(width) + 1, dtype=np.float64)
        density = np.exp(values * math.log(width / 3) - np.array([math.lgamma(k + 1) for k in values]) - width / 3)
        values = values + low
    else:
        edges = np.linspace(low, high, 400_001)
        values = (edges[:-1] + edges[1:]) / 2
        match distribution.kind:
            case "uniform":
                density = np.ones_like(values)
            case "gaussian":
                density = np.exp(-(((values - (low + high) / 2) / (width / 4)) ** 2) / 2)
            case "exponential":
                density = np.exp(-(values - low) / (width / 3))
            case _:
                sigma = distribution.variance / distribution.base
                density = np.exp(-((np.log(values / distribution.base) / sigma) ** 2) / 2) / values
    weights = density / density.sum()
    mean = float((values * weights).sum())
    return mean, math.sqrt(float(((values - mean) ** 2 * weights).sum()))


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
def test_the_mean_that_is_reported_is_the_configured_one(distribution: Distribution) -> None:
    assert distribution.mean() == pytest.approx(moments(distribution)[0], rel=1e-5)


@pytest.mark.parametrize("kind", ["gaussian", "poisson", "exponential"])
def test_whole_numbers_keep_the_shape(kind: DistributionKind) -> None:
    distribution = Distribution(kind, 2.0, 50.0)
    stream = Stream.of(21, kind)
    drawn = [distribution.sample_int(stream) for _ in range(20_000)]
    assert min(drawn) >= 2
    assert max(drawn) <= 50
    assert np.mean(drawn) == pytest.approx(moments(distribution)[0], rel=0.02)


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
    assert distribution.mean() == 7.0


def test_a_lognormal_without_spread_is_its_median() -> None:
    distribution = Distribution("lognormal", 0.0, 10.0, base=3.0)
    assert distribution.sample(Stream(1)) == pytest.approx(3.0)
    assert distribution.mean() == pytest.approx(3.0)


def test_an_interval_that_a_lognormal_cannot_reach_gives_its_centre() -> None:
    distribution = Distribution("lognormal", 10.0, 20.0, base=3.0)
    assert distribution.sample(Stream(1)) == 15.0
    assert distribution.mean() == 15.0


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
def test_nothing_is_ever_drawn_outside_the_bounds(distribution: Distribution, seed: int) -> None:
    stream = Stream(seed)
    for _ in range(3):
        assert distribution.low <= distribution.sample(stream) <= distribution.high


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
