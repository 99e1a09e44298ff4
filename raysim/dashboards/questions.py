"""Every expression of the dashboards and the rules, with where it stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from raysim.dashboards.dashboard import ANNOTATIONS, VARIABLES, Dashboard
from raysim.dashboards.rule import Alert, RuleGroup

_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
_LEGEND_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
#: the span of rates: four scrapes and more, at the usual interval of 15 s
_SPAN = "1m"


@dataclass(frozen=True, slots=True)
class Question:
    """An expression that Prometheus is asked.

    Args:
        place: where it stands: dashboard and panel, variable, annotation, or group and rule.
        expr: PromQL, with a dashboard's variables.
        named: labels that a legend or title shows.
        rare: nothing may come back, and all is well.
    """

    place: str
    expr: str
    named: tuple[str, ...] = ()
    rare: bool = False

    def of_run(self, run_id: str) -> str:
        """The expression as Grafana sends it when a run is chosen, and all of its tenants, models and backends."""
        values = {"run": run_id, "org": ".*", "model": ".*", "backend": ".*", "__rate_interval": _SPAN}
        return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], found[0]), self.expr)


def questions(dashboards: Iterable[Dashboard]) -> Iterator[Question]:
    """Those of the dashboards: variables and annotations, which all have in common, then panels."""
    for variable in VARIABLES:
        yield Question(f"variable {variable.name}", values_of(variable.query), rare=variable.name == "backend")
    for annotation in ANNOTATIONS:
        yield Question(f"annotation {annotation.name}", annotation.expr, _named(annotation.title), rare=True)
    for dashboard in dashboards:
        for panel in dashboard.panels:
            for query in panel.queries:
                yield Question(f"{dashboard.name}: {panel.title}", query.expr, _named(query.legend), query.rare)


def rule_questions(groups: Iterable[RuleGroup]) -> Iterator[Question]:
    """Those of alerts and recording rules. An alert that has nothing to say is as it should be."""
    for group in groups:
        for rule in group.rules:
            named = _named_in_template(rule.summary + rule.advice) if isinstance(rule, Alert) else ()
            yield Question(f"{group.name}: {rule.name}", rule.expr, named, rare=True)


def values_of(query: str) -> str:
    """The expression whose results have the values that Grafana's `label_values(series, label)` lists.

    Raises:
        ValueError: it is none.
    """
    found = _LABEL_VALUES.fullmatch(query)
    if found is None:
        raise ValueError(f"{query} is not label_values(series, label)")
    return f"count by ({found['label']}) ({found['series']})"


def _named(legend: str) -> tuple[str, ...]:
    return tuple(_LEGEND_LABEL.findall(legend))


def _named_in_template(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\$labels\.(\w+)", text))
