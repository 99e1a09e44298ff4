from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from raysim.core.comparison.change import Matching, Verdict, compare
from raysim.core.comparison.family import standard_errors
from raysim.core.comparison.kinds import same_kinds, within_kinds
from raysim.core.comparison.metric import METRICS
from raysim.core.comparison.sample import RunSample
from tests.unit.core.comparison.made_sample import made_sample


def two_models(seed: int, fast: int, slower: float = 1.0) -> RunSample:
    """Twelve users, the first `fast` of which ask a model that is three times as fast."""
    run = made_sample(seed, slower=slower)
    kinds = tuple("mini" if number < fast else "large" for number in range(12))
    factors = np.where(np.arange(12) < fast, 1.0, 3.0)[run.user]
    return replace(run, kinds=kinds, values={name: values * factors for name, values in run.values.items()})


def test_the_error_is_that_of_a_stratified_sample() -> None:
    part = np.array([[1.0, 3.0, 10.0, 12.0, 14.0]])
    within = within_kinds(part, ("a", "a", "b", "b", "b"))
    # of each kind count / (count - 1) times the squares about its mean: 2 * 2 + 1.5 * 8
    assert standard_errors([within])[0] ** 2 == pytest.approx(16.0)


def test_the_only_user_of_a_kind_is_left_as_it_is() -> None:
    assert within_kinds(np.array([[5.0, 1.0, 3.0]]), ("a", "b", "b"))[0, 0] == 5.0


def test_as_many_users_of_each_kind_make_models_no_uncertainty() -> None:
    metrics, apart = [METRICS["ttft_mean"]], Matching(time=False, users=False)
    same = two_models(1, 6), two_models(2, 6, slower=1.2)
    assert same_kinds(same)
    (change,) = compare(*same, metrics, apart)
    assert change.verdict is Verdict.WORSE
    # one more user of the fast model makes TTFT shorter: nobody's doing
    other = two_models(1, 6), two_models(2, 8)
    assert not same_kinds(other)
    (change,) = compare(*other, metrics, apart)
    assert (change.relative or 0.0) < -0.1
    assert change.verdict is Verdict.NO_EVIDENCE


def test_users_of_which_nothing_is_known_are_of_no_kind() -> None:
    assert not same_kinds((made_sample(1), made_sample(2)))
