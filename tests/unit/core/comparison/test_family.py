from __future__ import annotations

import numpy as np
import pytest

from raysim.core.comparison.dependence import student_quantile
from raysim.core.comparison.family import critical_values, standard_errors


def noise(figures: int, clusters: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(3)).standard_normal((figures, clusters))


def test_a_single_figure_needs_what_student_says() -> None:
    together, alone = critical_values([noise(1, 24)], 0.05)
    assert together == alone[0] == pytest.approx(student_quantile(0.05, 23), rel=0.05)


def test_figures_that_say_the_same_count_once() -> None:
    one = noise(1, 24)
    assert critical_values([np.repeat(one, 9, axis=0)], 0.05)[0] == pytest.approx(critical_values([one], 0.05)[0])


def test_figures_that_have_nothing_in_common_count_each() -> None:
    together, alone = critical_values([noise(10, 40)], 0.05)
    # by Šidák each may miss with the tenth root of 0.95 from 1
    assert together == pytest.approx(student_quantile(0.005116, 39), rel=0.06)
    assert (alone < together).all()


def test_a_figure_without_spread_asks_for_nothing() -> None:
    parts = [np.vstack((noise(1, 24), np.zeros((1, 24))))]
    assert critical_values(parts, 0.05)[1][1] == 0.0
    assert standard_errors(parts)[1] == 0.0


def test_independent_runs_add_their_variances() -> None:
    one, other = noise(1, 24), 2 * noise(1, 12)
    both = standard_errors([one, other])[0] ** 2
    assert both == pytest.approx(standard_errors([one])[0] ** 2 + standard_errors([other])[0] ** 2)
