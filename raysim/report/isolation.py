"""`isolation` of the summary: what the tenants felt of each other's troubles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from raysim.core.aggregation.quota import CutVerdict, judge_cut
from raysim.core.isolation.course import Course
from raysim.core.isolation.estimate import Estimate
from raysim.core.isolation.events import EventKind, find_events
from raysim.core.isolation.verdict import (
    FEWEST_REQUESTS,
    LOSS_BOUND,
    LOSS_MARGIN,
    TIME_MARGIN,
    Comparison,
    EventVerdict,
    WindowFigures,
    jain_throughput,
    jain_ttft,
    judge_event,
    overall,
)
from raysim.core.isolation.windows import windows_of
from raysim.report.course import course_of, requests_by_tenant
from raysim.report.facts import RunFacts
from raysim.report.isolation_text import event_sentence, nothing_happened


def isolation(rows: pl.DataFrame, facts: RunFacts) -> dict[str, Any] | None:
    """The verdict with its events and figures; None for fewer than two tenants, who have nobody to be kept apart from.

    Args:
        rows: as `timed` made them.
        facts: the run.
    """
    if len(facts.plan.tenants) < 2:  # noqa: PLR2004 - as above
        return None
    course = honest(course_of(rows, facts), rows, facts)
    judged = judge(course, facts)
    everyone = range(len(course.tenants))
    fairness = {
        "throughput": jain_throughput(course, ~course.excluded, everyone),
        "ttft": jain_ttft(course, ~course.excluded, everyone),
    }
    events = [_event(verdict, course) for verdict in judged]
    verdict = overall(judged)
    decisive = [event["sentence"] for event in events if event["verdict"] == verdict]
    return {
        "verdict": str(verdict),
        "sentence": decisive[0] if decisive else nothing_happened(fairness, judged=bool(judged)),
        "jain": fairness,
        "events": events,
        "margins": {
            "times": TIME_MARGIN,
            "error_rate": LOSS_MARGIN,
            "error_rate_bound": LOSS_BOUND,
            "fewest_requests": FEWEST_REQUESTS,
        },
    }


def honest(course: Course, rows: pl.DataFrame, facts: RunFacts) -> Course:
    """The same, but what a tenant was refused that had money left, while another one ran out, it has lost to it."""
    budgets = {tenant.name: tenant.budget_usd for tenant in facts.plan.tenants}
    cuts = {name: judge_cut(requests, budgets[name]) for name, requests in requests_by_tenant(rows) if name in budgets}
    refused = {name: cut for name, cut in cuts.items() if cut.first_refusal_s is not None}
    early = [course.tenants.index(name) for name, cut in refused.items() if cut.verdict is CutVerdict.EARLY]
    if not early or len(early) == len(refused):
        return course
    return replace(course, spent=course.spent & ~course.of(tuple(early)))


def judge(course: Course, facts: RunFacts) -> list[EventVerdict]:
    """The verdict on each event of the run, in their order."""
    schedule = facts.plan.schedule
    events = find_events(course, schedule, facts.faults)
    ran_out = [event for event in events if event.kind is EventKind.EXHAUSTION]
    judged = []
    for event in events:
        windows = windows_of(event, events, schedule, facts.load_s)
        last_s = windows.after.end_s if windows.after else event.end_s
        # who had run out before this was over cannot be a witness
        gone = [tenant for other in ran_out if other.start_s < last_s for tenant in other.culprits]
        judged.append(judge_event(course, event, windows, gone))
    return judged


def _event(judged: EventVerdict, course: Course) -> dict[str, Any]:
    event = judged.event
    return {
        "kind": str(event.kind),
        "tenants": [course.tenants[tenant] for tenant in event.culprits],
        "start_s": event.start_s,
        "end_s": event.end_s,
        "others": [course.tenants[tenant] for tenant in judged.others],
        "verdict": None if judged.verdict is None else str(judged.verdict),
        "sentence": event_sentence(judged, course.tenants),
        "lacking": judged.lacking or None,
        "windows": {name: _window(figures) for name, figures in judged.figures.items()},
        "comparisons": [_comparison(comparison, course.tenants) for comparison in judged.comparisons],
        "lost": sum(judged.figures[name].lost for name in ("during", "after") if name in judged.figures),
        "harm": [_harm(comparison, course.tenants) for comparison in judged.harm],
    }


def _window(figures: WindowFigures) -> dict[str, Any]:
    rate = figures.error_rate
    return {
        "start_s": figures.window.start_s,
        "end_s": figures.window.end_s,
        "requests": figures.requests,
        "lost": figures.lost,
        "error_rate": None if rate is None else rate.value,
        "error_rate_ci95": _listed(figures.error_rate_ci95),
        **{f"{name}_s": _time(figures.times.get(name)) for name in ("ttft_p50", "ttft_p95", "latency_p50")},
        "jain": {"throughput": figures.jain_throughput, "ttft": figures.jain_ttft},
    }


def _time(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else {"value": estimate.value, "ci95": _listed(estimate.interval())}


def _comparison(comparison: Comparison, tenants: Sequence[str]) -> dict[str, Any]:
    return {
        "tenant": None if comparison.tenant is None else tenants[comparison.tenant],
        "window": comparison.window,
        "against": comparison.against,
        "changes": {
            change.quantity: {
                "value": change.value,
                "ci95": _listed(change.ci95),
                "sure": _listed(change.sure),
                "differs": None if change.ci95 is None else not change.ci95[0] <= 0 <= change.ci95[1],
                "worse": change.worse,
            }
            for change in comparison.changes
        },
    }


def _harm(comparison: Comparison, tenants: Sequence[str]) -> dict[str, Any]:
    return {
        "tenant": None if comparison.tenant is None else tenants[comparison.tenant],
        "window": comparison.window,
        "against": comparison.against,
        "quantities": [change.quantity for change in comparison.changes if change.worse],
    }


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else [float(np.float64(end)) for end in interval]
