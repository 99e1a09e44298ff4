"""What a killed run leaves behind, and what a run leaves on purpose: removed later, from the ledger."""

from __future__ import annotations

import subprocess
import sys

import pytest
import ray

from tests.ray.conftest import Platform, Runner, short_load
from tests.ray.test_run import files_holding, wait_for

pytestmark = pytest.mark.ray


def clean(runner: Runner, run_id: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "raysim", "cleanup", run_id, "--out", str(runner.folder / "results")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout + ended.stderr


def active(platform: Platform) -> tuple[int, int, int]:
    total = platform.ledger()["total"]
    return total["keys"]["active"], total["users"]["active"], total["orgs"]["active"]


def test_a_run_killed_with_its_coordinator_is_finished_from_its_ledger(runner: Runner, platform: Platform) -> None:
    process = runner.start(short_load(platform, seconds=60), "killed-all")
    wait_for(runner.folder / "results" / "killed-all" / "events.jsonl", '"kind":"phase"')
    code, said = clean(runner, "killed-all")
    assert code == 3, said
    assert "killed-all is looked after by process" in said
    assert active(platform) == (4, 4, 2)
    coordinator = ray.get_actor("killed-all", namespace="raysim")
    process.kill()
    # for good: a process that is merely killed is started again, and cleans up
    ray.kill(coordinator, no_restart=True)
    process.communicate()
    assert active(platform) == (4, 4, 2)
    ledger = runner.folder / "results" / "killed-all" / "resources.jsonl"
    with ledger.open("ab") as file:
        file.write(b'{"time":1.0,"kind":"us')
    code, said = clean(runner, "killed-all")
    assert code == 0, said
    assert "4 revoked, 6 suspended, 0 remaining" in said
    assert active(platform) == (0, 0, 0)
    assert clean(runner, "killed-all") == (0, "killed-all: nothing to do\n")


def test_what_is_retained_stays_until_it_is_cleaned_up(runner: Runner, platform: Platform) -> None:
    spec = short_load(platform, seconds=2, apiKeys={"perUser": 2})
    before = runner.run(spec, "removed")
    assert before.exit_code in (0, 7), before.output
    assert active(platform) == (0, 0, 0)
    cleanup = before.summary["cleanup"]
    assert (cleanup["status"], cleanup["suspended"], cleanup["revoked"]) == ("complete", 6, 8)
    assert (cleanup["deleted"], cleanup["retained"], cleanup["remaining"]) == (0, 0, 0)
    # the same scenario once more on the same platform
    run = runner.run({**spec, "cleanup": {"onCompletion": False}}, "retained")
    assert run.exit_code in (0, 7), run.output
    assert active(platform) == (8, 4, 2)
    total = platform.ledger()["total"]["requests"]["total"]
    assert before.summary["requests"]["total"] + run.summary["requests"]["total"] == total
    fates = {(line["kind"], line["label"]): line["fate"] for line in run.lines("resources.jsonl")[1:]}
    assert set(fates.values()) == {"retained"}
    assert len(fates) == 14
    assert run.summary["cleanup"]["retained"] == 14
    assert run.summary["cleanup"]["command"] == f"raysim cleanup {run.directory}"
    code, said = clean(runner, "retained")
    assert code == 0, said
    assert active(platform) == (0, 0, 0)
    secrets = [*filter(None, platform.keys), platform.admin_token]
    assert len(secrets) >= 17
    assert files_holding(run.directory, secrets) == []
    assert not any(secret in run.output + said for secret in secrets)
