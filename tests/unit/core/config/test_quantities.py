from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.distributions import Distribution
from raysim.core.config.quantities import DistributionSpec
from raysim.core.rng import Stream
from tests.unit.core.config.documents import errors_of


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"min": 1, "max": 4}, Distribution("uniform", 1, 4)),
        ({"min": 1, "max": 4, "distribution": "exponential"}, Distribution("exponential", 1, 4)),
        ({"base": 5}, Distribution("uniform", 5, 5, 5)),
        ({"base": 5, "variance": 2}, Distribution("uniform", 3, 7, 5, 2)),
        ({"base": 5, "variance": 2, "min": 4}, Distribution("uniform", 4, 7, 5, 2)),
        ({"base": 5, "variance": 2, "min": 1, "max": 6}, Distribution("uniform", 3, 6, 5, 2)),
        (
            {"base": 5, "variance": 2, "distribution": "lognormal", "min": 1, "max": 60},
            Distribution("lognormal", 1, 60, 5, 2),
        ),
        (
            {"base": 5, "variance": 5, "distribution": "lognormal"},
            Distribution("lognormal", 0, 5 * math.exp(4), 5, 5),
        ),
    ],
)
def test_the_interval_follows_the_definitions(given_: dict[str, Any], expected: Distribution) -> None:
    assert DistributionSpec.model_validate(given_).to_distribution() == expected


@pytest.mark.parametrize(
    ("think", "key", "says"),
    [
        ({}, "", "give min and max, or base"),
        ({"min": 5, "max": 1}, ".min", "more than max (1)"),
        ({"min": 5}, ".max", "is required beside min"),
        ({"max": 5}, ".min", "is required beside max"),
        ({"base": 5, "variance": -1}, ".variance", "at least 0"),
        ({"variance": 1, "min": 1, "max": 2}, ".variance", "base is not given"),
        ({"base": 1, "variance": 2}, ".base", "set min: 0"),
        ({"base": 5, "variance": 1, "min": 10}, ".min", "nothing could be drawn"),
        ({"min": 1, "max": 2, "distribution": "lognormal"}, ".base", "the median"),
        ({"base": 0, "distribution": "lognormal"}, ".base", "above 0"),
        ({"base": 1, "variance": 11, "distribution": "lognormal"}, ".variance", "at most ten times base (10)"),
        ({"min": 1, "max": 2, "distribution": "poisson"}, ".distribution", "uniform, gaussian, exponential, lognormal"),
        (5, "", "a mapping with keys such as base, variance"),
    ],
)
def test_an_impossible_think_time_is_refused(think: object, key: str, says: str) -> None:
    errors = errors_of(userBehavior={"thinkTimeSeconds": think})
    assert list(errors) == [f"spec.userBehavior.thinkTimeSeconds{key}"]
    assert says in "".join(errors.values())


@pytest.mark.parametrize(
    ("behaviour", "path"),
    [
        ({"temperature": {"base": 3}}, "temperature.base"),
        ({"maxTokensPerRequest": {"min": 0, "max": 5}}, "maxTokensPerRequest.min"),
        ({"maxTokensPerRequest": {"min": 1.2, "max": 1.8}}, "maxTokensPerRequest.min"),
        ({"questionsPerSession": {"min": 0, "max": 5}}, "questionsPerSession.min"),
        ({"conversation": {"turns": {"min": 1, "max": 5}}}, "conversation.turns.min"),
        ({"sessionDuration": {"min": "5m", "max": "1m"}}, "sessionDuration.min"),
    ],
)
def test_values_without_a_meaning_are_refused(behaviour: dict[str, Any], path: str) -> None:
    assert list(errors_of(userBehavior=behaviour)) == [f"spec.userBehavior.{path}"]


@given(
    base=st.floats(0.1, 1000),
    variance=st.floats(0, 500),
    low=st.none() | st.floats(0, 1000),
    high=st.none() | st.floats(0, 1000),
    kind=st.sampled_from(["uniform", "gaussian", "exponential", "lognormal"]),
    seed=st.integers(0, 2**32),
)
def test_what_is_accepted_draws_within_its_bounds(
    base: float, variance: float, low: float | None, high: float | None, kind: str, seed: int
) -> None:
    try:
        spec = DistributionSpec.model_validate(
            {"base": base, "variance": variance, "min": low, "max": high, "distribution": kind}
        )
    except ValueError:
        return
    value = spec.to_distribution().sample(Stream(seed))
    assert low is None or value >= low
    assert high is None or value <= high
