"""What a run is judged by, worst first: thresholds, its end, limits, losses, the generator, tenants, bottlenecks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from raysim.report.closing import closing_lines
from raysim.report.goals_text import goodput_text
from raysim.report.html.markup import Html, element, joined
from raysim.report.outcome_cases import cases

Outcome = Literal["failed", "noted", "unknown", "passed"]
#: in the order in which a reader wants them
_MARKS: dict[Outcome, tuple[str, str]] = {
    "failed": ("✕", "failed"),
    "noted": ("!", "to look at"),
    "unknown": ("?", "cannot say"),
    "passed": ("✓", "passed"),
}
_UNKNOWN = ("cannot_say", "unknown", "unreliable")
_MOST_FINDINGS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was judged, and why it came out so."""

    outcome: Outcome
    name: str
    text: str


def verdicts(summary: Mapping[str, Any]) -> list[Verdict]:
    """All of them, worst first."""
    order = list(_MARKS)
    return sorted(_all(summary), key=lambda verdict: order.index(verdict.outcome))


def _all(summary: Mapping[str, Any]) -> Iterator[Verdict]:
    unknown = {
        "isolation": (summary["isolation"] or {}).get("verdict"),
        "billing": summary["billing"]["verdict"],
        "load generator": summary["load_generator"]["verdict"],
    }
    said = {name: text.plain for name, text in closing_lines(dict(summary))}
    # the console says more of it: the figures that it rests on
    longer = {"load generator": said["load generator:"], "clean-up": said["clean-up:"]}
    for case in cases(summary):
        outcome: Outcome = "unknown" if unknown.get(case.name) in _UNKNOWN else case.outcome
        yield Verdict(outcome, case.name, longer.get(case.name, case.text))
    cost = summary["cost"]
    over = bool(cost["overspend_usd"] or cost["billed_beyond_reservation_usd"])
    yield Verdict("failed" if over else "noted" if cost["limit_usd"] is None else "passed", "cost limit", said["cost:"])
    users = summary["users"]
    if users["lost_users"]:
        yield Verdict("failed" if users["lost"] else "noted", "losses", said["users:"])
    unrecorded = summary["losses"]["requests_unrecorded"]
    if summary["losses"]["sentence"] and unrecorded["max"] != 0:
        yield Verdict("noted", "records", summary["losses"]["sentence"])
    elif summary["records_lost_estimate"]:
        lost = f"about {summary['records_lost_estimate']:,} requests were made whose records never arrived"
        yield Verdict("failed", "records", lost)
    if summary["goodput"] is not None:
        yield Verdict("passed", "goodput", goodput_text(summary["goodput"]))
    yield from _quotas(summary)
    yield from _bottlenecks(summary)
    for note in summary["notes"]:
        yield Verdict("noted", "note", note)


def _quotas(summary: Mapping[str, Any]) -> Iterator[Verdict]:
    for tenant in summary["tenants"]:
        cut = tenant["quota"]
        if cut is None:
            continue
        if cut["sentence"] and cut["verdict"] != "not_reached":
            right = cut["verdict"] in ("at_budget", "no_budget")
            yield Verdict("passed" if right else "noted", "quota", cut["sentence"])
        wait = cut["retry_after"]
        if wait is not None:
            yield Verdict("noted" if wait["broken"] else "passed", "quota", wait["sentence"])


def _bottlenecks(summary: Mapping[str, Any]) -> Iterator[Verdict]:
    for finding in summary["findings"][:_MOST_FINDINGS]:
        yield Verdict("noted", "bottleneck", finding["sentence"])
    if not summary["findings"]:
        read = summary["diagnosis"]["backends"]
        yield Verdict("passed" if read else "unknown", "bottlenecks", summary["diagnosis"]["sentence"])


def verdict_list(summary: Mapping[str, Any]) -> Html:
    """The verdicts as a list."""
    rows = []
    for verdict in verdicts(summary):
        mark, said = _MARKS[verdict.outcome]
        rows.append(
            element(
                "li",
                element("span", mark, class_="mark", title=said, aria_label=said, role="img"),
                element("span", verdict.name, class_="what"),
                element("span", verdict.text, class_="why"),
                class_=f"verdict {verdict.outcome}",
            )
        )
    return element("ul", joined(rows), class_="verdicts")
