"""Where the CPU goes in a pack of users, and in a metrics actor.

    python -m benchmarks.hot_spots [--out build/profile] [--seconds 10] [--only pack|metrics]

Needs py-spy, and takes memray's view of the pack's memory where that is installed (both come with the extra `bench`).
Writes speedscope files (open them at speedscope.app, or any viewer of that format), and prints the functions that
take most. Time in C (the kernel, the event loop, the parsers) counts for the Python function that called it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.packed import make_plan
from benchmarks.reference import LOAD_CORE, SERVER_CORE, TRUTH, ReferenceServer, pinned
from benchmarks.rows import encode, records
from raysim.actors.metrics import MetricsActor
from raysim.core.metrics.readings import RunReadings

_USERS = 400
_RATE_HZ = 500
_SHOWN = 18
_REPLAYED_ROWS = 20_000
#: samples below these functions count; what precedes them is imports and preparation
_SUBJECTS = {"pack": "main (benchmarks/packed.py)", "metrics": "replay (benchmarks/hot_spots.py)"}


async def replay(batches: list[bytes], seconds: float) -> int:
    """Send the same batches to a metrics actor again and again; returns how many rows it stored."""
    with tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder:
        metrics = MetricsActor(make_plan("http://127.0.0.1:9", 400), 0, folder)
        until_s, sequence = monotonic() + seconds, 0
        while monotonic() < until_s:
            sequence += 1
            await metrics.ingest("0.0", sequence, sequence, batches[sequence % len(batches)], b"")
        return (await metrics.finish(RunReadings())).rows


def record(subject: str, seconds: float, out: Path) -> Path:
    """Profile a subject; returns the speedscope file.

    Raises:
        RuntimeError: py-spy failed.
    """
    path = out / f"{subject}.speedscope.json"
    spy = ["py-spy", "record", "--format", "speedscope", "--function", "--rate", str(_RATE_HZ), "--output", str(path)]
    with ReferenceServer(TRUTH) as server:
        command = [*spy, "--", sys.executable, *_subject(subject, seconds, server.port)]
        # the subject moves itself to the other core
        done = subprocess.run(pinned(command, SERVER_CORE), capture_output=True, text=True, check=False)
    if done.returncode or not path.exists():
        raise RuntimeError(f"py-spy: status {done.returncode}\n{done.stderr[-1000:]}")
    return path


def _subject(subject: str, seconds: float, port: int) -> list[str]:
    if subject == "metrics":
        return ["-m", "benchmarks.hot_spots", "--replay", "--seconds", str(seconds)]
    options = ["--port", str(port), "--streams", str(_USERS), "--seconds", str(seconds), "--discard"]
    return ["-m", "benchmarks.packed", *options]


def show(path: Path, below: str) -> None:
    """Print the functions that took most, by their own time."""
    own, whole, total = _count(json.loads(path.read_text(encoding="utf-8")), below)
    print(f"\n{path}: {total:.2f} s of CPU below `{below}`\n{'own':>7}{'with callees':>15}  function")
    for name, seconds in own.most_common(_SHOWN):
        print(f"{seconds / total:>7.1%}{whole[name] / total:>15.1%}  {name}")


def _count(document: dict[str, Any], below: str) -> tuple[Counter[str], Counter[str], float]:
    """Seconds by function, its own and with callees, and in all, of the samples that have `below` on their stack."""
    frames = document["shared"]["frames"]
    names = [f"{frame['name']} ({'/'.join(Path(frame['file']).parts[-2:])})" for frame in frames]
    wanted = {index for index, name in enumerate(names) if name == below}
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    total = 0.0
    for profile in document["profiles"]:
        for stack, seconds in zip(profile["samples"], profile["weights"], strict=True):
            if not wanted.intersection(stack):
                continue
            total += seconds
            own[names[stack[-1]]] += seconds
            whole.update({names[index]: seconds for index in set(stack)})
    return own, whole, total


def show_memory(seconds: float, out: Path) -> None:
    """Print memray's statistics of a pack, and leave its flame graph."""
    raw, page = out / "pack.memray", out / "pack.memray.html"
    raw.unlink(missing_ok=True)
    page.unlink(missing_ok=True)
    with ReferenceServer(TRUTH) as server:
        command = [
            sys.executable,
            "-m",
            "memray",
            "run",
            "--quiet",
            "-o",
            str(raw),
            *_subject("pack", seconds, server.port),
        ]
        subprocess.run(pinned(command, LOAD_CORE), check=True, capture_output=True)
    subprocess.run(
        [sys.executable, "-m", "memray", "flamegraph", "-o", str(page), str(raw)], check=True, capture_output=True
    )
    stats = subprocess.run(
        [sys.executable, "-m", "memray", "stats", "-n", "8", str(raw)], check=True, capture_output=True
    )
    print(f"\n{page}\n{stats.stdout.decode()}")


def main() -> None:
    """Profile, or be profiled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/profile"))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--only", choices=_SUBJECTS)
    parser.add_argument("--replay", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.replay:
        os.sched_setaffinity(0, {LOAD_CORE})
        print(asyncio.run(replay(encode(list(records(_REPLAYED_ROWS))), options.seconds)), "rows")
        return
    if shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") is None:
        sys.exit("py-spy is not installed: pip install -e '.[bench]'")
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    options.out.mkdir(parents=True, exist_ok=True)
    for subject, below in _SUBJECTS.items():
        if options.only in (None, subject):
            show(record(subject, options.seconds, options.out), below)
    if options.only in (None, "pack"):
        if importlib.util.find_spec("memray") is None:
            print("\nmemray is not installed: no view of memory")
        else:
            show_memory(min(5.0, options.seconds), options.out)


if __name__ == "__main__":
    main()
