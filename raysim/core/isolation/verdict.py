"""Did the others feel it? The figures of the windows around an event, and a verdict on each event and on the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from raysim.core.isolation.course import Course, Flags, known
from raysim.core.isolation.estimate import (
    Estimate,
    Interval,
    quantile_estimate,
    share_difference,
    share_estimate,
    share_interval,
)
from raysim.core.isolation.events import Event, EventKind
from raysim.core.isolation.fairness import jain_index
from raysim.core.isolation.windows import Window, Windows

#: the others' times may become this share longer and still be called the same
TIME_MARGIN = 0.10
#: more lost requests than this share of all are harm; fewer than the bound are to be sure of, which 80 without loss are
LOSS_MARGIN = 0.01
LOSS_BOUND = 0.05
#: times that are compared: name, share of the quantile
TIMES = (("ttft_p50", 0.5), ("ttft_p95", 0.95), ("latency_p50", 0.5))
#: those that the verdict needs to be the same; a tail is too seldom known well enough
_DECISIVE = ("ttft_p50", "latency_p50")
#: the other quantity that is compared
LOSSES = "error_rate"
#: fewer requests of the others in a window decide nothing
FEWEST_REQUESTS = 80


class IsolationVerdict(StrEnum):
    """Whether tenants are kept apart."""

    ISOLATED = "isolated"
    NOT_ISOLATED = "not_isolated"
    CANNOT_SAY = "cannot_say"


@dataclass(frozen=True, slots=True)
class Change:
    """How a quantity of the others differs between two windows.

    For times `value` is relative (0.1: 10 % longer), each request measured against what is usual for its model,
    endpoint and length; for the error rate it is a difference of shares. `sure` is the interval that bears the weight
    of a verdict: wider than the one of 95 %, because several comparisons are made (Bonferroni).
    """

    quantity: str
    value: float
    ci95: Interval | None
    sure: Interval | None

    @property
    def worse(self) -> bool:
        """Whether it is longer or more beyond doubt, and by more than the margin."""
        margin = LOSS_MARGIN if self.quantity == LOSSES else TIME_MARGIN
        return self.sure is not None and self.sure[0] > 0 and self.value > margin

    @property
    def no_worse(self) -> bool:
        """Whether it is at most by the margin longer, or by the bound more, with 97.5 % confidence."""
        bound = LOSS_BOUND if self.quantity == LOSSES else TIME_MARGIN
        return self.ci95 is not None and self.ci95[1] <= bound


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two windows of an event. `tenant` is None for all others together."""

    tenant: int | None
    window: str
    against: str
    changes: tuple[Change, ...]

    def of(self, quantity: str) -> Change | None:
        """The change of one quantity; None where it was not measured."""
        return next((change for change in self.changes if change.quantity == quantity), None)


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """The others in one window. Times in seconds with their 95 % intervals, None where nothing was measured.

    `lost` are requests that ended in an error or were refused; `error_rate` is their share. Jain's index of throughput
    is that of successes per user, over all tenants that were not out of budget; that of TTFT is over the tenants'
    medians, each request measured against what is usual for its model, endpoint and prompt.
    """

    window: Window
    requests: int
    lost: int
    error_rate: Estimate | None
    error_rate_ci95: Interval | None
    times: dict[str, Estimate]
    jain_throughput: float | None
    jain_ttft: float | None


@dataclass(frozen=True, slots=True)
class EventVerdict:
    """An event with its figures. `verdict` is None when it was nobody's doing: then there is nobody to isolate from.

    `harm` are the comparisons that show harm; `lacking` says what is missing for a verdict.
    """

    event: Event
    others: tuple[int, ...]
    verdict: IsolationVerdict | None
    figures: dict[str, WindowFigures]
    comparisons: tuple[Comparison, ...]
    harm: tuple[Comparison, ...] = ()
    lacking: str = ""

    def comparison(self, window: str, against: str) -> Comparison | None:
        """That of all others together."""
        pair = (None, window, against)
        return next((c for c in self.comparisons if (c.tenant, c.window, c.against) == pair), None)


def judge_event(course: Course, event: Event, windows: Windows, ignored: Sequence[int] = ()) -> EventVerdict:
    """The verdict on `event`.

    Not isolated: the others are slower or lose more during or after it than before it, or, when a tenant ran out, they
    were slower before, while it was served, than after it had gone. Isolated: with 97.5 % confidence none of that is
    more than the margin. Else nobody can say.

    Args:
        course: every request of the run.
        event: what happened.
        windows: the stretches to compare.
        ignored: tenants that cannot be witnesses, because they had run out themselves.
    """
    absent = {*event.culprits, *ignored}
    others = tuple(tenant for tenant in range(len(course.tenants)) if tenant not in absent)
    spans = {n: w for n in ("before", "during", "after") if (w := getattr(windows, n)) is not None}
    served = others if event.kind is EventKind.EXHAUSTION else (*event.culprits, *others)
    figures = {
        name: _figures(course, window, others, (*event.culprits, *others) if name == "before" else served)
        for name, window in spans.items()
    }
    if not others:
        return EventVerdict(event, others, IsolationVerdict.CANNOT_SAY, figures, (), lacking="no other tenant is left")
    comparisons = _comparisons(course, event, spans, others)
    if not event.culprits:
        return EventVerdict(event, others, None, figures, comparisons)
    harm = tuple(c for c in comparisons if any(change.worse for change in c.changes))
    if harm:
        return EventVerdict(event, others, IsolationVerdict.NOT_ISOLATED, figures, comparisons, harm)
    lacking = _lacking(event, figures, comparisons)
    verdict = IsolationVerdict.CANNOT_SAY if lacking else IsolationVerdict.ISOLATED
    return EventVerdict(event, others, verdict, figures, comparisons, lacking=lacking)


def overall(verdicts: Sequence[EventVerdict]) -> IsolationVerdict:
    """The verdict on a run: the worst one of its events; without any nobody can say."""
    found = {verdict.verdict for verdict in verdicts}
    for verdict in (IsolationVerdict.NOT_ISOLATED, IsolationVerdict.CANNOT_SAY, IsolationVerdict.ISOLATED):
        if verdict in found:
            return verdict
    return IsolationVerdict.CANNOT_SAY


def _pairs(event: Event, spans: dict[str, Window]) -> list[tuple[str, str]]:
    """Which window is to be no worse than which."""
    if event.kind is EventKind.EXHAUSTION:
        pairs = [("during", "before"), ("after", "before"), ("before", "after")]
    else:
        pairs = [("during", "before"), ("during", "after")]
    return [pair for pair in pairs if pair[0] in spans and pair[1] in spans]


def _comparisons(
    course: Course, event: Event, spans: dict[str, Window], others: tuple[int, ...]
) -> tuple[Comparison, ...]:
    groups: list[int | None] = [None, *others] if len(others) > 1 else [None]
    pairs = _pairs(event, spans)
    miss = 0.05 / max(1, len(groups) * len(pairs) * (len(TIMES) + 1))
    witnesses = course.only(course.of(others))
    # what is compared is cut out first: a long run has many more requests than its windows
    cut = {pair: witnesses.only(_either(witnesses, spans[pair[0]], spans[pair[1]])) for pair in pairs}
    found = []
    for group in groups:
        for pair in pairs:
            part = cut[pair] if group is None else cut[pair].only(cut[pair].tenant == group)
            found.append(Comparison(group, *pair, _changes(part, spans[pair[0]], spans[pair[1]], miss)))
    return tuple(found)


def _either(course: Course, one: Window, other: Window) -> Flags:
    return course.within(one.start_s, one.end_s) | course.within(other.start_s, other.end_s)


def _changes(course: Course, window: Window, against: Window, miss: float) -> tuple[Change, ...]:
    here = course.within(window.start_s, window.end_s)
    there = course.within(against.start_s, against.end_s)
    changes = []
    for name, share in TIMES:
        usual = course.usual_ttft(there) if name.startswith("ttft") else course.usual_latency(there)
        told = ~np.isnan(usual)
        weights = course.mix_weights(here & told, there & told)
        counted = here & told & (weights > 0)
        now = quantile_estimate(usual[counted], share, weights[counted])
        then = quantile_estimate(usual[there & told], share)
        if now is not None and then is not None:
            difference = now.minus(then)
            ci95, sure = difference.interval(), difference.interval(miss)
            changes.append(
                Change(name, float(np.expm1(difference.value)), ci95 and _relative(ci95), sure and _relative(sure))
            )
    now, then = (_losses(course, part) for part in (here, there))
    if now is not None and then is not None:
        enough = min(now.count, then.count) >= FEWEST_REQUESTS
        ci95, sure = (share_difference(now, then, m) if enough else None for m in (0.05, miss))
        changes.append(Change(LOSSES, now.value - then.value, ci95, sure))
    return tuple(changes)


def _relative(interval: Interval) -> Interval:
    return float(np.expm1(interval[0])), float(np.expm1(interval[1]))


def _losses(course: Course, part: Flags) -> Estimate | None:
    decided = part & (course.success | course.failed | course.refused)
    return share_estimate(~course.success[decided])


def _lacking(event: Event, figures: dict[str, WindowFigures], comparisons: tuple[Comparison, ...]) -> str:
    """What is missing before the others can be said to be untouched; "" when nothing is."""
    pooled = [c for c in comparisons if c.tenant is None]
    if not pooled:
        gone = [name for name in ("before", "during", "after") if name not in figures]
        return f"no comparable stretch {' and none '.join(gone)} the event"
    # of an exhaustion what counts is how it went on; the refusals themselves are over too soon to be sure of
    wanted = [c for c in pooled if "after" in (c.window, c.against)] if event.kind is EventKind.EXHAUSTION else pooled
    open_questions = [doubt for c in wanted or pooled for doubt in _doubts(c, figures)]
    if event.kind is EventKind.EXHAUSTION or not open_questions:
        return open_questions[0] if open_questions else ""
    # before and after are two witnesses of a fault's absence: one that is sure is enough
    sure = any(not list(_doubts(c, figures)) for c in pooled)
    return "" if sure else open_questions[0]


def _doubts(comparison: Comparison, figures: dict[str, WindowFigures]) -> list[str]:
    windows = (comparison.window, comparison.against)
    few = [f"n = {figures[name].requests} {name}" for name in windows if figures[name].requests < FEWEST_REQUESTS]
    if few:
        return [f"too few requests of the others ({', '.join(few)} the event; {FEWEST_REQUESTS} are needed)"]
    doubts = []
    for quantity in (*_DECISIVE, LOSSES):
        change = comparison.of(quantity)
        # what nobody measured (no stream, no TTFT) is no doubt
        if change is not None and not change.no_worse:
            most = "" if change.ci95 is None else f": up to {change.ci95[1]:+.0%} is possible"
            doubts.append(f"{quantity} is not known well enough{most}")
    if not any(comparison.of(quantity) for quantity in _DECISIVE):
        doubts.append("the others' answers had no times to compare")
    return doubts


def _figures(course: Course, window: Window, others: tuple[int, ...], served: tuple[int, ...]) -> WindowFigures:
    inside = course.within(window.start_s, window.end_s)
    part = inside & course.of(others)
    decided = part & (course.success | course.failed | course.refused)
    rate = _losses(course, part)
    times: dict[str, Estimate] = {}
    for name, share in TIMES:
        values = known((course.ttft_s if name.startswith("ttft") else course.latency_s)[part])
        found = quantile_estimate(values, share)
        if found is not None:
            times[name] = found
    return WindowFigures(
        window=window,
        requests=int(decided.sum()),
        lost=int((decided & ~course.success).sum()),
        error_rate=rate,
        error_rate_ci95=share_interval(rate) if rate is not None else None,
        times=times,
        jain_throughput=jain_throughput(course, inside, served),
        jain_ttft=jain_ttft(course, inside, served),
    )


def jain_throughput(course: Course, part: Flags, tenants: Sequence[int]) -> float | None:
    """Jain's index of successes per planned user among `tenants`, of the requests in `part`."""
    done = np.bincount(course.tenant[part & course.success], minlength=len(course.tenants))
    return jain_index(float(done[tenant]) / course.users[tenant] for tenant in tenants if course.users[tenant])


def jain_ttft(course: Course, part: Flags, tenants: Sequence[int]) -> float | None:
    """Jain's index of the tenants' median TTFT, relative to what is usual for the model, of the requests in `part`."""
    inside = course.only(part & course.of(tuple(tenants)))
    usual = inside.usual_ttft(np.ones(inside.at_s.size, dtype=np.bool_))
    medians = [known(usual[inside.tenant == tenant]) for tenant in tenants]
    return jain_index(float(np.exp(np.median(values))) for values in medians if values.size)
