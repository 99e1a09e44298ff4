"""A dashboard: rows of panels, and the variables and annotations that all of them share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raysim.dashboards.panel import DATASOURCE, Panel

_TAG = "raysim"
_COLUMNS = 24
#: of dashboards since Grafana 10; newer ones take it and bring it up to date
_SCHEMA_VERSION = 38

#: labels that select what the variables stand for
RUN = 'test_run=~"$run"'
ORG = f'{RUN}, org_id=~"$org"'
MODEL = f'{RUN}, model=~"$model", backend=~"$backend"'
ALL = f'{RUN}, org_id=~"$org", model=~"$model", backend=~"$backend"'
BACKEND = f'{RUN}, backend=~"$backend"'

_REQUESTS = "loadtest_llm_latency_seconds_count"


@dataclass(frozen=True, slots=True)
class Variable:
    """Something to choose from the values of a label.

    Args:
        name: of it, as in `$run`.
        label: how it is called on the dashboard.
        query: where its values come from.
        everything: whether all values are chosen when nothing is; the latest otherwise.
    """

    name: str
    label: str
    query: str
    everything: bool = True

    def document(self) -> dict[str, Any]:
        """Grafana's JSON of it."""
        return {
            "name": self.name,
            "label": self.label,
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": self.query, "refId": "StandardVariableQuery"},
            "definition": self.query,
            # with the range of time, so that runs of long ago are found in their time
            "refresh": 2,
            # ids of runs begin with the time: the latest comes first
            "sort": 1 if self.everything else 2,
            "multi": True,
            "includeAll": self.everything,
            **({"allValue": ".*"} if self.everything else {}),
            "regex": "",
            "hide": 0,
            "options": [],
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]} if self.everything else {},
        }


@dataclass(frozen=True, slots=True)
class Annotation:
    """Spans of time that are marked: those in which `expr` is 1."""

    name: str
    expr: str
    title: str
    colour: str

    def document(self) -> dict[str, Any]:
        """Grafana's JSON of it."""
        return {
            "name": self.name,
            "datasource": DATASOURCE,
            "enable": True,
            "iconColor": self.colour,
            "expr": self.expr,
            "titleFormat": self.title,
            "textFormat": "{{test_run}}",
            "tagKeys": "test_run",
            "useValueForTime": False,
        }


VARIABLES = (
    Variable("run", "Run", "label_values(loadtest_run_info, test_run)", everything=False),
    Variable("org", "Tenant", f"label_values({_REQUESTS}{{{RUN}}}, org_id)"),
    Variable("model", "Model", f"label_values({_REQUESTS}{{{RUN}}}, model)"),
    Variable("backend", "Backend", f"label_values({_REQUESTS}{{{RUN}}}, backend)"),
)

_BREACHED = f"loadtest_limit_breached{{{RUN}}}"
ANNOTATIONS = (
    Annotation("Phases", f"loadtest_run_phase{{{RUN}}}", "{{phase}}", "blue"),
    # what a limit has ended stays so: only the first minute of it is marked
    Annotation("Limits", f"({_BREACHED} == 1) unless ({_BREACHED} offset 1m == 1)", "limit: {{reason}}", "red"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """Panels below one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard; `name` is that of its file and the end of its id."""

    name: str
    title: str
    means: str
    sections: tuple[Section, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in their order."""
        return tuple(panel for section in self.sections for panel in section.panels)

    def document(self) -> dict[str, Any]:
        """What Grafana imports."""
        return {
            "uid": f"raysim-{self.name}",
            "title": f"raysim / {self.title}",
            "description": self.means,
            "tags": [_TAG],
            "schemaVersion": _SCHEMA_VERSION,
            "editable": True,
            # the crosshair is on all panels at once
            "graphTooltip": 1,
            "timezone": "browser",
            "time": {"from": "now-30m", "to": "now"},
            "refresh": "10s",
            "links": [_other_dashboards()],
            "templating": {"list": [_datasource_variable(), *(variable.document() for variable in VARIABLES)]},
            "annotations": {"list": [annotation.document() for annotation in ANNOTATIONS]},
            "panels": _laid_out(self.sections),
        }

    def text(self) -> str:
        """Its file."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"


def _laid_out(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Rows of panels from left to right, as many as fit."""
    found: list[dict[str, Any]] = []
    y = 0
    for section in sections:
        place = {"h": 1, "w": _COLUMNS, "x": 0, "y": y}
        found.append(
            {
                "id": len(found) + 1,
                "type": "row",
                "title": section.title,
                "gridPos": place,
                "collapsed": False,
                "panels": [],
            }
        )
        y += 1
        x = height = 0
        for panel in section.panels:
            if x + panel.width > _COLUMNS:
                y, x, height = y + height, 0, 0
            found.append(panel.document(len(found) + 1, x, y))
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return found


def _datasource_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "options": [],
        "current": {},
    }


def _other_dashboards() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "raysim",
        "tags": [_TAG],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }
