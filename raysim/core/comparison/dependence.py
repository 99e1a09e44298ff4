"""How much less sure a sum over neighbouring stretches of time is than independent ones would make it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from raysim.core.comparison.sample import Floats


def variance_inflation(parts: Sequence[Floats]) -> Floats:
    """By what factor the variance of each row's sum exceeds that of independent columns; at least 1.

    Autocovariances are summed for as long as pairs of them are positive, and made to fall ("initial monotone
    sequence"), which takes in waves of any shape without a bandwidth to choose. What taking the mean away has hidden of
    them is put back. Source: Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7 (1992).

    Args:
        parts: independent stretches; each has a row a figure and a column a block, in the order of time.
    """
    plain = np.zeros(parts[0].shape[0])
    for part in parts:
        plain += (part**2).sum(axis=1)
    columns = min(part.shape[1] for part in parts)
    safe = np.where(plain > 0, plain, 1.0)
    factor = np.ones(parts[0].shape[0])
    for _ in range(2):
        hidden = 2.0 * factor / columns
        lags = range(0, columns // 2 - 1, 2)
        sums = np.array([_correlation(parts, at, safe) + _correlation(parts, at + 1, safe) + hidden for at in lags])
        going = np.cumprod(sums > 0, axis=0)
        falling = np.minimum.accumulate(np.where(going > 0, sums, 0.0), axis=0)
        factor = np.maximum(1.0, 2.0 * falling.sum(axis=0) - 1.0)
    return np.where(plain > 0, factor, 1.0)


def _correlation(parts: Sequence[Floats], lag: int, plain: Floats) -> Floats:
    if lag == 0:
        return np.ones_like(plain)
    products = np.zeros_like(plain)
    for part in parts:
        products += (part[:, lag:] * part[:, :-lag]).sum(axis=1) * part.shape[1] / (part.shape[1] - lag)
    return products / plain


def student_quantile(miss: float, freedom: float) -> float:
    """The two-sided quantile of Student's t that is exceeded with probability `miss`, for 2 degrees of freedom or more.

    Source: Hill, "Algorithm 396: Student's t-quantiles", CACM 13 (1970); good to six digits.
    """
    if freedom >= 1e6:  # noqa: PLR2004 - normal by then
        return NormalDist().inv_cdf(1.0 - miss / 2)
    a = 1.0 / (freedom - 0.5)
    b = 48.0 / (a * a)
    c = ((20700.0 * a / b - 98.0) * a - 16.0) * a + 96.36
    d = ((94.5 / (b + c) - 3.0) / b + 1.0) * math.sqrt(a * math.pi / 2.0) * freedom
    x = d * miss
    y = x ** (2.0 / freedom)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(miss * 0.5)
        y = x * x
        if freedom < 5.0:  # noqa: PLR2004
            c += 0.3 * (freedom - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x
        y = math.expm1(a * y * y)
    else:
        y = (
            (
                1.0 / (((freedom + 6.0) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2.0) * 3.0)
                + 0.5 / (freedom + 4.0)
            )
            * y
            - 1.0
        ) * (freedom + 1.0) / (freedom + 2.0) + 1.0 / y
    return math.sqrt(freedom * y)


def exceeded(value: float, freedom: float) -> float:
    """The probability that Student's t is further from 0 than `value`: the inverse of `student_quantile`."""
    low, high = -60.0, 0.0
    for _ in range(50):
        middle = (low + high) / 2
        if student_quantile(math.exp(middle), freedom) > value:
            low = middle
        else:
            high = middle
    return math.exp(high)
