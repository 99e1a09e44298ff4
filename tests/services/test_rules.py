"""Alerts, recording rules and every query of the dashboards, held against Prometheus' own promtool."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from raysim.dashboards.alerts import ALERTS
from raysim.dashboards.catalog import DASHBOARDS
from raysim.dashboards.questions import questions
from raysim.dashboards.rule import Alert
from tests.services.debian import program

RULES = Path(__file__).resolve().parents[2] / "dashboards" / "rules"
CASES = Path(__file__).resolve().parent / "rules"


def promtool(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run([program("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_rules_are_what_prometheus_takes() -> None:
    status, says = promtool("check", "rules", RULES / "alerts.yaml", RULES / "earlier-harness.yaml")
    assert status == 0, says
    assert says.count("SUCCESS") == 2


def test_the_operators_rules_are_the_same() -> None:
    spec = yaml.safe_load((RULES / "prometheus-rule.yaml").read_text())["spec"]
    assert spec == yaml.safe_load((RULES / "alerts.yaml").read_text())


def test_rules_do_what_they_should() -> None:
    status, says = promtool("test", "rules", CASES / "alerts.yaml", CASES / "earlier-harness.yaml")
    assert status == 0, says


def test_every_alert_has_a_case() -> None:
    cases = (CASES / "alerts.yaml").read_text()
    told = set(re.findall(r"alertname: (\w+)\n        exp_alerts:\n", cases))
    assert told == {rule.name for group in ALERTS for rule in group.rules if isinstance(rule, Alert)}


def test_every_query_of_the_dashboards_is_promql(tmp_path: Path) -> None:
    asked = list(questions(DASHBOARDS))
    rules = [{"record": f"q:{number}", "expr": question.of_run("a")} for number, question in enumerate(asked)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    status, says = promtool("check", "rules", file)
    assert status == 0, says
    assert f"{len(asked)} rules found" in says
