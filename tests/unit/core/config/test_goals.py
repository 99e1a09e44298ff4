from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.reading import examine
from raysim.core.goals.slo import Slo
from raysim.core.goals.threshold import Scope, Threshold
from raysim.core.plan.build import build_plan
from tests.unit.core.config.documents import document

PHASES = {"type": "steady", "phases": [{"name": "warm", "duration": "10s"}, {"name": "sustained", "duration": "50s"}]}


def errors_of(*thresholds: Any, **spec: Any) -> dict[str, str]:
    found = examine(document(**({"loadPattern": PHASES, "thresholds": list(thresholds)} | spec)))
    return {problem.path: problem.message for problem in found.errors}


def test_goals_reach_the_plan() -> None:
    spec: dict[str, Any] = {
        "loadPattern": PHASES,
        "slo": {"ttft": "200ms", "latency": "3s"},
        "thresholds": [
            "ttft_p95  <  800ms",
            {"expression": "tps_mean > 40", "backend": "a", "phase": "sustained", "from": "20s", "to": "1m"},
        ],
    }
    found = examine(document(**spec))
    assert found.scenario is not None, found.errors
    plan = build_plan(found.scenario, "run-1", started="")
    assert plan.slo == Slo(ttft_s=0.2, latency_s=3.0)
    assert plan.thresholds == (
        Threshold("ttft_p95 < 800ms"),
        Threshold("tps_mean > 40", Scope(backend="a", phase="sustained", from_s=20.0, to_s=60.0)),
    )


@pytest.mark.parametrize(
    ("threshold", "key", "message"),
    [
        ("ttft_p95 < 800", "expression", "write 800ms for milliseconds"),
        ({"expression": "tps_men > 40"}, "expression", "did you mean tps_mean?"),
        (
            {"expression": "tps_mean > 40", "phase": "sustaned"},
            "phase",
            "there is no phase 'sustaned'; did you mean sustained?",
        ),
        ({"expression": "tps_mean > 40", "model": "gpt4o"}, "model", "there is no model 'gpt4o'; did you mean gpt-4o"),
        ({"expression": "tps_mean > 40", "org": "acme"}, "org", "there is no org 'acme'; there is org-1"),
        ({"expression": "tps_mean > 40", "fase": "warm"}, "fase", "is no known key"),
        (
            {"expression": "tps_mean > 40", "from": "30s", "to": "20s"},
            "from",
            "found 30s, which is not before to (20s)",
        ),
        ({"expression": "tps_mean > 40", "from": "60s"}, "from", "found 1m, but the load is over at 1m"),
        ({"expression": "tps_mean > 40", "from": "10s", "phase": "warm"}, "from", "phase warm is over at 10s"),
        ({"expression": "tps_mean > 40", "to": "10s", "phase": "sustained"}, "to", "phase sustained begins at 10s"),
        ("goodput >= 95%", "expression", "goodput needs an SLO to judge requests by; give spec.slo"),
    ],
)
def test_a_threshold_about_nothing_is_refused(threshold: Any, key: str, message: str) -> None:
    found = errors_of("error_rate < 1%", threshold)
    assert list(found) == [f"spec.thresholds[1].{key}"]
    assert message in found[f"spec.thresholds[1].{key}"]


def test_names_that_are_made_for_the_run_are_not_checked() -> None:
    orgs = {"count": 2, "namingPattern": "org-{index}-{random}"}
    assert errors_of({"expression": "error_rate < 1%", "org": "org-1-abc"}, organizations=orgs) == {}


def test_an_slo_says_something() -> None:
    assert errors_of(slo={}) == {"spec.slo": "is empty; give at least one of ttft, tpot and latency"}
    assert errors_of("goodput > 90%", slo={"tpot": "50ms"}) == {}
