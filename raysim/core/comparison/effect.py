"""How large a difference is, in a measure that knows no unit."""

from __future__ import annotations

import numpy as np

from raysim.core.comparison.sample import Floats


def cliffs_delta(run: Floats, baseline: Floats) -> float | None:
    """How much more often a value of `run` is the larger one of two than the smaller one, -1 to 1; None without values.

    0 when both lie alike. Below 0.147 it is called negligible, below 0.33 small, below 0.474 medium. Sources: Cliff,
    "Dominance statistics", Psychological Bulletin 114 (1993); the words are those of Romano et al. (2006).
    """
    if not run.size or not baseline.size:
        return None
    ordered = np.sort(baseline)
    smaller = np.searchsorted(ordered, run, side="left")
    larger = baseline.size - np.searchsorted(ordered, run, side="right")
    return float((smaller.sum() - larger.sum()) / (run.size * baseline.size))


def effect_word(delta: float) -> str:
    """Cliff's delta in a word."""
    for bound, word in ((0.147, "negligible"), (0.33, "small"), (0.474, "medium")):
        if abs(delta) < bound:
            return word
    return "large"
