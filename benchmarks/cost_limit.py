"""Real runs into a limit of cost, held against the books of the simulated platform.

    python -m benchmarks.cost_limit [--limits 0.05,0.5,5] [--seeds 3] [--fault none|interrupted|overbilled]
                                     [--unknown-cost reserved|counted]

Each run starts Ray, sets up a hundred users in two packs, and lasts until the money is gone, which takes less than a
minute at these prices.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
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


def run(folder: Path, url: str, token: str, limit_usd: float, seed: int, fault: str, unknown_cost: str) -> None:
    """One run, and a line about it."""
    httpx.post(f"{url}/sim/reset").raise_for_status()
    httpx.put(f"{url}/sim/faults", json=FAULTS[fault]).raise_for_status()
    name = f"{fault}-{unknown_cost}-{limit_usd:g}-{seed}".replace(".", "-")
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(scenario(url, limit_usd, seed, unknown_cost)), encoding="utf-8")
    command = [sys.executable, "-m", "raysim", "run", str(file), "--run-id", name, "--out", str(folder)]
    done = subprocess.run(
        [*command, "--ui", "none", "--address", "local"],
        env={**os.environ, "RAYSIM_BENCHMARK_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
    )
    if not (folder / name / "summary.json").exists():
        print(done.stdout[-2000:], done.stderr[-2000:])
        return
    summary = json.loads((folder / name / "summary.json").read_bytes())
    billed: float = httpx.get(f"{url}/sim/ledger").json()["total"]["usd"]
    cost = summary["cost"]
    print(
        f"{fault:11} ${limit_usd:<5g} seed {seed}: exit {done.returncode}  utilisation {cost['utilisation']:7.2%}  "
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
    parser.add_argument("--keep", type=Path, default=None, help="folder for the runs' results")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary, platform() as (url, token):
        for limit in map(float, options.limits.split(",")):
            for seed in range(options.seeds):
                run(options.keep or Path(temporary), url, token, limit, seed, options.fault, options.unknown_cost)


if __name__ == "__main__":
    main(sys.argv[1:])
