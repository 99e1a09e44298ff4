"""Parts of the cluster die while a run goes on: it completes, doubles nothing, and says what it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.losses import SLOTS_PER_NODE, USERS, WORKERS, Outcome, Script, cluster_of, play
from tests.ray.conftest import serve_platform

pytestmark = pytest.mark.e2e


def outcome_of(script: Script, folder: Path) -> Outcome:
    with serve_platform(folder) as platform, cluster_of(WORKERS, SLOTS_PER_NODE) as cluster:
        outcome = play(script, cluster, platform, folder)
    assert outcome.run.summary["status"] == "completed", outcome.run.output
    assert outcome.run.exit_code in (0, 7), outcome.run.output
    assert "Traceback" not in outcome.run.output
    assert outcome.doubled == 0
    bounds = outcome.run.summary["losses"]["requests_unrecorded"]
    assert bounds["min"] <= len(outcome.unrecorded) <= bounds["max"], list(outcome.figures())
    assert outcome.run.summary["users"]["lost"] == 0
    assert outcome.run.summary["cleanup"]["remaining"] == 0
    assert outcome.books["total"]["users"]["created"] == USERS
    return outcome


def test_a_raylet_and_the_metrics_actor_are_killed(tmp_path: Path) -> None:
    outcome = outcome_of(Script(seconds=60, raylet=20.0, metrics=40.0), tmp_path)
    assert len(outcome.run.events("metrics_back")) == 1


def test_a_machine_dies(tmp_path: Path) -> None:
    outcome = outcome_of(Script(seconds=40, node=12.0), tmp_path)
    losses = outcome.run.summary["losses"]
    assert len(losses["users"]) == outcome.run.summary["users"]["replaced"] > 0
    # Ray alone would notice after 15 s
    assert losses["seconds_affected"] < 15


def test_a_node_is_preempted(tmp_path: Path) -> None:
    outcome = outcome_of(Script(seconds=30, drain=8.0, grace=20), tmp_path)
    assert outcome.run.events("users_moved")
    assert outcome.unrecorded == set()


def test_a_raylet_is_asked_to_end(tmp_path: Path) -> None:
    outcome_of(Script(seconds=30, sigterm=8.0), tmp_path)
