"""A real run of sixty users in packs of ten through every kind of phase: who was active at each second?

    python -m benchmarks.phases [--users 60] [--keep FOLDER]

Takes a minute and a half, and starts Ray. Who was active is taken from the records alone: users think so briefly that
one who is there has always just asked or been answered. At each second of the run their number is held against the
phases' formulas. It holds when it is never more than two users outside of the targets of the second before and after.
Exit status 1 when it does not hold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from raysim.core.config.reading import read_scenario
from raysim.core.plan.build import build_plan
from raysim.core.plan.load import LoadSchedule

USERS_OFF = 2
SECONDS_OFF = 1.0
#: a user that neither asked nor was being answered for so long was not there, in seconds
_ABSENT_S = 0.7
_STEP_S = 0.1
#: of a user's presence before its first question: half of the first pause, which is up to a think time
_FIRST_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Second:
    """One second of the run. `beyond` is how many users were there outside of what the second around it allows."""

    run_s: int
    phase: str
    target: int
    actual: int
    beyond: int


def scenario(users: int) -> dict[str, Any]:
    """Every ramp up and down, a wave, a spike and a cool-down."""
    few = max(1, users // 6)

    def phase(name: str, seconds: int, target: int, **more: Any) -> dict[str, Any]:
        return {"name": name, "duration": f"{seconds}s", "targetActiveUsers": target, **more}

    phases = [
        phase("warm-up", 4, few),
        phase("linear", 15, users, rampStrategy="linear", kind="ramp"),
        phase("step-down", 15, few, rampStrategy="step", kind="ramp"),
        phase("exponential", 15, users, rampStrategy="exponential", kind="ramp"),
        phase("cool", 6, few, rampStrategy="linear"),
        phase("spike", 5, users),
        phase("after", 5, few),
        phase("cool-down", 10, 0, rampStrategy="linear"),
    ]
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "phases"},
        "spec": {
            "organizations": {"count": 2},
            "users": {"perOrg": {"min": users // 2, "max": users // 2}},
            "userBehavior": {
                "thinkTimeSeconds": {"min": 0.1, "max": 0.3},
                "modelPreferences": [{"model": "gpt-4o-mini"}],
                "maxTokensPerRequest": {"base": 4},
            },
            "loadPattern": {"type": "custom", "phases": phases},
            "workers": {"usersPerActor": 10, "usersPerWorker": 30},
            "limits": {"maxErrorRate": None},
        },
    }


def wave(users: int) -> dict[str, Any]:
    """Two waves; a pattern of its own, in which they are what phases without a ramp are."""
    made = scenario(users)
    phases = [
        {"name": "waves", "duration": "20s", "targetActiveUsers": users, "period": "10s"},
    ]
    made["metadata"] = {"name": "waves"}
    made["spec"]["loadPattern"] = {"type": "wave", "phases": phases}
    return made


def presence(rows: pl.DataFrame, started_at: float) -> Iterator[tuple[float, float]]:
    """From when to when users were there, in seconds of the run."""
    at_s = (pl.col("due_unix_ns") - round(started_at * 1e9)) * 1e-9
    times = rows.select("user_id", from_s=at_s, until_s=at_s + pl.col("end_ns") * 1e-9).sort("user_id", "from_s")
    for _, mine in times.group_by("user_id", maintain_order=True):
        here: tuple[float, float] | None = None
        for from_s, until_s in mine.select("from_s", "until_s").iter_rows():
            if here is not None and from_s - here[1] <= _ABSENT_S:
                here = (here[0], until_s)
                continue
            if here is not None:
                yield here
            here = (from_s - _FIRST_PAUSE_S, until_s)
        if here is not None:
            yield here


def course(schedule: LoadSchedule, present: list[tuple[float, float]]) -> Iterator[Second]:
    """Each second of the run."""
    for run_s in range(int(schedule.duration_s)):
        phase = schedule.phase_at(run_s)
        actual = sum(from_s <= run_s < until_s for from_s, until_s in present)
        steps = round(SECONDS_OFF / _STEP_S)
        near = [schedule.target_at(run_s + step * _STEP_S) for step in range(-steps, steps + 1)]
        beyond = max(0, min(near) - actual, actual - max(near))
        yield Second(run_s, phase.name if phase else "", schedule.target_at(run_s), actual, beyond)


def play(made: dict[str, Any], folder: Path) -> bool:
    """Run it and print each second; whether it held."""
    name = made["metadata"]["name"]
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(made), encoding="utf-8")
    command = [sys.executable, "-m", "raysim", "run", str(file), "--run-id", name, "--out", str(folder)]
    done = subprocess.run([*command, "--ui", "none", "--address", "local"], capture_output=True, text=True, check=False)
    if not (folder / name / "summary.json").exists():
        print(done.stdout[-2000:], done.stderr[-2000:])
        return False
    summary = json.loads((folder / name / "summary.json").read_bytes())
    schedule = build_plan(read_scenario(made), name, started="").schedule
    rows = pl.read_parquet(folder / name / "requests" / "*.parquet")
    seconds = list(course(schedule, list(presence(rows, summary["started_at"]))))
    verdict = summary["load_generator"]["verdict"]
    print(f"{name}: exit {done.returncode}, {rows.height} requests, load generator {verdict}")
    print(f"{'second':>6}  {'phase':12} {'target':>6} {'actual':>6} {'error':>6} {'beyond 1 s':>10}")
    for second in seconds:
        error = second.actual - second.target
        print(f"{second.run_s:6}  {second.phase:12} {second.target:6} {second.actual:6} {error:+6} {second.beyond:10}")
    worst = max(second.beyond for second in seconds)
    holds = worst <= USERS_OFF
    word = "holds" if holds else "DOES NOT HOLD"
    print(f"{word}: at most {worst} users outside of the targets within {SECONDS_OFF:g} s", flush=True)
    return holds


def main(arguments: list[str]) -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--keep", type=Path, default=None, help="folder for the runs' results")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        held = [play(made, folder) for made in (scenario(options.users), wave(options.users))]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
