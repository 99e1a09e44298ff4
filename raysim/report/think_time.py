"""Whether users thought as they were configured to: what was configured, what was drawn, how long it really took.

A pause that the end of its user's time cuts short is no measurement of how long pauses last, and those that are cut
are the long ones. So what ended is compared with what was drawn for just these, and what was drawn for all, the cut
ones included, with what is configured. (Stopping at a time does not spoil the second comparison: Wald's equation.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from raysim.core.behaviour.distributions import Distribution
from raysim.report.facts import RunFacts
from raysim.report.numbers import count, elapsed
from raysim.report.reloads import think_time_changed_s

#: how far actual think times may be from the configured ones (SC-004)
TOLERANCE = 0.10
_SIGMAS_95 = 1.96
_GRID = 4000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Deviation:
    """By which share a figure is off; `chance` is what the draw of so many pauses is off by itself, at 95 %."""

    drawn: float
    done: float
    chance: float

    @property
    def total(self) -> float:
        return (1 + self.drawn) * (1 + self.done) - 1

    @property
    def within(self) -> bool | None:
        """None while chance could explain as much as the tolerance, either way."""
        if abs(self.done) > TOLERANCE or abs(self.drawn) > max(TOLERANCE, 2 * self.chance):
            return False
        return None if self.chance > TOLERANCE else abs(self.total) <= TOLERANCE


def think_time(rows: pl.DataFrame, facts: RunFacts) -> dict[str, Any]:
    """The block of the summary. Times in seconds, lateness in ms.

    Args:
        rows: requests with `think_s`, `think_planned_s` and `think_next_s`.
        facts: the run.
    """
    configured = facts.plan.behaviour.think_s
    drawn = rows["think_next_s"].drop_nulls().to_numpy()
    ended = rows.select("think_s", "think_planned_s").drop_nulls()
    actual, planned = ended["think_s"].to_numpy(), ended["think_planned_s"].to_numpy()
    changed_s = think_time_changed_s(facts)
    mean = std = None
    if changed_s is None:
        mean = _deviation_of_mean(configured, drawn, actual, planned)
        std = _deviation_of_std(configured, drawn, actual, planned)
    late_ms = (actual - planned) * 1e3
    return {
        "configured": {
            "mean_s": configured.mean(),
            "std_s": configured.std(),
            "min_s": configured.low,
            "p50_s": configured.quantile(0.5),
            "p95_s": configured.quantile(0.95),
            "max_s": configured.high,
            "distribution": configured.kind,
        },
        "planned": {**_figures(drawn), "unfinished": max(0, drawn.size - actual.size)},
        "actual": _figures(actual),
        "ratio": None if mean is None else 1 + mean.total,
        "std_ratio": None if std is None else 1 + std.total,
        "deviation": None if mean is None else mean.total,
        "within_10_percent": _judge(mean, std),
        "statement": _statement(mean, std, drawn.size, actual.size) if changed_s is None else _changed(changed_s),
        "lateness_ms": {
            "p50": _quantile(late_ms, 0.5),
            "p99": _quantile(late_ms, 0.99),
            "max": float(late_ms.max()) if late_ms.size else None,
        },
    }


def _figures(values: Floats) -> dict[str, Any]:
    known = values.size > 0
    return {
        "mean_s": float(values.mean()) if known else None,
        "std_s": float(values.std()) if known else None,
        "min_s": float(values.min()) if known else None,
        "p50_s": _quantile(values, 0.5),
        "p95_s": _quantile(values, 0.95),
        "max_s": float(values.max()) if known else None,
        "count": int(values.size),
    }


def _quantile(values: Floats, share: float) -> float | None:
    return float(np.quantile(values, share)) if values.size else None


def _deviation_of_mean(configured: Distribution, drawn: Floats, actual: Floats, planned: Floats) -> _Deviation | None:
    expected = configured.mean()
    if not drawn.size or not actual.size or expected <= 0 or planned.mean() <= 0:
        return None
    chance = _SIGMAS_95 * configured.std() / expected / math.sqrt(drawn.size)
    return _Deviation(float(drawn.mean()) / expected - 1, float(actual.mean() / planned.mean()) - 1, chance)


def _deviation_of_std(configured: Distribution, drawn: Floats, actual: Floats, planned: Floats) -> _Deviation | None:
    """None for constant pauses. The chance is that of a standard deviation: sqrt((kurtosis - 1) / 4n), relative."""
    expected = configured.std()
    if drawn.size < 2 or actual.size < 2 or expected <= 0 or planned.std() <= 0:  # noqa: PLR2004 - one has no spread
        return None
    chance = _SIGMAS_95 * math.sqrt((_kurtosis(configured) - 1) / 4 / drawn.size)
    return _Deviation(float(drawn.std()) / expected - 1, float(actual.std() / planned.std()) - 1, chance)


def _kurtosis(configured: Distribution) -> float:
    """The fourth standardised moment, by midpoints of the quantile function."""
    values = np.array([configured.quantile((place + 0.5) / _GRID) for place in range(_GRID)])
    return float((((values - configured.mean()) / configured.std()) ** 4).mean())


def _judge(mean: _Deviation | None, std: _Deviation | None) -> bool | None:
    if mean is None:
        return None
    verdicts = (mean.within, True if std is None else std.within)
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _changed(changed_s: float) -> str:
    return f"changed at {elapsed(changed_s)} of the run: pauses of before and after are not told apart, nor compared"


def _statement(mean: _Deviation | None, std: _Deviation | None, drawn: int, ended: int) -> str:
    """What the figures say, in a sentence."""
    if mean is None:
        return "no pause can be compared with what is configured"
    figures = f"mean {mean.total:+.1%}" + (f", spread {std.total:+.1%}" if std is not None else "")
    sample = f"{count(drawn)} pauses drawn, {count(ended)} ended"
    verdict = _judge(mean, std)
    if verdict is None:
        chance = max(mean.chance, std.chance if std is not None else 0.0)
        return f"too few pauses to tell: {figures}, and chance alone makes ±{chance:.0%} ({sample})"
    if verdict:
        return f"within ±{TOLERANCE:.0%} of what is configured: {figures} ({sample})"
    off = (mean, std) if std is not None else (mean,)
    done = any(abs(deviation.done) > TOLERANCE for deviation in off)
    why = "pauses lasted otherwise than drawn" if done else "what was drawn is off"
    return f"not within ±{TOLERANCE:.0%} of what is configured: {figures}; {why} ({sample})"
