"""Looking at a run and ending it from another shell, on a cluster that only the run itself knows of."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.ray.conftest import Platform, Runner, short_load
from tests.ray.test_run import wait_for

pytestmark = pytest.mark.ray


def raysim(runner: Runner, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "raysim", *arguments]
    # `auto` leads nowhere: a cluster of somebody else's may be on this machine
    environ = {**os.environ, "RAY_TMPDIR": str(runner.folder)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, cwd=runner.folder
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def test_a_local_run_is_seen_and_stopped_from_another_shell(runner: Runner, platform: Platform) -> None:
    process = runner.start(short_load(platform, seconds=60), "watched", "--address", "local")
    directory = runner.folder / "results" / "watched"
    wait_for(directory / "events.jsonl", '"kind":"phase"')
    asked = [raysim(runner, "status", "watched", "--json"), raysim(runner, "status")]
    asked.append(raysim(runner, "stop", "other", "--address", runner.address))
    one, every, other = map(end, asked)
    assert one[0] == 0, one[1]
    seen = json.loads(one[1])
    assert (seen["run_id"], seen["state"], seen["phase"]) == ("watched", "running", "sustained")
    assert (seen["users"]["ready"], seen["users"]["target"], seen["directory"]) == (4, 4, str(directory))
    assert every[0] == 0, every[1]
    assert "watched  running, sustained 1/1" in every[1]
    assert other[0] == 2, other[1]
    assert f"no run other is in progress at {runner.address}" in other[1]
    stopped = end(raysim(runner, "stop", str(directory)))
    assert stopped[0] == 0, stopped[1]
    assert "watched stops; requests in flight may take 30s" in stopped[1]
    run = runner.finish(process, "watched")
    assert run.exit_code == 130, run.output
    assert (run.summary["status"], run.summary["stop_reason"]) == ("interrupted", "interrupted")
    requests = run.summary["requests"]
    assert requests["cancelled"] == 0
    assert requests["total"] == platform.ledger()["total"]["requests"]["total"] >= seen["requests"]["total"]
    assert requests["total"] > 0
    assert platform.ledger()["total"]["keys"]["active"] == 0
    assert not (directory / "address").exists()
