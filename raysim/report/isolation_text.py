"""Verdicts on isolation as sentences that a reader can quote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from raysim.core.isolation.events import Event, EventKind
from raysim.core.isolation.verdict import LOSSES, Change, Comparison, EventVerdict, IsolationVerdict
from raysim.report.numbers import count, elapsed, share

_SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MOST_NAMED = 3
_QUANTITIES = {
    "ttft_p50": "TTFT p50",
    "ttft_p95": "TTFT p95",
    "latency_p50": "latency p50",
    LOSSES: "error rate",
}
_WORDS = {
    IsolationVerdict.ISOLATED: "isolated",
    IsolationVerdict.NOT_ISOLATED: "not isolated",
    IsolationVerdict.CANNOT_SAY: "cannot say",
}


def event_sentence(judged: EventVerdict, tenants: Sequence[str]) -> str:
    """What the others felt of one event, with the figures that bear the verdict."""
    if judged.verdict is None:
        return f"{_what(judged.event, tenants)}: {_story(judged)}"
    word = _WORDS[judged.verdict]
    if judged.verdict is IsolationVerdict.CANNOT_SAY:
        lacking = judged.lacking
        for quantity, name in _QUANTITIES.items():
            lacking = lacking.replace(quantity, f"how {_of_the_others(judged)} {name} changed")
        return f"{word}: {lacking} ({_what(judged.event, tenants)})"
    if judged.verdict is IsolationVerdict.NOT_ISOLATED:
        return f"{word}: {_harm(judged, tenants)}"
    return f"{word}: when {_what(judged.event, tenants)}, {_of_the_others(judged)} {_story(judged)}"


def nothing_happened(jain: Mapping[str, float | None], *, judged: bool) -> str:
    """Why nothing can be said of a run in which no tenant was in the way of another."""
    why = (
        "nothing that happened was one tenant's doing"
        if judged
        else "no tenant ran out of budget, hit a limit or burst: there is nothing to hold the others' figures against"
    )
    known = [f"{name} {value:.3f}" for name, value in jain.items() if value is not None]
    return f"cannot say: {why}" + (f" (Jain's index of {', of '.join(known)})" if known else "")


def _what(event: Event, tenants: Sequence[str]) -> str:
    names = [tenants[tenant] for tenant in event.culprits]
    who = _joined(names)
    start, span = elapsed(event.start_s), f"from {elapsed(event.start_s)} to {elapsed(event.end_s)}"
    match event.kind:
        case EventKind.EXHAUSTION:
            return f"{who} ran out of budget or quota at {start}"
        case EventKind.RATE_LIMIT:
            return f"{who} ran into its rate limit {span}"
        case EventKind.BURST:
            return f"{who} burst {span}"
        case EventKind.SPIKE:
            return f"a spike of load {span}"
        case EventKind.FAULT:
            return f"a declared fault that favours {who} was on {span}" if names else f"a declared fault {span}"


def _of_the_others(judged: EventVerdict) -> str:
    number = len(judged.others)
    words = _SMALL_NUMBERS[number] if number < len(_SMALL_NUMBERS) else count(number)
    return "the other tenant's" if number == 1 else f"the {words} other tenants'"


def _story(judged: EventVerdict) -> str:
    """What changed for the others; `lost` counts what was due during and after it."""
    parts: list[str] = []
    for comparison in judged.comparisons:
        if comparison.tenant is not None or (comparison.window, comparison.against) == ("before", "after"):
            continue
        if judged.event.kind is not EventKind.EXHAUSTION and comparison.against == "after" and parts:
            continue
        change = comparison.of("ttft_p50") or comparison.of("latency_p50")
        if change is not None:
            parts.append(f"{_by(change)} {_when(comparison, judged.event)}")
    quantity = next(
        (_QUANTITIES[c.quantity] for x in judged.comparisons for c in x.changes if c.quantity in _QUANTITIES), "times"
    )
    figures = [judged.figures[name] for name in ("during", "after") if name in judged.figures]
    requests, lost = sum(f.requests for f in figures), sum(f.lost for f in figures)
    if judged.event.kind is not EventKind.EXHAUSTION and "during" in judged.figures:
        requests, lost = judged.figures["during"].requests, judged.figures["during"].lost
    failed = (
        f"none of their {count(requests)} requests failed" if not lost else f"{count(lost)} of {count(requests)} failed"
    )
    return f"{quantity} changed by {' and by '.join(parts)}, and {failed}" if parts else failed


def _when(comparison: Comparison, event: Event) -> str:
    if event.kind is not EventKind.EXHAUSTION:
        return "meanwhile" if comparison.against == "before" else "against afterwards"
    return "while it was being refused" if comparison.window == "during" else "once it had gone"


def _harm(judged: EventVerdict, tenants: Sequence[str]) -> str:
    """The comparison that says most: of all others together if there is one."""
    comparison = min(judged.harm, key=lambda c: (c.tenant is not None, c.window != "during"))
    whose = _of_the_others(judged) if comparison.tenant is None else f"{tenants[comparison.tenant]}'s"
    said = list(_harmed(comparison, judged))
    what = _what(judged.event, tenants)
    who = _joined([tenants[tenant] for tenant in judged.event.culprits])
    if (comparison.window, comparison.against) == ("before", "after"):
        return f"while {who} was served, {whose} {' and '.join(said)} than once it had gone ({what})"
    than = "before" if comparison.against == "before" else "afterwards"
    when = _when(comparison, judged.event).removesuffix("against afterwards") or "meanwhile"
    return f"when {what}, {whose} {' and '.join(said)} {when.strip()} than {than}"


def _harmed(comparison: Comparison, judged: EventVerdict) -> Iterator[str]:
    for change in comparison.changes:
        if not change.worse:
            continue
        if change.quantity == LOSSES:
            lost = judged.figures[comparison.window]
            yield f"error rate was {share(change.value)} higher ({count(lost.lost)} of {count(lost.requests)} lost)"
        else:
            yield f"{_QUANTITIES[change.quantity]} was {share(change.value)} longer ({_interval(change)})"


def _by(change: Change) -> str:
    sign = "+" if change.value >= 0 else "-"
    return f"{sign}{share(abs(change.value))} ({_interval(change)})"


def _interval(change: Change) -> str:
    if change.ci95 is None:
        return "no interval: too few requests"
    low, high = change.ci95
    return f"95% CI {low * 100:+.0f} to {high * 100:+.0f}%"


def _joined(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
    return " and ".join(names)
