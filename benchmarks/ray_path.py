"""The same load through `raysim run`: one packed actor on local Ray against the reference server.

    python -m benchmarks.ray_path [--users 400] [--seconds 20] [--beside server|actor]

The actor has the generator's core. Ray's own processes, the driver, coordinator and metrics actor are beside the
server, or with `--beside actor` beside the actor, as on a node with a single core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from benchmarks.reference import LOAD_CORE, SERVER_CORE, TRUTH, ReferenceServer, pinned

_KEY_ENV = "RAYSIM_BENCH_KEY"


@dataclass(frozen=True, slots=True)
class RayFigures:
    """What the run's summary says, beside the server's own count. TTFT error in ms."""

    per_second: float
    ttft_error_p50_ms: float
    ttft_error_p99_ms: float
    requests: int
    server_requests: int
    verdict: str


def scenario(url: str, users: int, seconds: float) -> dict[str, Any]:
    """The scenario: `users` in one actor, without think time."""
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "ray-path"},
        "spec": {
            "organizations": {"count": 1},
            "users": {"perOrg": {"min": users, "max": users}},
            "userBehavior": {
                "thinkTimeSeconds": {"min": 0, "max": 0, "distribution": "uniform"},
                "questionsPerSession": {"min": 10, "max": 10, "distribution": "uniform"},
                "modelPreferences": [{"model": "gpt-4o", "weight": 1}],
                "maxTokensPerRequest": {"base": TRUTH.tokens, "variance": 0},
            },
            "loadPattern": {
                "type": "steady",
                "phases": [
                    {"name": "warm-up", "kind": "warmup", "duration": "5s"},
                    {"name": "sustained", "duration": f"{seconds:g}s"},
                ],
            },
            "workers": {"usersPerWorker": 50, "replicas": -(-users // 50), "usersPerActor": users},
            "targets": {"platform": "static", "apiRouterUrl": url, "apiKeys": {"env": _KEY_ENV}},
            "limits": {"maxCostUsd": 1000},
        },
    }


def run(users: int, seconds: float, beside: int = SERVER_CORE) -> RayFigures:
    """Run it once, with everything but the server and the actor on the core `beside`.

    Raises:
        RuntimeError: the run failed.
    """
    with ReferenceServer(TRUTH) as server, tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder:
        config = Path(folder) / "scenario.yaml"
        # JSON is YAML
        config.write_text(json.dumps(scenario(server.url, users, seconds)), encoding="utf-8")
        command = [sys.executable, "-m", "raysim", "run", str(config), "--out", folder, "--ui", "plain", "--no-probe"]
        environment = {**os.environ, _KEY_ENV: "sk-reference"}
        others, mine = _user_actors(), set[int]()
        process = subprocess.Popen(
            pinned(command, beside), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        while process.poll() is None and not (mine := _user_actors() - others):
            sleep(0.05)
        for actor in mine:
            _move(actor, LOAD_CORE)
        _, said = process.communicate()
        summaries = list(Path(folder).glob("*/summary.json"))
        if not summaries:
            raise RuntimeError(f"raysim run: status {process.returncode}\n{said[-2000:]}")
        summary = json.loads(summaries[0].read_text(encoding="utf-8"))
        return _figures(summary, seconds, server.stats().requests)


def _user_actors() -> set[int]:
    """Process ids of all user actors on this machine."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"UserActor" in entry.read_bytes():
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found


def _move(pid: int, core: int) -> None:
    """Keep a process, with all threads that it has and will have, to one core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def _figures(summary: dict[str, Any], seconds: float, server_requests: int) -> RayFigures:
    ttft = summary["ttft"]
    return RayFigures(
        per_second=ttft["count"] / seconds,
        ttft_error_p50_ms=ttft["p50"] * 1000 - TRUTH.ttft_ms,
        ttft_error_p99_ms=ttft["p99"] * 1000 - TRUTH.ttft_ms,
        requests=summary["requests"]["total"],
        server_requests=server_requests,
        verdict=summary["load_generator"]["verdict"],
    )


def describe(figures: RayFigures) -> str:
    """The figures in a line."""
    return (
        f"{figures.per_second:.0f} streams/s, TTFT error p50 {figures.ttft_error_p50_ms:+.2f} ms, p99 "
        f"{figures.ttft_error_p99_ms:+.2f} ms, load generator {figures.verdict}; "
        f"{figures.requests} requests counted, {figures.server_requests} by the server"
    )


def main() -> None:
    """Run once and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--beside", choices=("server", "actor"), default="server", help="where all the rest runs")
    options = parser.parse_args()
    beside = SERVER_CORE if options.beside == "server" else LOAD_CORE
    print(describe(run(options.users, options.seconds, beside)))


if __name__ == "__main__":
    main()
