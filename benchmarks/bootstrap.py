"""How quickly users come up: a run through Ray beside the same calls made by nobody but a loop.

    python -m benchmarks.bootstrap [--users 1000] [--pack 50]

The simulated platform has a core of its own; Ray, its actors and the loop share the other one. The clock runs from the
first user on the run's ledger to the last, while further actors start, which is what takes the time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import uvloop

from benchmarks.reference import LOAD_CORE, SERVER_CORE, pinned
from raysim.wire.client import HttpClient
from raysim.wire.json_call import call_json
from raysim.wire.target import HttpTarget

_PORT = 18093
_URL = f"http://127.0.0.1:{_PORT}"
_ORGS = 10
_AT_ONCE = 8
_TOKEN_ENV = "RAYSIM_PLATFORM_ADMIN_TOKEN"  # noqa: S105 - a variable's name
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class BootstrapFigures:
    """Users, the seconds in which a run set them up, and in which a loop made the same three calls for each."""

    users: int
    run_s: float
    loop_s: float
    success_rate: float
    cleanup_s: float

    def __str__(self) -> str:
        return (
            f"{self.users} users of {_ORGS} organisations: {self.run_s:.1f} s through Ray while actors start, "
            f"{self.users / self.run_s:.0f} users/s, {self.success_rate:.1%} of them set up; {self.loop_s:.2f} s "
            f"for the same calls alone ({self.loop_s / self.run_s:.1%} of that); removed and verified "
            f"in {self.cleanup_s:.1f} s"
        )


@contextmanager
def _platform(token: str) -> Iterator[None]:
    command = [sys.executable, "-m", "raysim", "platform", "serve", "--port", str(_PORT)]
    environment = {**os.environ, _TOKEN_ENV: token}
    process = subprocess.Popen(pinned(command, SERVER_CORE), env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(process)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    until_s = monotonic() + _PATIENCE_S
    while monotonic() < until_s and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{_URL}/healthz", timeout=1):  # noqa: S310 - loopback
                return
        except OSError:
            sleep(0.1)
    raise RuntimeError(f"the simulated platform did not begin to answer at {_URL}")


async def _calls(users: int, token: str) -> float:
    """Invite, activate and give a key to so many users; returns the seconds."""
    headers = {"Authorization": f"Bearer {token}"}
    target = HttpTarget.of(_URL)
    keeper = HttpClient(target)
    org = (await call_json(keeper, "POST", "/v1/orgs", body={"name": "loop", "slug": "loop"}, headers=headers)).json()
    base = f"/v1/orgs/{org['orgId']}"
    todo = iter(range(users))

    async def work(client: HttpClient) -> None:
        for number in todo:
            invite = {"email": f"user-{number}@loop.invalid"}
            made = (await call_json(client, "POST", f"{base}/invites", body=invite, headers=headers)).json()
            user = f"{base}/users/{made['inviteId']}"
            await call_json(client, "PATCH", user, body={"status": "active"}, headers=headers)
            await call_json(client, "POST", f"{user}/api-keys", body={}, headers=headers)
        client.close()

    started_s = monotonic()
    await asyncio.gather(*(work(HttpClient(target)) for _ in range(_AT_ONCE)))
    keeper.close()
    return monotonic() - started_s


def _scenario(users: int, pack: int) -> dict[str, Any]:
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "bootstrap"},
        "spec": {
            "organizations": {"count": _ORGS},
            "users": {"perOrg": {"min": users // _ORGS, "max": users // _ORGS}},
            "bootstrap": {"concurrency": _AT_ONCE},
            "loadPattern": {"type": "steady", "phases": [{"name": "one", "duration": "1s", "targetActiveUsers": 1}]},
            "workers": {"usersPerWorker": 50, "replicas": -(-users // 50), "usersPerActor": pack},
            "targets": {
                "platform": "aiaas",
                "apiRouterUrl": _URL,
                "userOrgUrl": _URL,
                "auth": {"tokenEnv": _TOKEN_ENV},
            },
        },
    }


def run(users: int, pack: int) -> BootstrapFigures:
    """Run it once, then make the calls.

    Raises:
        RuntimeError: the run left no summary.
    """
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder, _platform(token):
        config = Path(folder) / "scenario.yaml"
        config.write_text(json.dumps(_scenario(users, pack)), encoding="utf-8")
        command = [sys.executable, "-m", "raysim", "run", str(config), "--out", folder, "--ui", "plain"]
        command += ["--address", "local", "--run-id", "bootstrap"]
        environment = {**os.environ, _TOKEN_ENV: token}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        directory = Path(folder) / "bootstrap"
        if not (directory / "summary.json").exists():
            raise RuntimeError(f"raysim run: status {done.returncode}\n{done.stderr[-2000:]}")
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        lines = (directory / "resources.jsonl").read_text(encoding="utf-8").splitlines()
        entries = [entry for entry in map(json.loads, lines) if entry["kind"] in ("user", "key")]
        made = [entry["time"] for entry in entries if entry["fate"] in ("intended", "created")]
        loop_s = uvloop.run(_calls(users, token))
    return BootstrapFigures(
        users,
        max(made) - min(made),
        loop_s,
        summary["bootstrap"]["success_rate"],
        summary["cleanup"]["duration_s"],
    )


def main() -> None:
    """Run once and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--pack", type=int, default=50, help="users to an actor")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    print(run(options.users, options.pack))


if __name__ == "__main__":
    main()
