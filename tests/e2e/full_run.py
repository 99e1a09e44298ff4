"""A `raysim run` on a Ray of its own, with what it left behind and how much memory its processes took."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from tests import docs

_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
_LOOK_EVERY_S = 5.0


@dataclass
class FullRun:
    """A finished run of the embedded platform. `memory` has (Unix second, pid, MiB resident) of the run's actors."""

    exit_code: int
    output: str
    directory: Path
    memory: list[tuple[float, int, float]] = field(default_factory=list)

    def json(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / name).read_bytes())
        return found

    @property
    def summary(self) -> dict[str, Any]:
        return self.json("summary.json")

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.directory / "events.jsonl").read_text(encoding="utf-8").splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind]

    def check_books(self) -> None:
        """What the run counted is what the platform did, and nothing is left there."""
        summary, books = self.summary, self.json("platform-ledger.json")["total"]
        rows = pl.read_parquet(self.directory / "requests" / "*.parquet")
        assert summary["requests"]["total"] == rows.height == books["requests"]["total"]
        assert rows["request_id"].n_unique() == rows.height
        assert (summary["tokens"]["prompt"], summary["tokens"]["completion"]) == (
            books["prompt_tokens"],
            books["completion_tokens"],
        )
        assert math.isclose(summary["cost"]["usd"], books["usd"], rel_tol=1e-9)
        assert (books["keys"]["active"], books["orgs"]["active"], summary["cleanup"]["remaining"]) == (0, 0, 0)

    def growth(self, from_run_s: float, until_run_s: float) -> float:
        """By which share the run's actors together took more memory at the end of a span than at its beginning."""
        start = float(self.summary["started_at"])
        seen: dict[float, float] = {}
        for at_s, _, mib in self.memory:
            if from_run_s <= at_s - start <= until_run_s:
                seen[at_s] = seen.get(at_s, 0.0) + mib
        sums = [seen[at_s] for at_s in sorted(seen)]
        assert len(sums) >= 4
        quarter = max(1, len(sums) // 4)
        first, last = sums[:quarter], sums[-quarter:]
        return (sum(last) / len(last)) / (sum(first) / len(first)) - 1


def full_run(config: Path | dict[str, Any], folder: Path, *more: str, timeout_s: float) -> FullRun:
    """Run a scenario of `configs/`, or one that is given, to its end."""
    if isinstance(config, dict):
        path = folder / "scenario.yaml"
        path.write_text(json.dumps(config), encoding="utf-8")
        config = path
    command = [sys.executable, "-m", "raysim", "run", str(config), "--run-id", "full", "--out", str(folder)]
    log = folder / "output.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--ui", "plain", "--address", "local", *more], stdout=output, stderr=subprocess.STDOUT
        )
        memory: list[tuple[float, int, float]] = []
        until_s = time.monotonic() + timeout_s
        try:
            while process.poll() is None:
                if time.monotonic() > until_s:
                    raise TimeoutError(f"the run did not end within {timeout_s} s: {log.read_text()[-2000:]}")
                memory += _look(process.pid)
                time.sleep(_LOOK_EVERY_S)
        finally:
            process.terminate()
            process.wait()
    return FullRun(process.returncode, log.read_text(encoding="utf-8"), folder / "full", memory)


def scenario(name: str) -> Path:
    return docs.ROOT / "configs" / f"{name}.yaml"


def _look(driver: int) -> list[tuple[float, int, float]]:
    """The actors of Ray processes that descend from the driver."""
    now_s, parents, found = time.time(), {}, []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "stat").read_text(encoding="ascii", errors="replace")
            title = (entry / "cmdline").read_bytes()
            resident = int((entry / "statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):
            continue
        pid = int(entry.name)
        parents[pid] = int(status.rpartition(")")[2].split()[1])
        if title.startswith(b"ray::"):
            found.append((now_s, pid, resident * _PAGE_MIB))
    return [look for look in found if _descends(look[1], driver, parents)]


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        if pid == ancestor:
            return True
        pid = parents[pid]
    return False
