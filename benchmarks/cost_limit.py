"""Real runs into a limit of cost, held against the books of the simulated platform.

    python -m benchmarks.cost_limit [--limits 0.05,0.5,5] [--seeds 3] [--fault none|interrupted|overbilled]
                                     [--unknown-cost reserved|counted] [--kill-coordinator SHARE]

Each run starts Ray, sets up a hundred users in two packs, and lasts until the money is gone, which takes less than a
minute at these prices. With `--kill-coordinator 0.5` the coordinator's process is killed with SIGKILL once half of the
limit is spent by the platform's books.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import yaml

from raysim.simplatform.config import ModelConfig, OutputTokens, PlatformConfig
from raysim.simplatform.server import start_platform

MODEL = "gpt-4o-mini"
INPUT_USD, OUTPUT_USD = 1.0, 20.0
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "interrupted": {"cutStreamRate": 0.2},
    "overbilled": {"overbillRate": 0.1, "overbillTokens": 100},
}


@contextmanager
def platform() -> Iterator[tuple[str, str]]:
    """A simulated platform in a thread of its own; yields its URL and the administrator's token."""
    models = tuple(
        ModelConfig(
            id=model.id,
            kind=model.kind,
            output_tokens=OutputTokens(min=32, max=120),
            input_usd_per_million=INPUT_USD,
            output_usd_per_million=OUTPUT_USD,
        )
        for model in PlatformConfig().models
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = start_platform(PlatformConfig(models=models), "127.0.0.1", admin_token="benchmark")  # noqa: S106
    running = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    try:
        yield running.url, "benchmark"
    finally:
        asyncio.run_coroutine_threadsafe(running.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def scenario(url: str, limit_usd: float, seed: int, unknown_cost: str) -> dict[str, Any]:
    """A hundred users in four organisations and two packs."""
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "cost-limit"},
        "spec": {
            "organizations": {"count": 4},
            "users": {"perOrg": {"min": 25, "max": 25}},
            "userBehavior": {
                "thinkTimeSeconds": {"min": 0.05, "max": 0.35},
                "modelPreferences": [{"model": MODEL}],
                "maxTokensPerRequest": {"min": 32, "max": 64},
            },
            "models": {MODEL: {"inputUsdPerMillion": INPUT_USD, "outputUsdPerMillion": OUTPUT_USD}},
            "loadPattern": {"type": "steady", "phases": [{"name": "sustained", "duration": "3m"}]},
            "workers": {"usersPerActor": 50, "usersPerWorker": 50},
            "targets": {
                "platform": "aiaas",
                "apiRouterUrl": url,
                "userOrgUrl": url,
                "auth": {"tokenEnv": "RAYSIM_BENCHMARK_TOKEN"},
            },
            "limits": {"maxCostUsd": limit_usd, "maxErrorRate": None, "unknownCost": unknown_cost},
            "advanced": {"seed": seed},
        },
    }


def kill_coordinator(directory: Path, url: str, spent_usd: float) -> float:
    """Kill the run's coordinator once so much was billed; returns when, on the monotonic clock."""
    alive = directory / "alive"
    while not alive.exists() or billed_usd(url) < spent_usd:
        time.sleep(0.02)
    pid: int = json.loads(alive.read_bytes())["pid"]
    os.kill(pid, signal.SIGKILL)
    return time.monotonic()


def first_orders_s(directory: Path, killed_s: float) -> float | None:
    """Seconds from then until the next coordinator had answered a pack, or a second more; None when none did."""
    course = directory / "state" / "checkpoint.json"
    while (directory / "alive").exists():
        with contextlib.suppress(OSError, ValueError):
            saved = json.loads(course.read_bytes())["course"]
            start_s = saved["run_start_s"]
            # both clocks are the machine's; the checkpoint is up to a second younger than what it tells of first
            heard = [start_s + member["heard_s"] for member in saved["roster"]["members"] if member["heard_s"]]
            again = [heard_s for heard_s in heard if heard_s > killed_s]
            if saved["restarts"] and again:
                return float(min(again) - killed_s)
        time.sleep(0.02)
    return None


def billed_usd(url: str) -> float:
    """What the platform has billed so far."""
    usd: float = httpx.get(f"{url}/sim/ledger").json()["total"]["usd"]
    return usd


def run(folder: Path, url: str, token: str, limit_usd: float, seed: int, options: argparse.Namespace) -> None:
    """One run, and a line about it."""
    fault, unknown_cost, kill_at = options.fault, options.unknown_cost, options.kill_coordinator
    httpx.post(f"{url}/sim/reset").raise_for_status()
    httpx.put(f"{url}/sim/faults", json=FAULTS[fault]).raise_for_status()
    name = f"{fault}-{unknown_cost}-{limit_usd:g}-{seed}".replace(".", "-")
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(scenario(url, limit_usd, seed, unknown_cost)), encoding="utf-8")
    command = [sys.executable, "-m", "raysim", "run", str(file), "--run-id", name, "--out", str(folder)]
    with subprocess.Popen(
        [*command, "--ui", "none", "--address", "local"],
        env={**os.environ, "RAYSIM_BENCHMARK_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        orders_s = None
        if kill_at is not None:
            orders_s = first_orders_s(folder / name, kill_coordinator(folder / name, url, kill_at * limit_usd))
        output, _ = process.communicate()
    if not (folder / name / "summary.json").exists():
        print(output[-4000:])
        return
    summary = json.loads((folder / name / "summary.json").read_bytes())
    billed = billed_usd(url)
    cost = summary["cost"]
    if kill_at is not None:
        ids = pl.read_parquet(folder / name / "requests" / "*.parquet")["request_id"]
        keys = httpx.get(f"{url}/sim/ledger").json()["total"]["keys"]["active"]
        again = "never" if orders_s is None else f"{orders_s:.2f} s after the kill"
        print(f"    orders again {again}; {len(ids) - ids.n_unique()} ids twice, {keys} keys left", flush=True)
    print(
        f"{fault:11} ${limit_usd:<5g} seed {seed}: exit {process.returncode}  utilisation {cost['utilisation']:7.2%}  "
        f"known ${cost['usd']:.6f}  unverified ${cost['unverified_usd']:.6f}  billed ${billed:.6f} "
        f"({billed / limit_usd:6.2%})  overspend ${max(0.0, billed - limit_usd):.6f} (reported "
        f"${cost['overspend_usd']:.6f})  beyond ${cost['billed_beyond_reservation_usd']:.6f}  "
        f"{summary['requests']['total']} requests in {summary['duration_s']:.1f} s, "
        f"short from {cost['short_from_s']} s, {summary['stop_message']}",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--limits", default="0.05,0.5,5")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--unknown-cost", choices=("reserved", "counted"), default="reserved")
    parser.add_argument("--kill-coordinator", type=float, default=None, metavar="SHARE")
    parser.add_argument("--keep", type=Path, default=None, help="folder for the runs' results")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary, platform() as (url, token):
        for limit in map(float, options.limits.split(",")):
            for seed in range(options.seeds):
                run(options.keep or Path(temporary), url, token, limit, seed, options)


if __name__ == "__main__":
    main(sys.argv[1:])
