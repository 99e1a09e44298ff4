"""Comparisons as people read them: what they amount to in sentences, and cells of tables."""

from __future__ import annotations

import math
from collections.abc import Iterator

from raysim.core.comparison.change import Change, Verdict
from raysim.core.comparison.effect import effect_word
from raysim.core.comparison.metric import Metric, Unit
from raysim.core.comparison.pair import Comparison
from raysim.core.comparison.rule import Outcome, RuleVerdict
from raysim.report.numbers import UNKNOWN, count, digits, seconds, share, usd

COLUMNS = ("figure", "baseline", "run", "change", "at 95% between", "verdict", "would find")
_WORDS = {Verdict.BETTER: "better", Verdict.WORSE: "worse", Verdict.NO_EVIDENCE: "no evidence"}
_MOST_DIFFERENCES = 12


def cells(change: Change) -> tuple[str, ...]:
    """One row of the table of changes, in the order of `COLUMNS`."""
    metric = change.metric
    is_share = metric.unit is Unit.SHARE
    interval = change.sure_difference if is_share else change.sure
    verdict = UNKNOWN if interval is None else _WORDS[change.verdict]
    return (
        metric.name,
        amount(metric, change.baseline),
        amount(metric, change.run),
        _points(change.difference) if is_share else percent(change.relative),
        UNKNOWN if interval is None else f"{_end(interval[0], metric)} … {_end(interval[1], metric)}",
        verdict,
        UNKNOWN if change.detectable is None else _end(change.detectable, metric).lstrip("+"),
    )


def amount(metric: Metric, value: float | None) -> str:
    """A figure with its unit."""
    if metric.unit is Unit.SECONDS:
        return seconds(value)
    if metric.unit is Unit.SHARE:
        return share(value)
    return usd(value) if metric.unit is Unit.USD else digits(value)


def percent(value: float | None) -> str:
    """A relative change: `+10.2%`."""
    if value is None:
        return UNKNOWN
    return f"{value:+.1%}" if abs(value) < 10 else f"{1 + value:,.0f} times"  # noqa: PLR2004 - longer than a factor


def _points(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value * 100:+.2f} pp"


def _end(value: float, metric: Metric) -> str:
    if metric.unit is Unit.SHARE:
        return _points(value)
    if value <= -1.0 or not math.isfinite(value):
        return "?"
    return percent(value)


def headline(comparison: Comparison) -> str:
    """What the comparison amounts to, in a sentence."""
    if comparison.incomparable:
        return "not comparable: " + "; ".join(comparison.incomparable)
    judged = [change for change in comparison.changes if change.sure is not None or change.sure_difference is not None]
    if not judged:
        return "nothing can be told from so few requests"
    parts = [
        f"{_WORDS[verdict]}: {', '.join(_named(change) for change in comparison.of(verdict))}"
        for verdict in (Verdict.WORSE, Verdict.BETTER)
        if comparison.of(verdict)
    ]
    rest = sum(change.verdict is Verdict.NO_EVIDENCE for change in judged)
    if not parts:
        return f"no evidence of a change in any of {rest} figures"
    return "; ".join(parts) + (f"; no evidence of a change in the other {rest}" if rest else "")


def _named(change: Change) -> str:
    moved = _points(change.difference) if change.metric.unit is Unit.SHARE else percent(change.relative)
    size = (
        "" if change.effect is None or change.metric.share is not None else f", a {effect_word(change.effect)} effect"
    )
    return f"{change.metric.name} ({moved}{size})"


def difference_lines(comparison: Comparison) -> Iterator[str]:
    """Where the scenarios differ, one line each."""
    for difference in comparison.differences[:_MOST_DIFFERENCES]:
        yield f"{difference.path}: {_short(difference.baseline)} → {_short(difference.run)}"
    more = len(comparison.differences) - _MOST_DIFFERENCES
    if more > 0:
        yield f"and {more} more (--format json has them all)"


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - a line's worth


def rule_line(verdict: RuleVerdict) -> str:
    """What became of a rule, in a line."""
    change, rule = verdict.change, verdict.rule
    if change.run is None:
        return f"broken: {rule.text} (the run has no {rule.metric.name}: nothing was answered that way)"
    moved = percent(change.relative) if rule.relative else _difference(rule.metric, change.difference)
    interval = change.sure if rule.relative else change.sure_difference
    ends = (
        "too few requests to tell"
        if interval is None
        else "at 95% between "
        + " and ".join(
            (percent(end) if math.isfinite(end) and (end > -1 or not rule.relative) else "?")
            if rule.relative
            else _difference(rule.metric, end)
            for end in interval
        )
    )
    text = f"{verdict.outcome}: {rule.text} ({moved}, {ends}"
    if verdict.outcome is Outcome.UNDECIDED and verdict.needed:
        text += f"; about {count(verdict.needed)} requests of each run would tell, there are {count(change.requests)}"
    return text + ")"


def _difference(metric: Metric, value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "?"
    if metric.unit is Unit.SHARE:
        return _points(value)
    sign = "-" if value < 0 else "+"
    return sign + amount(metric, abs(value))
