"""The standard normal distribution between two bounds, exact in its tails too."""

from __future__ import annotations

import math
from statistics import NormalDist

_STANDARD = NormalDist()
#: the largest double below 1
_BELOW_ONE = 1.0 - 2.0**-53


def density(z: float) -> float:
    """The density at `z`; 0 at infinity."""
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def mass(low: float, high: float) -> float:
    """The probability of [low, high], from the tail in which its digits are not lost."""
    if low > 0:
        low, high = -high, -low
    return _below(high) - _below(low)


def quantile(share: float, low: float, high: float) -> float:
    """Where `share` (0 to 1) of what lies in [low, high] is below; the nearer bound when next to nothing does."""
    if low > 0:
        return -quantile(1.0 - share, -high, -low)
    below = _below(low)
    point = below + share * (_below(high) - below)
    if point <= 0.0:
        return high if high <= 0 else low
    return min(high, max(low, _STANDARD.inv_cdf(min(point, _BELOW_ONE))))


def _below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
