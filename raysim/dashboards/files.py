"""The files that dashboards and rules are kept in."""

from __future__ import annotations

from pathlib import Path

from raysim.dashboards.alerts import ALERTS
from raysim.dashboards.catalog import DASHBOARDS
from raysim.dashboards.earlier_rules import EARLIER
from raysim.dashboards.rule import prometheus_rule, rules_file

_MADE = "# Made by `raysim dashboards build`; change raysim/dashboards, not this.\n"


def built() -> dict[str, str]:
    """What is built: paths below the folder of dashboards, and their text."""
    return {
        **{f"{dashboard.name}.json": dashboard.text() for dashboard in DASHBOARDS},
        "rules/alerts.yaml": _MADE + rules_file(ALERTS),
        "rules/earlier-harness.yaml": _MADE + rules_file(EARLIER),
        "rules/prometheus-rule.yaml": _MADE + prometheus_rule("raysim", ALERTS),
    }


def write(folder: Path) -> list[Path]:
    """Write them all; their paths.

    Raises:
        OSError: one cannot be written.
    """
    paths = []
    for name, text in built().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def stale(folder: Path) -> list[Path]:
    """Those that are not there, or not what is built.

    Raises:
        OSError: one cannot be read.
    """
    return [folder / name for name, text in built().items() if not _holds(folder / name, text)]


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
