"""How many standard errors the largest chance change of a family of figures reaches: what a real one has to exceed.

Figures of one run go together (a slow second shows in every one of them), so that Bonferroni's correction would ask for
too much. Here each cluster's contributions to all figures get a common random sign, and the largest studentised sum is
noted; of many such draws the wanted quantile is taken. When clusters are independent and their contributions symmetric
this is exact for any number of figures. Sources: Westfall and Young, "Resampling-Based Multiple Testing" (1993), 2.5
(the largest of all); Canay, Romano, Shaikh, "Randomization tests under an approximate symmetry assumption",
Econometrica 85 (2017) (signs of clusters' estimates).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from raysim.core.comparison.sample import Floats

_DRAWS = 4_000
_DRAWS_BEYOND = 200
_SEED = 0x7261_7973_696D


def standard_errors(parts: Sequence[Floats]) -> Floats:
    """The standard error of each figure's change.

    Args:
        parts: independent sets of clusters; each has a row a figure and a column a cluster. One of differences when
            the clusters of both runs are matched, else one for each run.
    """
    squares = np.zeros(parts[0].shape[0])
    for part in parts:
        squares += _size(part) * (part**2).sum(axis=1)
    return np.sqrt(squares)


def critical_values(parts: Sequence[Floats], miss: float) -> tuple[float, Floats]:
    """Standard errors that chance exceeds with probability `miss`: in any figure of the family, and in each alone."""
    # a rare miss needs more draws to be seen
    half = max(_DRAWS, int(_DRAWS_BEYOND / miss)) // 2
    draws = 2 * half
    sums = np.zeros((parts[0].shape[0], draws))
    variances = np.zeros_like(sums)
    for number, part in enumerate(parts):
        clusters = part.shape[1]
        # both ways round, so that it makes no difference which run is called the baseline
        drawn = np.hstack([part @ _signs(clusters, half, (number + turn) % 2) for turn in (0, 1)])
        sums += drawn
        variances += _size(part) * np.maximum((part**2).sum(axis=1, keepdims=True) - drawn**2 / clusters, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = np.where(variances > 0, np.abs(sums) / np.sqrt(variances), 0.0)
    together = np.quantile(reached.max(axis=0), 1.0 - miss, method="higher")
    return float(together), np.quantile(reached, 1.0 - miss, axis=1, method="higher")


def _size(part: Floats) -> float:
    clusters: int = part.shape[1]
    return clusters / (clusters - 1)


@lru_cache(maxsize=32)
def _signs(clusters: int, draws: int, number: int) -> Floats:
    generator = np.random.Generator(np.random.PCG64([_SEED, number]))
    return generator.integers(0, 2, (clusters, draws)).astype(np.float64) * 2.0 - 1.0
