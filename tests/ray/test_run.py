"""The main job on real Ray: what it counts, what it leaves behind, how it ends."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ray.util.state.common import ActorState

from raysim.results import open_run
from tests.component.report.html.parsed import Page
from tests.ray.conftest import Platform, Run, Runner, actors_of, short_load
from tests.ray.gateway import Gateway, recording_gateway

pytestmark = pytest.mark.ray


def wait_for(path: Path, text: str, seconds: float = 60) -> None:
    """Until `text` is in the file; the event that a test acts upon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and text in path.read_text(encoding="utf-8"):
            return
        time.sleep(0.05)
    raise AssertionError(f"{text!r} did not appear in {path}")


def user_actors(count: int, seconds: float = 30) -> list[ActorState]:
    """The user actors that are alive, once Ray's dashboard knows of so many; it may be seconds late."""
    end = time.monotonic() + seconds
    while True:
        found = actors_of("UserActor")
        if len(found) >= count or time.monotonic() > end:
            return found
        time.sleep(0.2)


def files_holding(folder: Path, secrets: list[str]) -> list[Path]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_socket():
            content = path.read_bytes()
            found += [path for secret in secrets if secret.encode() in content]
    return found


def test_numbers_equal_the_platforms_own(runner: Runner) -> None:
    with recording_gateway() as gateway:
        metrics = {"pushgatewayUrl": gateway.url, "exportInterval": "1s"}
        spec = short_load(users=3, seconds=5, metrics=metrics, cleanup={"retainMetrics": False})
        run = runner.run(spec, "exact")
    assert run.exit_code in (0, 7), run.output
    pushed_as_counted(gateway, run.summary)
    kept_as_counted(run)
    summary, books = run.summary, run.json("platform-ledger.json")
    rows = pl.read_parquet(run.directory / "requests" / "*.parquet")
    assert summary["requests"]["total"] == rows.height == books["total"]["requests"]["total"] > 20
    assert summary["tokens"]["prompt"] == books["total"]["prompt_tokens"]
    assert summary["tokens"]["completion"] == books["total"]["completion_tokens"]
    assert math.isclose(summary["cost"]["usd"], books["total"]["usd"], rel_tol=1e-9)
    assert rows["request_id"].n_unique() == rows.height
    assert set(rows["request_id"]) == {entry["request_id"] for entry in books["requests"]}
    assert (summary["billing"]["source"], summary["billing"]["verdict"]) == ("ledger", "agrees")
    assert math.isclose(summary["billing"]["total"]["difference"]["usd"], 0.0, abs_tol=1e-12)
    assert summary["cleanup"]["remaining"] == 0
    assert summary["users"] | {"lost_users": []} == {
        "planned": 6,
        "bootstrapped": 6,
        "lost": 0,
        "replaced": 0,
        "lost_users": [],
    }
    assert summary["questions"]["uniqueness"] == 1.0
    page = Page((run.directory / "report.html").read_text(encoding="utf-8")).data
    assert page["summary"] == summary
    assert max(page["charts"][0]["series"][1]["y"]) == pl.read_parquet(run.directory / "load.parquet")["active"].max()
    assert run.output.splitlines()[-1] == str(run.directory)


def pushed_as_counted(gateway: Gateway, summary: dict[str, Any]) -> None:
    """The last push of a run says what its summary says, and was taken back afterwards."""
    assert gateway.deleted == list(gateway.groups)
    assert [path.rpartition("/")[2] for path in gateway.groups] == ["run", "0"]
    assert gateway.puts >= 10
    assert gateway.total("run_requests_total", status="success") == summary["requests"]["success"]
    assert gateway.total("user_requests_total") == summary["requests"]["total"]
    assert gateway.total("run_tokens_total", token_type="completion") == summary["tokens"]["completion"]
    assert math.isclose(gateway.total("run_cost_usd_total"), summary["cost"]["usd"], rel_tol=1e-9)
    assert gateway.total("llm_time_to_first_token_seconds_count") == summary["ttft"]["count"]
    assert gateway.total("worker_orgs_created_total") == 2
    assert gateway.total("worker_bootstrap_seconds_count") == 6
    assert gateway.total("worker_status", status="drained") == gateway.total("worker_status") == 1
    assert gateway.total("run_active_users") == gateway.total("limit_breached") == 0
    assert gateway.total("run_duration_seconds") == pytest.approx(summary["duration_s"])
    assert summary["metrics"] | {"pushed": 0} == {"pushed": 0, "dropped": 0, "trouble": ""}


def kept_as_counted(run: Run) -> None:
    """The directory has every interval's metrics, and the last of them say what the summary says."""
    windows = open_run(run.directory).windows()
    assert windows is not None
    total = windows.filter(name="loadtest_run_requests_total", status="success").collect()
    assert total.height >= 5
    assert total["value"].is_sorted()
    assert (total["value"][0], total["value"][-1]) == (0, run.summary["requests"]["success"])
    last = f'loadtest_run_requests_total{{test_run="exact",status="success"}} {total["value"][-1]}\n'
    assert last in (run.directory / "metrics.prom").read_text(encoding="utf-8")
    assert not (run.directory / ".windows.jsonl").exists()


def test_one_actor_a_user_by_name_and_no_secret_anywhere(runner: Runner, platform: Platform, ray_logs: Path) -> None:
    one_each = {"usersPerActor": 1, "usersPerWorker": 50}
    copies, token = runner.folder / "copies", runner.folder / "token"
    token.write_text("for-the-gateway-alone")
    with recording_gateway() as gateway:
        auth, export = {"pushgatewayAuth": {"tokenFile": str(token)}}, {"exportResultsTo": str(copies)}
        metrics = {"pushgatewayUrl": gateway.url, "exportInterval": "1s", **auth}
        spec = short_load(platform, users=1, seconds=5, workers=one_each, metrics=metrics, cleanup=export)
        process = runner.start(spec, "secrets", "--set", "advanced.debug=true")
        wait_for(runner.folder / "results" / "secrets" / "events.jsonl", "run_started")
        actors = user_actors(2)
        run = runner.finish(process, "secrets")
    assert run.exit_code in (0, 7), run.output
    assert {actor.name for actor in actors} == {"user/org-1/user-org-1-1", "user/org-2/user-org-2-1"}
    keys = [key for key in platform.keys if key]
    assert len(keys) >= 2
    # preflight and every push have shown it
    assert gateway.shown == {f"Bearer {token.read_text()}"}
    secrets = [*keys, platform.admin_token, token.read_text()]
    assert not any(secret in run.output or secret in repr(actors) for secret in secrets)
    assert files_holding(run.directory, secrets) == []
    pushed = "".join(gateway.groups.values())
    assert "loadtest_user_requests_total{" in pushed
    assert not any(secret in pushed for secret in secrets)
    assert run.summary["export"]["status"] == "complete"
    copied = {path.name: path.read_bytes() for path in (copies / "secrets").rglob("*") if path.is_file()}
    assert copied.pop("manifest.json")
    assert copied == {path.name: path.read_bytes() for path in run.directory.rglob("*") if path.is_file()}
    assert files_holding(ray_logs, secrets) == []
    assert any("request_id" in line for line in run.lines("logs/users-0.jsonl"))


def _pid_of(name: str) -> int:
    """The process of a living actor; Ray's list may be seconds behind."""
    for _ in range(20):
        for actor in actors_of("UserActor"):
            if actor.name == name and actor.pid:
                return int(actor.pid)
        time.sleep(0.2)
    raise AssertionError(f"no living actor is called {name}")


def test_a_killed_user_actor_is_replaced_and_named(runner: Runner, platform: Platform) -> None:
    one_each = {"usersPerActor": 1, "usersPerWorker": 50}
    spec = short_load(platform, users=1, seconds=9, workers=one_each, bootstrap={"onLoss": "respawn"})
    process = runner.start(spec, "killed")
    wait_for(runner.folder / "results" / "killed" / "events.jsonl", '"kind":"phase"')
    time.sleep(1)
    os.kill(_pid_of("user/org-1/user-org-1-1"), signal.SIGKILL)
    run = runner.finish(process, "killed")
    assert run.exit_code in (0, 7), run.output
    users = run.summary["users"]
    assert (users["bootstrapped"], users["lost"], users["replaced"]) == (2, 0, 1)
    (loss,) = users["lost_users"]
    assert loss["user_id"] == "user-org-1-1"
    assert 0 <= loss["heard_s"] <= loss["at_s"] < loss["back_s"] < 9
    assert "user-org-1-1" in run.output
    assert (len(run.events("pack_lost")), len(run.events("users_back"))) == (1, 1)
    rows = pl.read_parquet(run.directory / "requests" / "*.parquet")
    books = platform.ledger()
    ids = rows["request_id"].to_list()
    assert len(ids) == len(set(ids))
    got = {entry["request_id"] for entry in books["requests"]}
    assert set(ids) <= got
    # what no record tells is told as an interval, before anybody has looked into the books
    losses = run.summary["losses"]
    unrecorded = losses["requests_unrecorded"]
    assert unrecorded["min"] <= len(got - set(ids)) <= unrecorded["max"] < 60
    assert (losses["users"], losses["processes"][0]["life"]) == (["user-org-1-1"], 0)
    assert 0 < losses["seconds_affected"] <= loss["back_s"] - loss["heard_s"] + 0.001
    assert losses["sentence"] in " ".join(run.output.split())
    lives = {
        request_id.split("-")[-1].split(".")[0] for request_id in rows.filter(user_id="user-org-1-1")["request_id"]
    }
    assert lives == {"0", "1"}
    assert run.summary["questions"]["uniqueness"] == 1.0
    # the same user with a new key; the old one was revoked at once, with a line of its own
    assert books["total"]["users"]["created"] == 2
    assert books["total"]["keys"] == {"created": 3, "active": 0, "revoked": 3}
    assert any("set up again" in line.get("detail", "") for line in run.lines("resources.jsonl"))
    assert run.summary["cleanup"]["remaining"] == 0


def test_a_signal_drains_cleans_up_and_reports(runner: Runner, platform: Platform) -> None:
    numbers = {"interrupted": signal.SIGINT, "terminated": signal.SIGTERM}
    # two runs at once, neither of which measures anything
    processes = {run_id: runner.start(short_load(platform, seconds=60), run_id) for run_id in numbers}
    for run_id in numbers:
        wait_for(runner.folder / "results" / run_id / "events.jsonl", '"kind":"phase"')
    time.sleep(1)
    for run_id, number in numbers.items():
        processes[run_id].send_signal(number)
    runs = [runner.finish(process, run_id) for run_id, process in processes.items()]
    for run in runs:
        assert run.exit_code == 130, run.output
        assert run.summary["status"] == "interrupted"
        assert run.summary["requests"]["total"] > 0
    total = platform.ledger()["total"]
    assert sum(run.summary["requests"]["total"] for run in runs) == total["requests"]["total"]
    assert total["keys"]["active"] == 0


def test_a_dead_driver_leaves_no_load_and_no_tenant(runner: Runner, platform: Platform) -> None:
    process = runner.start(short_load(platform, seconds=60, limits={"lease": "6s"}), "orphan")
    events = runner.folder / "results" / "orphan" / "events.jsonl"
    wait_for(events, '"kind":"phase"')
    time.sleep(1)
    (coordinator,) = actors_of("Coordinator")
    assert coordinator.pid is not None
    process.kill()
    # the next one has nobody left to call it
    os.kill(coordinator.pid, signal.SIGKILL)
    process.communicate()
    wait_for(events, '"kind":"cleaned_up"', 30)
    books = platform.ledger()
    assert books["total"]["keys"] | {"created": 0, "revoked": 0} == {"created": 0, "active": 0, "revoked": 0}
    assert books["total"]["orgs"]["active"] == 0
    time.sleep(1)
    assert platform.ledger()["total"]["requests"] == books["total"]["requests"]
    # it has ended for good, and left nothing to go on from
    assert not actors_of("Coordinator", starting=True)
    assert not (events.parent / "state").exists()


def test_a_cost_limit_stops_the_run_and_is_not_overspent(runner: Runner) -> None:
    limit_usd = 0.002
    run = runner.run(short_load(users=8, seconds=60, limits={"maxCostUsd": limit_usd}), "cost")
    assert run.exit_code in (5, 7), run.output
    assert run.summary["status"] == "stopped"
    assert run.summary["stop_reason"] == "cost"
    cost, books = run.summary["cost"], run.json("platform-ledger.json")
    assert 0.95 * limit_usd <= books["total"]["usd"] <= limit_usd
    assert math.isclose(cost["usd"], books["total"]["usd"], rel_tol=1e-9)
    assert (cost["overspend_usd"], cost["unverified_usd"], cost["reserved_unsettled_usd"]) == (0.0, 0.0, 0.0)
    assert cost["utilisation"] == pytest.approx(cost["usd"] / limit_usd)
    assert run.summary["cleanup"]["remaining"] == 0


def test_a_platform_that_only_fails_stops_the_run_without_a_success(runner: Runner, platform: Platform) -> None:
    platform.faults(errorRate=1.0)
    limits = {"maxErrorRate": 0.5, "minRequests": 4, "errorWindow": "5s"}
    run = runner.run(short_load(platform, seconds=30, limits=limits), "failing")
    assert run.exit_code == 9, run.output
    assert run.summary["stop_reason"] == "errors"
    assert run.summary["requests"]["by_error"] == {"http_5xx": run.summary["requests"]["total"]}
    assert platform.ledger()["total"]["keys"]["active"] == 0


def test_a_failed_bootstrap_cleans_up_and_says_so(runner: Runner, platform: Platform) -> None:
    platform.faults(bootstrapErrorRate=1.0)
    run = runner.run(short_load(platform, seconds=30, bootstrap={"timeout": "3s"}), "no-bootstrap")
    assert run.exit_code == 4, run.output
    assert "creating organisation" in run.output
    assert "Traceback" not in run.output
    assert run.summary["status"] == "failed"


def test_a_starved_generator_does_not_pass_for_an_instrument(runner: Runner) -> None:
    process = runner.start(short_load(users=4, seconds=8), "starved")
    wait_for(runner.folder / "results" / "starved" / "events.jsonl", '"kind":"phase"')
    (actor,) = user_actors(1)
    assert actor.pid is not None
    core = {min(os.sched_getaffinity(0))}
    for thread in Path(f"/proc/{actor.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), core)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    try:
        for rival in busy:
            os.sched_setaffinity(rival.pid, core)
        run = runner.finish(process, "starved")
    finally:
        for rival in busy:
            rival.kill()
            rival.wait()
    generator = run.summary["load_generator"]
    assert generator["verdict"] in ("suspect", "invalid")
    assert generator["flagged_share"] > 0.01
    assert "late" in generator["reasons"][0]
    assert run.exit_code == (7 if generator["verdict"] == "invalid" else 0), run.output


def test_requests_come_by_the_clock(runner: Runner) -> None:
    pattern = {
        "type": "steady",
        "arrivals": {"mode": "constant", "requestsPerSecond": 20},
        "phases": [{"name": "sustained", "duration": "4s"}],
    }
    thresholds = ["requests <= 80", {"expression": "ttft_p50 < 1ns", "phase": "sustained"}]
    scenario = short_load(loadPattern=pattern, limits={"maxRequestsPerSecond": 50}, thresholds=thresholds)
    run = runner.run(scenario, "clock")
    # a threshold that failed is the exit status, unless the measurement itself is not to be believed
    assert run.exit_code in (6, 7), run.output
    assert [entry["verdict"] for entry in run.summary["thresholds"]] == ["held", "failed"]
    requests = run.summary["requests"]
    assert requests["arrivals_due"] == 80
    assert requests["success"] + requests["unsent"] == 80
    assert requests["unsent"] <= 2
    due = pl.read_parquet(run.directory / "requests" / "*.parquet").sort("due_unix_ns")["due_unix_ns"]
    gaps = due.diff().drop_nulls() / 1e6
    # planned on the coordinator's clock, carried out by another process: evenly spaced all the same
    assert (gaps.min(), gaps.max()) == pytest.approx((50.0, 50.0), abs=0.01)
    assert run.summary["held"]["count"] > 0
