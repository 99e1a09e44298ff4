from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from raysim.core.goals.figure import FIGURES, QUANTITIES, STATISTICS
from raysim.core.goals.threshold import Scope, Threshold, judge


def figures(**changes: Any) -> dict[str, Any]:
    return {
        "ttft": {"p95": 0.7, "count": 12},
        "error_rate": 0.25,
        "requests": {"total": 14, "success": 9, "error": 3, "refused": 2, "headline": 14},
        "cost": {"usd": 0.0},
        "goodput": {"requests": 0.5, "of": 12},
    } | changes


@pytest.mark.parametrize(
    ("expression", "value", "held", "samples"),
    [
        ("ttft_p95 < 800ms", 0.7, True, 12),
        ("ttft_p95 < 700ms", 0.7, False, 12),
        ("error_rate < 30%", 0.25, True, 12),
        ("errors <= 3", 3.0, True, 14),
        ("goodput >= 95%", 0.5, False, 12),
        ("cost_usd <= 5", 0.0, True, 14),
    ],
)
def test_a_threshold_is_held_against_its_figure(expression: str, value: float, held: bool, samples: int) -> None:
    judged = judge(Threshold(expression), figures())
    assert (judged.value, judged.held, judged.samples) == (value, held, samples)


@pytest.mark.parametrize(
    ("expression", "measured"),
    [
        ("ttft_p95 < 800ms", {"ttft": {"p95": None, "count": 0}}),
        ("error_rate < 1%", {"error_rate": None, "requests": {"total": 0, "success": 0, "error": 0}}),
        # nothing was spent because nothing was sent
        ("cost_usd <= 5", {"requests": {"total": 0}}),
        ("goodput >= 0%", {"goodput": None}),
        ("goodput >= 0%", {"goodput": {"requests": None, "of": 5}}),
    ],
)
def test_what_was_not_measured_does_not_hold(expression: str, measured: dict[str, Any]) -> None:
    judged = judge(Threshold(expression), figures(**measured))
    assert judged.value is None
    assert not judged.held


def test_a_scope_says_when_and_of_what() -> None:
    assert Scope().whole
    assert not Scope(org="org-1").timed
    assert Scope(from_s=0.0).timed
    assert str(Scope(model="m", to_s=90.0)) == "model m, to 90s"


def test_every_figure_is_named_once() -> None:
    assert all(figure.name == name for name, figure in FIGURES.items())
    assert {"ttft_p95", "tps_mean", "error_rate", "cost_usd", "goodput"} <= set(FIGURES)


def test_the_page_names_every_figure() -> None:
    page = (Path(__file__).parents[4] / "docs" / "thresholds.md").read_text(encoding="utf-8")
    named = {name if name not in QUANTITIES else f"{name}_…" for name in {*QUANTITIES, *FIGURES}}
    with_statistics = {f"{quantity}_{statistic}" for quantity in QUANTITIES for statistic in STATISTICS}
    assert [name for name in sorted(named - with_statistics) if f"`{name}`" not in page] == []
    assert all(f"`{statistic}`" in page for statistic in STATISTICS)
