"""`thresholds` of the summary: which of the scenario's thresholds held, from exact figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from raysim.core.goals.threshold import Judged, Scope, judge
from raysim.core.plan.load import PhasePlan
from raysim.report.facts import RunFacts
from raysim.report.figures import figures
from raysim.report.measured import Measured

_NS_PER_S = 1e9


def thresholds(requests: pl.LazyFrame, facts: RunFacts, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry a threshold, in the scenario's order.

    Args:
        requests: every request.
        facts: the run.
        run: the figures of all requests, for thresholds about the whole run.
    """
    by_scope: dict[Scope, Mapping[str, Any]] = {Scope(): run}
    entries = []
    for threshold in facts.plan.thresholds:
        scope = threshold.scope
        if scope not in by_scope:
            by_scope[scope] = _figures(requests, scope, facts)
        entries.append(_entry(judge(threshold, by_scope[scope])))
    return entries


def _entry(judged: Judged) -> dict[str, Any]:
    scope = judged.threshold.scope
    return {
        "expression": judged.threshold.expression,
        "scope": {
            key: value
            for key, value in (
                ("model", scope.model),
                ("org", scope.org),
                ("phase", scope.phase),
                ("backend", scope.backend),
                ("from_s", scope.from_s),
                ("to_s", scope.to_s),
            )
            if value is not None
        },
        "figure": judged.figure,
        "comparison": judged.comparison,
        "limit": judged.limit,
        "value": judged.value,
        "unit": judged.unit,
        "held": judged.held,
        "samples": judged.samples,
        "verdict": "no data" if judged.value is None else "held" if judged.held else "failed",
    }


def _figures(requests: pl.LazyFrame, scope: Scope, facts: RunFacts) -> dict[str, Any]:
    """The figures of the requests in `scope`; one that says when has no headline apart from it."""
    measured = Measured.of(requests.filter(_within(scope, facts)), facts.plan.slo)
    headline = measured if scope.timed else measured.headline()
    return figures(measured, headline, _over_s(scope, facts))


def _within(scope: Scope, facts: RunFacts) -> pl.Expr:
    run_s = (pl.col("due_unix_ns") - round(facts.started_at * _NS_PER_S)) / _NS_PER_S
    named = {"model": scope.model, "org_id": scope.org, "phase": scope.phase, "backend": scope.backend}
    conditions = [pl.col(column) == value for column, value in named.items() if value is not None]
    conditions += [] if scope.from_s is None else [run_s >= scope.from_s]
    conditions += [] if scope.to_s is None else [run_s < scope.to_s]
    return pl.all_horizontal(pl.lit(value=True), *conditions)


def _over_s(scope: Scope, facts: RunFacts) -> float:
    """How long the scope really lasted, for rates: its part of the phases that count."""
    phases = [phase for phase in facts.plan.schedule.phases if _counts(phase, scope)]
    first = 0.0 if scope.from_s is None else scope.from_s
    last = facts.load_s if scope.to_s is None else min(scope.to_s, facts.load_s)
    return sum(max(0.0, min(phase.end_s, last) - max(phase.start_s, first)) for phase in phases)


def _counts(phase: PhasePlan, scope: Scope) -> bool:
    if not scope.timed:
        return not phase.excluded
    return scope.phase is None or phase.name == scope.phase
