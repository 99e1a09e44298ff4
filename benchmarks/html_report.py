"""How long the page of a long run takes, how much memory, and how big it is.

    python -m benchmarks.html_report RUN [--rows 100000 1000000]

Makes runs of so many rows from those of RUN (a run's directory): each row again and again over an hour, a little slower
or faster each time. Each is reported twice, as a killed run, whose summary has to be made first, and as a finished one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

import numpy as np
import polars as pl

from raysim.report.run_dir import RunDir
from raysim.sinks.parquet import read_requests

_LENGTH_S = 3600.0
_PART_ROWS = 50_000
_TIMES = ("first_byte_ns", "first_token_ns", "first_output_ns", "last_token_ns", "end_ns")
#: runs a command, then says its largest resident memory in KiB
_MEASURED = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL,"
    " stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def multiplied(run: Path, root: Path, rows: int) -> None:
    """Write a killed run of `rows` rows to `root`."""
    root.mkdir(parents=True)
    for name in ("plan.json", "scenario.yaml"):
        shutil.copy(run / name, root / name)
    few = read_requests(run).collect()
    started_ns = int(few["due_unix_ns"].min())  # type: ignore[arg-type]
    begun = {"time": started_ns / 1e9, "run_s": 0.0, "kind": "run_started", "detail": {}}
    (root / "events.jsonl").write_text(json.dumps(begun) + "\n")
    metadata = pl.read_parquet_metadata(min((run / "requests").glob("part-*.parquet")))
    kept = {key: value for key, value in metadata.items() if not key.startswith("ARROW")}
    generator = np.random.default_rng(8)
    (root / "requests").mkdir()
    for number, begin in enumerate(range(0, rows, _PART_ROWS)):
        size = min(_PART_ROWS, rows - begin)
        part = few[generator.integers(0, few.height, size)]
        pace = pl.Series(generator.lognormal(0.0, 0.3, size))
        due = started_ns + ((begin + np.arange(size)) / rows * _LENGTH_S * 1e9).astype(np.int64)
        part = part.with_columns(
            *((pl.col(name) * pace).cast(pl.Int64) for name in _TIMES),
            due_unix_ns=pl.Series(due),
            question_hash=pl.Series(generator.integers(1, 2**63, size, dtype=np.uint64)),
        )
        part.write_parquet(root / "requests" / f"part-0-{number:05}.parquet", compression="zstd", metadata=kept)


def measured(root: Path, page: Path) -> str:
    """The page of the run in `root`, and what it took."""
    command = [str(Path(sys.executable).parent / "raysim"), "report", str(root), "--html", str(page)]
    begun_s = monotonic()
    done = subprocess.run([sys.executable, "-c", _MEASURED, *command], check=True, capture_output=True, text=True)
    took_s = monotonic() - begun_s
    return f"{took_s:.1f} s, {int(done.stdout) / 1024:.0f} MiB, page {page.stat().st_size / 1e6:.2f} MB"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    arguments = parser.parse_args()
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            root, page = Path(folder) / "run", Path(folder) / "report.html"
            multiplied(arguments.run, root, rows)
            size = sum(part.stat().st_size for part in (root / "requests").iterdir())
            print(f"{rows:,} rows ({size / rows:.0f} bytes each)")
            print(f"  killed:   {measured(root, page)}")
            text = subprocess.run(
                [Path(sys.executable).parent / "raysim", "report", root, "--format", "json"],
                check=True,
                capture_output=True,
            ).stdout
            RunDir(root).summary.write_bytes(text)
            print(f"  finished: {measured(root, page)}")


if __name__ == "__main__":
    main()
