"""A panel: what it shows, what that means, and what to do about it. Turned into Grafana's JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

#: the variable that every query goes to
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

#: the same thing has the same colour everywhere
GOOD, WARN, BAD, NEUTRAL = "green", "orange", "red", "#8e8e8e"
_OUTCOMES = {"success": GOOD, "error": BAD, "refused": WARN, "cancelled": NEUTRAL}

View = Literal["timeseries", "stat", "bargauge", "table", "heatmap"]


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and what its series are called (`{{label}}` stands for a label's value).

    Args:
        expr: PromQL, with the dashboard's variables.
        legend: of each series; in a table, the name of the column, which is hidden without one.
        rare: nothing may be there, and all is well: a table of what went wrong, say.
    """

    expr: str
    legend: str
    rare: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """From where on a value is orange, and from where on red. `falling` when small values are bad."""

    warn: float
    bad: float
    falling: bool = False

    def document(self) -> dict[str, Any]:
        """Grafana's thresholds."""
        colours = (BAD, WARN, GOOD) if self.falling else (GOOD, WARN, BAD)
        values = (None, self.bad, self.warn) if self.falling else (None, self.warn, self.bad)
        steps = [{"color": colour, "value": value} for colour, value in zip(colours, values, strict=True)]
        return {"mode": "absolute", "steps": steps}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Args:
        title: what is on it.
        means: what its values are.
        act: what to do when it is red, or looks wrong.
        queries: what it shows.
        unit: Grafana's id of it, such as `s` or `reqps`; empty for the plain numbers of a table.
        view: how it is drawn.
        width: of 24 columns.
        height: in rows of the grid.
        steps: when a value is bad; none where that is for the reader to judge.
        most: end of the axis, such as 1 for a ratio.
        decimals: of the numbers; Grafana's choice when None.
        units: of single columns of a table.
    """

    title: str
    means: str
    act: str
    queries: tuple[Query, ...]
    unit: str = "short"
    view: View = "timeseries"
    width: int = 12
    height: int = 8
    steps: Steps | None = None
    most: float | None = None
    decimals: int | None = None
    units: dict[str, str] = field(default_factory=dict)

    def document(self, panel_id: int, x: int, y: int) -> dict[str, Any]:
        """Grafana's JSON of it, at a place of the grid."""
        return {
            "id": panel_id,
            "type": self.view,
            "title": self.title,
            "description": f"{self.means}\n\n**What to do:** {self.act}",
            "datasource": DATASOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": [self._target(number, query) for number, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": self._overrides()},
            "options": self._options(),
            **({"transformations": self._columns()} if self.view == "table" else {}),
        }

    def _target(self, number: int, query: Query) -> dict[str, Any]:
        # a number or a row of a table is of now; a line is of all the time shown
        now = self.view in ("table", "bargauge")
        formats = {"table": "table", "heatmap": "heatmap"}
        return {
            "refId": _ref_id(number),
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": query.expr,
            "legendFormat": query.legend,
            "format": formats.get(self.view, "time_series"),
            "instant": now,
            "range": not now,
        }

    def _defaults(self) -> dict[str, Any]:
        plain = {"mode": "absolute", "steps": [{"color": GOOD if self.view == "stat" else "text", "value": None}]}
        by_value = self.steps is not None and self.view in ("stat", "bargauge")
        optional = {"max": self.most, "decimals": self.decimals}
        return {
            "unit": self.unit or "short",
            "color": {"mode": "thresholds" if by_value or self.view == "stat" else "palette-classic-by-name"},
            "thresholds": self.steps.document() if self.steps is not None else plain,
            "custom": self._drawing(),
            **({"min": 0} if self.view in ("timeseries", "bargauge") else {}),
            **{key: value for key, value in optional.items() if value is not None},
        }

    def _drawing(self) -> dict[str, Any]:
        if self.view == "table":
            return {"align": "auto", "filterable": True}
        if self.view != "timeseries":
            return {}
        return {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 0,
            "showPoints": "never",
            # the gateway keeps a value between pushes; a gap is a gap
            "spanNulls": False,
            "thresholdsStyle": {"mode": "dashed" if self.steps is not None else "off"},
        }

    def _overrides(self) -> list[dict[str, Any]]:
        if self.view == "table":
            return [_override("byName", name, "unit", unit) for name, unit in self.units.items()]
        found: list[dict[str, Any]] = []
        if self.view == "timeseries":
            found += [
                _override("byRegexp", f"/\\b{outcome}$/", "color", {"mode": "fixed", "fixedColor": colour})
                for outcome, colour in _OUTCOMES.items()
            ]
            dashes = {"p50": {"fill": "dot", "dash": [0, 6]}, "target": {"fill": "dash", "dash": [10, 6]}}
            found += [_override("byRegexp", f"/\\b{end}$/", "custom.lineStyle", style) for end, style in dashes.items()]
        return found

    def _options(self) -> dict[str, Any]:
        reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        match self.view:
            case "timeseries":
                legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
                return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
            case "stat":
                look = {"colorMode": "value", "graphMode": "area", "textMode": "auto", "orientation": "auto"}
                return {**look, "justifyMode": "auto", "reduceOptions": reduced}
            case "bargauge":
                return {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": reduced}
            case "heatmap":
                return {
                    "calculate": False,
                    "cellGap": 1,
                    "color": {
                        "mode": "scheme",
                        "scheme": "Oranges",
                        "steps": 64,
                        "exponent": 0.5,
                        "fill": "dark-orange",
                    },
                    "yAxis": {"unit": self.unit, "axisPlacement": "left"},
                    "rowsFrame": {"layout": "auto"},
                    "legend": {"show": True},
                    "tooltip": {"mode": "single", "yHistogram": False},
                }
            case "table":
                return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}

    def _columns(self) -> list[dict[str, Any]]:
        """Rows of all queries with the same labels become one."""
        several = len(self.queries) > 1
        names = {
            f"Value #{_ref_id(number)}" if several else "Value": query.legend
            for number, query in enumerate(self.queries)
        }
        hidden = {"Time": True} | {column: True for column, name in names.items() if not name}
        shown = {column: name for column, name in names.items() if name}
        return [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": hidden, "renameByName": shown, "indexByName": {}}},
        ]


def _ref_id(number: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number]


def _override(matcher: str, what: str, setting: str, value: object) -> dict[str, Any]:
    return {"matcher": {"id": matcher, "options": what}, "properties": [{"id": setting, "value": value}]}
