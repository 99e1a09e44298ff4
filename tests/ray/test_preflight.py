"""Preflight on a real Ray: what the nodes say, and credentials read where the coordinator would read them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.ray.conftest import Platform, Runner, short_load

pytestmark = pytest.mark.ray


def test_a_cluster_is_joined_asked_and_left_as_it_was(runner: Runner, platform: Platform) -> None:
    spec = short_load(platform, workers={"usersPerActor": 50, "usersPerWorker": 50, "replicas": 2})
    command = [sys.executable, "-m", "raysim", "preflight", str(runner.scenario(spec))]
    # as in a pod that has no token
    environ = {**os.environ, "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    ended = subprocess.run(
        [*command, "--address", runner.address, "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environ,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said: dict[str, Any] = json.loads(ended.stdout)
    found = {check["name"]: check for check in said["checks"]}
    assert [name for name, check in found.items() if check["verdict"] == "failed"] == []
    assert found["nodes answer"]["found"] == "1 of 1"
    assert found["user slots"]["found"] == "4 users, 64 sim_user slots"
    assert found["quotas"]["found"] == "not checked: this pod has no token of a service account"
    for name in ("Ray cluster", "memory", "open files", "nodes' clocks", "administrator", "models"):
        assert found[name]["verdict"] == "passed", found[name]
    assert platform.ledger()["total"]["orgs"]["created"] == 0
    assert platform.admin_token not in ended.stdout + ended.stderr


def test_a_run_that_fails_its_preflight_names_all_that_failed(runner: Runner, platform: Platform) -> None:
    spec = short_load(platform, users=40)
    spec["targets"]["auth"] = {"tokenFile": str(runner.folder / "token")}
    (runner.folder / "token").write_text("not-the-token", encoding="utf-8")
    run = runner.run(spec, "unprepared")
    assert run.exit_code == 3, run.output
    assert "user slots: 80 users, 64 sim_user slots" in run.output
    assert "answered 401: the token is not taken" in run.output
    assert "Traceback" not in run.output
    assert "not-the-token" not in run.output
    assert platform.ledger()["total"]["orgs"]["created"] == 0
