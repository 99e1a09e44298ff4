from __future__ import annotations

import io

from rich.console import Console

from raysim.core.control.terms import Change, Reload
from raysim.core.errors import Problem
from raysim.report.console import render_summary
from raysim.report.summary import summarise
from tests.component.report.sample_run import facts, lively, rows

PACE = Change("spec.userBehavior.thinkTimeSeconds.base", "3", "1")
LIMIT = Change("spec.limits.maxCostUsd", "5", "6")


def reload(run_s: float, *applied: Change, refused: tuple[Problem, ...] = ()) -> Reload:
    return Reload(run_s, applied, refused)


def test_every_change_is_in_the_summary_and_in_the_report() -> None:
    refused = (Problem("spec.users.perOrg.max", "cannot change"), Problem("", "the file is empty"))
    summary = summarise(rows(lively()), facts(reloads=(reload(12.0, LIMIT), reload(75.5, refused=refused))))
    assert summary["reloads"] == [
        {"at_s": 12.0, "applied": [{"path": LIMIT.path, "old": "5", "new": "6"}], "refused": []},
        {
            "at_s": 75.5,
            "applied": [],
            "refused": [
                {"path": "spec.users.perOrg.max", "why": "cannot change"},
                {"path": "", "why": "the file is empty"},
            ],
        },
    ]
    output = io.StringIO()
    render_summary(summary, Console(file=output, width=100))
    printed = " ".join(output.getvalue().split())
    assert "reloaded: at 12s, spec.limits.maxCostUsd: 5 → 6" in printed
    assert "not spec.users.perOrg.max: cannot change" in printed


def test_pauses_of_two_kinds_are_not_held_against_one() -> None:
    untouched = summarise(rows(lively()), facts(reloads=(reload(12.0, LIMIT),)))["think_time"]
    assert untouched["deviation"] is not None
    changed = summarise(rows(lively()), facts(reloads=(reload(12.0, LIMIT, PACE),)))["think_time"]
    assert (changed["within_10_percent"], changed["deviation"], changed["ratio"]) == (None, None, None)
    assert changed["statement"].startswith("changed at 12s of the run")
