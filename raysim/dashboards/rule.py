"""Rules for Prometheus: alerts and recorded series, and their files. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from raysim.yaml_text import dump_document


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should know.

    Args:
        name: of the alert.
        expr: PromQL; each series it returns is an alert.
        wait: how long that must last, such as `1m`; empty for at once.
        severity: `critical` when the run or its figures are lost unless somebody acts, else `warning`.
        summary: what is so, in Prometheus' template language.
        advice: what to do.
    """

    name: str
    expr: str
    wait: str
    severity: str
    summary: str
    advice: str

    def document(self) -> dict[str, Any]:
        """Its entry in a file of rules."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.wait} if self.wait else {}),
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "description": self.advice},
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A series that Prometheus computes and keeps.

    Args:
        name: of the series.
        expr: PromQL.
        carries: labels that its series have.
        labels: what is set on every series.
    """

    name: str
    expr: str
    carries: frozenset[str]
    labels: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Its entry in a file of rules."""
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return {"record": self.name, "expr": self.expr, **labels}


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Alert | Record, ...]

    def document(self) -> dict[str, Any]:
        """Its entry in a file of rules."""
        return {"name": self.name, "rules": [rule.document() for rule in self.rules]}


def rules_file(groups: Iterable[RuleGroup]) -> str:
    """A file for `rule_files` of a Prometheus."""
    return dump_document({"groups": [group.document() for group in groups]})


def prometheus_rule(name: str, groups: Iterable[RuleGroup]) -> str:
    """The same for the Prometheus operator: a PrometheusRule."""
    return dump_document(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "raysim"}},
            "spec": {"groups": [group.document() for group in groups]},
        }
    )
