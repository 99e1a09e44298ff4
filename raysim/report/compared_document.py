"""Comparisons as programs read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from raysim.core.comparison.change import Change
from raysim.core.comparison.pair import Comparison


def documents(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """The comparisons as `--format json` prints them."""
    return [_document(comparison) for comparison in comparisons]


def _document(comparison: Comparison) -> dict[str, Any]:
    return {
        "baseline": comparison.baseline,
        "run": comparison.run,
        "scenario": comparison.scenario,
        "comparable": not comparison.incomparable,
        "incomparable": list(comparison.incomparable),
        "differences": [{"path": d.path, "baseline": d.baseline, "run": d.run} for d in comparison.differences],
        "notes": list(comparison.notes),
        "requests": list(comparison.requests),
        "changes": [_entry(change) for change in comparison.changes],
        "groups": [
            {"by": group.column, "name": group.name, "changes": [_entry(change) for change in group.changes]}
            for group in comparison.groups
        ],
        "rules": [
            {
                "rule": verdict.rule.text,
                "outcome": str(verdict.outcome),
                "needed_requests": verdict.needed,
                "change": _entry(verdict.change),
            }
            for verdict in comparison.rules
        ],
    }


def _entry(change: Change) -> dict[str, Any]:
    return {
        "figure": change.metric.name,
        "unit": str(change.metric.unit),
        "baseline": change.baseline,
        "run": change.run,
        "counts": list(change.counts),
        "relative": change.relative,
        "difference": change.difference,
        "sure": _ends(change.sure),
        "sure_difference": _ends(change.sure_difference),
        "ci95": _ends(change.ci95),
        "verdict": str(change.verdict),
        "cliffs_delta": change.effect,
        "detectable": change.detectable,
        "needed_requests": change.needed,
    }


def _ends(interval: tuple[float, float] | None) -> list[float | None] | None:
    """An interval as JSON holds it: an end that is not known is null."""
    return None if interval is None else [end if math.isfinite(end) else None for end in interval]
