from __future__ import annotations

import pytest

from raysim.core.plan.estimate import Estimate
from raysim.preflight.check import Check, Tally, insist
from raysim.preflight.expectations import check_cost, check_hash, not_checked, scenario_hash


def costing(worst: float | None) -> Estimate:
    return Estimate(1, 1, 1, 1, 60.0, 1.5, 60.0, 1000, 0.01, worst)


def test_a_hash_changes_with_the_scenario_alone() -> None:
    assert scenario_hash("a: 1\n") == scenario_hash("a: 1\n") != scenario_hash("a: 2\n")


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        (None, "passed"),
        ("0123456789abcdef", "passed"),
        ("01234567", "passed"),
        (" 0123456789ABCDEF ", "passed"),
        ("0123456", "failed"),
        ("", "failed"),
        ("0123456789abcdee", "failed"),
        ("0123456789abcdef0", "failed"),
    ],
)
def test_a_scenario_that_was_changed_since_it_was_planned_fails(expected: str | None, verdict: str) -> None:
    check = check_hash("0123456789abcdef", expected)
    assert check.verdict == verdict
    assert bool(check.advice) == (verdict == "failed")


@pytest.mark.parametrize(
    ("worst", "limit", "found", "warns"),
    [
        (3.0, 1.0, "worst case $3.00, limit $1, which may end the run early", False),
        (3.0, 5.0, "worst case $3.00, limit $5, which cannot be reached", False),
        (3.0, None, "worst case $3.00, no limit", False),
        (None, 5.0, "worst case unknown, since think time can be 0, limit $5, which may end the run early", False),
        (None, None, "worst case unknown, since think time can be 0, no limit", True),
    ],
)
def test_cost_informs(worst: float | None, limit: float | None, found: str, warns: bool) -> None:
    check = check_cost(costing(worst), limit)
    assert (check.verdict, check.found, check.warns) == ("passed", found, warns)


def test_what_is_asked_for_and_not_there_yet_is_said() -> None:
    assert not_checked(None) == []
    checks = not_checked("http://push")
    assert [(check.name, check.verdict) for check in checks] == [("Pushgateway", "skipped")]


def test_warnings_count_among_those_that_passed() -> None:
    checks = [Check("a", "passed", "x"), Check("b", "passed", "x", "y"), Check("c", "skipped", "x")]
    assert str(Tally.of(checks)) == "2 passed (1 with a warning), 1 skipped"
    insist(checks)
    assert str(Tally.of([*checks, Check("d", "failed", "x")])) == "1 failed, 2 passed (1 with a warning), 1 skipped"
