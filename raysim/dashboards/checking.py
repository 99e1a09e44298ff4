"""Do expressions ask only for what is exported? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from raysim.core.metrics.registry import family_of
from raysim.dashboards.promql import Asked, QueryError, read
from raysim.dashboards.questions import Question
from raysim.dashboards.rule import Record, RuleGroup

#: the gateway's own series about a group of a run
_GATEWAY = {"push_time_seconds": frozenset({"job", "test_run", "shard"})}


def recorded(groups: Iterable[RuleGroup]) -> dict[str, frozenset[str]]:
    """Names and labels of what recording rules make."""
    rules = (rule for group in groups for rule in group.rules)
    return {rule.name: rule.carries for rule in rules if isinstance(rule, Record)}


def problems(question: Question, made: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """What is wrong with an expression, as far as can be said without a Prometheus.

    Args:
        question: the expression.
        made: names and labels of what recording rules make.
    """
    try:
        asked = read(question.expr)
    except QueryError as error:
        yield f"{question.place}: {error}: {question.expr}"
        return
    if not asked.selectors:
        yield f"{question.place}: asks for no series: {question.expr}"
    known = set(asked.made)
    for selector in asked.selectors:
        labels = labels_of(selector.name, made)
        if labels is None:
            yield f"{question.place}: {selector.name} is not exported"
            continue
        known |= labels
        yield from (
            f"{question.place}: {selector.name} has no label {label}"
            for label in selector.matched
            if label not in labels
        )
    yield from (f"{question.place}: no series has a label {label}" for label in asked.grouped if label not in known)
    shown = _left_of(asked, known)
    yield from (f"{question.place}: {label} is shown but not there" for label in question.named if label not in shown)


def labels_of(name: str, made: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    """The labels of the series of that name; None when nobody exports it."""
    family = family_of(name)
    return family.labels_of(name) if family is not None else (_GATEWAY | dict(made)).get(name)


def _left_of(asked: Asked, known: set[str]) -> set[str]:
    """The labels that results can have: those that they are grouped by, if they are."""
    return set(asked.grouped) if asked.grouped else known
