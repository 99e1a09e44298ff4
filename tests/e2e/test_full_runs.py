"""The end-to-end runs at full length, on the simulated platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import phases
from tests.e2e.full_run import FullRun, full_run, scenario

pytestmark = pytest.mark.e2e

#: the verdict on the load generator may be that this machine is too small: that is for a reader, not for a test
FIT = (0, 7)


def steady(orgs: int, per_org: int, minutes: int) -> dict[str, Any]:
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": f"{orgs}-orgs-{per_org}-users"},
        "spec": {
            "organizations": {"count": orgs},
            "users": {"perOrg": {"min": per_org, "max": per_org}},
            "userBehavior": {
                "thinkTimeSeconds": {"base": 3, "variance": 2},
                "modelPreferences": [{"model": "gpt-4o-mini"}],
            },
            "loadPattern": {"phases": [{"name": "sustained", "duration": f"{minutes}m"}]},
        },
    }


def tell(run: FullRun) -> None:
    """For the log: the report as a reader would see it."""
    print(run.output[-6000:])


def check_steady(run: FullRun, users: int, seconds: float) -> None:
    tell(run)
    assert run.exit_code in FIT
    summary = run.summary
    assert (summary["status"], summary["stop_reason"]) == ("completed", "completed")
    assert summary["duration_s"] >= seconds
    assert (summary["users"]["bootstrapped"], summary["users"]["lost"]) == (users, 0)
    assert summary["error_rate"] == 0.0
    assert summary["schedule"]["largest_lasting_users"] == 0
    assert summary["think_time"]["within_10_percent"] is True
    run.check_books()
    assert run.growth(seconds / 4, seconds) < 0.05


def test_ten_users_for_five_minutes(tmp_path: Path) -> None:
    run = full_run(steady(1, 10, 5), tmp_path, timeout_s=480)
    check_steady(run, 10, 300)


def test_three_organisations_with_thirty_users_for_ten_minutes(tmp_path: Path) -> None:
    run = full_run(steady(3, 10, 10), tmp_path, timeout_s=800)
    check_steady(run, 30, 600)
    assert [tenant["users"] for tenant in run.summary["tenants"]] == [10, 10, 10]
    assert all(tenant["requests"]["total"] > 500 for tenant in run.summary["tenants"])


@pytest.mark.parametrize("pattern", [phases.scenario, phases.wave])
def test_sixty_users_follow_every_ramp(tmp_path: Path, pattern: Any) -> None:
    assert phases.play(pattern(60), tmp_path)


def test_a_cost_limit_is_used_and_not_overspent(tmp_path: Path) -> None:
    run = full_run(scenario("budget-exhaustion"), tmp_path, timeout_s=180)
    tell(run)
    assert run.exit_code in (5, 7)
    summary = run.summary
    assert (summary["status"], summary["stop_reason"]) == ("stopped", "cost")
    assert summary["cost"]["overspend_usd"] == 0.0
    assert 0.95 <= summary["cost"]["utilisation"] <= 1.0
    assert run.json("platform-ledger.json")["total"]["usd"] <= 0.05
    run.check_books()


def test_an_error_limit_stops_within_its_window(tmp_path: Path) -> None:
    run = full_run(scenario("error-limit"), tmp_path, timeout_s=180)
    tell(run)
    assert run.exit_code in (5, 7)
    summary = run.summary
    assert (summary["status"], summary["stop_reason"]) == ("stopped", "errors")
    (stopping,) = run.events("stopping")
    # the platform fails from second 20 on; the window is ten seconds
    assert 20 < stopping["run_s"] <= 20 + 10 + 2
    assert len(run.events("drained")) == 1
    # what was in flight ended by itself
    assert summary["requests"]["cancelled"] == 0
    run.check_books()


def test_a_thousand_users(tmp_path: Path) -> None:
    run = full_run(scenario("thousand-users"), tmp_path, timeout_s=1500)
    tell(run)
    assert run.exit_code in FIT
    summary = run.summary
    assert summary["status"] == "completed"
    assert summary["users"]["bootstrapped"] >= 980
    assert summary["error_rate"] < 0.01
    assert summary["questions"]["uniqueness"] > 0.999
    run.check_books()
    # the sustained phase, from a minute in
    growth = run.growth(150 + 60, 150 + 300)
    print(f"memory of all actors grew by {growth:.1%} in the last four minutes of the sustained phase")
    assert growth < 0.10
