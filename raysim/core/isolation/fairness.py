"""How equally tenants are treated."""

from __future__ import annotations

import math
from collections.abc import Iterable


def jain_index(shares: Iterable[float]) -> float | None:
    """Jain's fairness index: 1 when all have the same, 1/n when one has all; None for fewer than two, or all 0.

    (Σx)² / (n·Σx²). Source: Jain, Chiu, Hawe, "A quantitative measure of fairness and discrimination for resource
    allocation in shared computer systems", DEC-TR-301 (1984).
    """
    values = list(shares)
    squares = math.fsum(value * value for value in values)
    if len(values) < 2 or squares <= 0:  # noqa: PLR2004 - one alone cannot be treated unfairly
        return None
    return math.fsum(values) ** 2 / (len(values) * squares)
