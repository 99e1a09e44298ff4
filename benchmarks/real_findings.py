"""One real run for each bottleneck: Ray, users, HTTP, a simulated platform that suffers from it, and the report.

    python -m benchmarks.real_findings [--only CAUSE]... [--keep DIR]

Prints what was found in each; a run lasts half a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

MODEL = "gpt-4o"
_BACKEND = {"models": [MODEL], "prefillBase": 0.22, "prefillPerToken": 0.0001, "stepBase": 0.0125}
#: how the platform is made to suffer: changes of each backend, and faults
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "healthy": ({}, {}),
    "queueing": ({"slots": 3}, {}),
    "prefill_bound": ({"prefillLanes": 1}, {}),
    "decode_bound": ({"stepPerSequence": 0.004}, {}),
    "kv_full": ({"kvCacheTokens": 600}, {}),
    "gateway_bound": ({}, {"latency": {"base": 0.6, "jitter": 0.1}}),
}


def scenario(name: str) -> dict[str, Any]:
    """Thirty users in a pack, who ramp up for twelve seconds and stay for eighteen."""
    changes, faults = CASES[name]
    backends = [{"id": f"{MODEL}-{n}", **_BACKEND, **changes} for n in range(2)]
    models = [{"id": MODEL, "outputTokens": {"min": 40, "max": 100}}]
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": name.replace("_", "-")},
        "spec": {
            "organizations": {"count": 2},
            "users": {"perOrg": {"min": 15, "max": 15}},
            "userBehavior": {
                "thinkTimeSeconds": {"min": 0.3, "max": 0.9},
                "modelPreferences": [{"model": MODEL}],
                "maxTokensPerRequest": {"base": 100},
            },
            "loadPattern": {
                "type": "ramp-up",
                "phases": [
                    {"name": "ramp", "duration": "12s", "targetActiveUsers": 30},
                    {"name": "sustained", "duration": "18s", "targetActiveUsers": 30},
                ],
            },
            "workers": {"usersPerActor": 15},
            "limits": {"maxCostUsd": 5},
            "targets": {
                "platform": "embedded",
                "simulated": {"models": models, "backends": backends, "faults": faults},
            },
        },
    }


def run(name: str, folder: Path) -> dict[str, Any]:
    """The summary of a run of the case `name`."""
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(scenario(name)), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "raysim",
        "run",
        str(path),
        "--ui",
        "none",
        "--address",
        "local",
        "--run-id",
        f"run-{name.replace('_', '-')}",
    ]
    subprocess.run([*command, "--out", str(folder)], check=False, stdout=subprocess.DEVNULL)
    summary: dict[str, Any] = json.loads((folder / f"run-{name.replace('_', '-')}" / "summary.json").read_bytes())
    return summary


def main(arguments: list[str]) -> int:
    """Print the findings of each case; 1 when one is not as it was made."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", choices=tuple(CASES))
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args(arguments)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only or CASES:
            summary = run(name, options.keep or Path(folder))
            # what the load generator was short of is true, and not what this is about
            found = {finding["kind"] for finding in summary["findings"]} - {"client_bound"}
            right = found == ({name} - {"healthy"})
            wrong += not right
            print(f"{name}: {'right' if right else 'WRONG'}, {summary['requests']['total']} requests")
            for finding in summary["findings"]:
                print(f"    {finding['sentence']}")
            print(f"    {summary['diagnosis']['sentence']}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
