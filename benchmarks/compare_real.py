"""Five real pairs each of short runs: the same thing twice, and once with a TTFT that is about a tenth longer.

    python -m benchmarks.compare_real [--pairs 5] [--keep DIR] [--delay-ms 20]

Each run starts Ray and the simulated platform, with 24 users of two models for 22 seconds that count, about 600
requests; about half a minute each, three for a pair. What the delay adds to TTFT depends on the machine; the change
that is printed says how much it was. Verdicts are on the headline's figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from raysim.core.comparison.change import Verdict
from raysim.core.comparison.pair import Comparison
from raysim.report.compared import Side, compare_runs
from raysim.report.compared_text import cells, headline
from raysim.results import open_run

_SHOWN = ("ttft_mean", "ttft_p50", "ttft_p95", "itl_p50", "latency_p50", "tps_mean", "requests_per_s")
_BASE_MS = 20


def scenario() -> dict[str, Any]:
    """Two tenants of twelve users, two models, short pauses and short answers; every run the same users."""
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "compare-short"},
        "spec": {
            "organizations": {"count": 2},
            "users": {"perOrg": {"min": 12, "max": 12}},
            "userBehavior": {
                "thinkTimeSeconds": {"min": 0.2, "max": 0.6},
                "modelPreferences": [{"model": "gpt-4o", "weight": 1}, {"model": "gpt-4o-mini", "weight": 1}],
                "maxTokensPerRequest": {"base": 32},
            },
            "loadPattern": {
                "type": "steady",
                "phases": [
                    {"name": "warm-up", "kind": "warmup", "duration": "3s", "targetActiveUsers": 24},
                    {"name": "sustained", "duration": "22s", "targetActiveUsers": 24},
                ],
            },
            "workers": {"usersPerActor": 12, "usersPerWorker": 24},
            "targets": {
                "platform": "embedded",
                "simulated": {"faults": {"latency": {"base": f"{_BASE_MS}ms", "jitter": "20ms"}}},
            },
            "limits": {"maxCostUsd": 5},
        },
    }


def run(folder: Path, name: str, seed: int, delay_ms: int) -> Side:
    """One run, read back."""
    file = folder / "compare-short.yaml"
    file.write_text(yaml.safe_dump(scenario()), encoding="utf-8")
    settings = (f"advanced.seed={seed}", f"targets.simulated.faults.latency.base={_BASE_MS + delay_ms}ms")
    command = [sys.executable, "-m", "raysim", "run", str(file), "--run-id", name, "--out", str(folder)]
    options = ["--ui", "none", "--address", "local", *(part for each in settings for part in ("--set", each))]
    subprocess.run([*command, *options], capture_output=True, check=False)
    return Side.of(open_run(folder / name))


def show(title: str, comparison: Comparison) -> None:
    """A line on the verdicts, and one on each figure that matters here."""
    print(f"{title}: {headline(comparison)}")
    for change in comparison.changes:
        if change.metric.name in _SHOWN or change.verdict is not Verdict.NO_EVIDENCE:
            print("    " + "  ".join(cells(change)))
    sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="number, and seed, of the first pair")
    parser.add_argument("--delay-ms", type=int, default=20)
    parser.add_argument("--keep", type=Path, default=None, help="folder for the runs' results")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(options.first, options.first + options.pairs):
            baseline, same, slower = (
                run(folder, f"pair-{number}-{name}", number, delay)
                for name, delay in (("baseline", 0), ("same", 0), ("slower", options.delay_ms))
            )
            show(f"pair {number}, the same", compare_runs(baseline, same))
            show(f"pair {number}, slower", compare_runs(baseline, slower))


if __name__ == "__main__":
    main(sys.argv[1:])
