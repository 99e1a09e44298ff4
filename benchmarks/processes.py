"""What the processes of a run take, read from /proc: resident and proportional memory, CPU, and how memory grows."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Self

import numpy as np

_PROC = Path("/proc")
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024
#: what Ray and raysim call their processes, and what they are called here; the first that is found counts
_KINDS = (
    ("ray::Coordinator", "coordinator"),
    ("ray::MetricsActor", "metrics actor"),
    ("ray::UserActor", "user actor"),
    ("ray::PlatformActor", "simulated platform"),
    ("ray::IDLE", "Ray's idle worker"),
    ("raysim run", "driver"),
    ("raylet/raylet", "raylet"),
    ("gcs_server", "Ray's GCS"),
    ("dashboard/agent.py", "Ray's dashboard agent"),
    ("ray::DashboardAgent", "Ray's dashboard agent"),
    ("runtime_env/agent/main.py", "Ray's runtime agent"),
    ("ray::RuntimeEnvAgent", "Ray's runtime agent"),
    ("dashboard/dashboard.py", "Ray's dashboard"),
    ("log_monitor.py", "Ray's log monitor"),
    ("monitor.py", "Ray's monitor"),
)
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reading:
    """One process at one moment: wall time in s, resident memory in MiB, CPU seconds since it began."""

    at_s: float
    rss_mib: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Course:
    """What one process took over a stretch of time: memory at its ends in MiB, its slope, and its share of a core."""

    pid: int
    kind: str
    first_mib: float
    last_mib: float
    slope_mib_per_min: float
    cpu: float


def descendants(root: int) -> list[int]:
    """The living processes that `root` started, and those that they started, without itself."""
    children: dict[int, list[int]] = defaultdict(list)
    for pid in _pids():
        stat = _text(pid, "stat")
        if stat:
            # the name before the bracket may hold anything
            children[int(stat.rpartition(")")[2].split()[1])].append(pid)
    found, rest = [], [root]
    while rest:
        below = children[rest.pop()]
        found += below
        rest += below
    return found


def kind_of(pid: int) -> str:
    """What a process is, in raysim's words."""
    command = _text(pid, "cmdline").replace("\0", " ").strip()
    return next((kind for part, kind in _KINDS if part in command), _OTHER)


def pss_mib(pid: int) -> float:
    """Its memory, with each page that several processes share counted in parts; 0 when it is gone."""
    lines = _text(pid, "smaps_rollup").splitlines()
    return next((int(line.split()[1]) / _KIB for line in lines if line.startswith("Pss:")), 0.0)


class Sampler:
    """Reads all descendants of this process once a second, in a thread of its own.

    Args:
        every_s: between two readings.
    """

    def __init__(self, every_s: float = 1.0) -> None:
        self._every_s = every_s
        self._readings: dict[int, list[Reading]] = defaultdict(list)
        self._kinds: dict[int, str] = {}
        self._last: list[int] = []
        self._busy: list[tuple[float, float]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read_regularly, daemon=True)

    def __enter__(self) -> Self:
        """Begin to read."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Read no more."""
        self._done.set()
        self._thread.join()

    def living(self, kinds: Iterable[str] = ()) -> list[int]:
        """Every process that was there at the last reading, of these kinds or of any."""
        wanted = set(kinds)
        return [pid for pid in self._last if not wanted or self._kinds.get(pid, _OTHER) in wanted]

    def busy(self, from_s: float, until_s: float) -> float:
        """Cores that were busy on this machine from one wall time to the other, also with what is not ours."""
        (began, first), *_, (ended, last) = [one for one in self._busy if from_s <= one[0] <= until_s]
        return (last - first) / (ended - began)

    def courses(self, from_s: float, until_s: float) -> Iterator[Course]:
        """What each process took that lived from one wall time to the other."""
        for pid, readings in self._readings.items():
            within = [one for one in readings if from_s <= one.at_s <= until_s]
            if len(within) < 3 or within[0].at_s > from_s + 3 * self._every_s:
                continue
            minutes = [(one.at_s - from_s) / 60 for one in within]
            memory = [one.rss_mib for one in within]
            slope = float(np.polyfit(minutes, memory, 1)[0])
            cpu = (within[-1].cpu_s - within[0].cpu_s) / (within[-1].at_s - within[0].at_s)
            yield Course(pid, self._kinds[pid], memory[0], memory[-1], slope, cpu)

    def _read_regularly(self) -> None:
        while not self._done.wait(self._every_s):
            self._busy.append((time(), busy_cpu_s()))
            self._last = descendants(os.getpid())
            for pid in self._last:
                self._read(pid)

    def _read(self, pid: int) -> None:
        resident, stat = _text(pid, "statm").split(), _text(pid, "stat").rpartition(")")[2].split()
        if len(resident) > 1 and len(stat) > 12:
            cpu_s = (int(stat[11]) + int(stat[12])) / _TICKS
            self._readings[pid].append(Reading(time(), int(resident[1]) * _PAGE_MIB, cpu_s))
            # an idle worker becomes an actor; a process that ends has no name any more
            kind = kind_of(pid)
            if kind != _OTHER or pid not in self._kinds:
                self._kinds[pid] = kind


def busy_cpu_s() -> float:
    """CPU seconds that this machine has spent since it started, whoever wanted them."""
    user, nice, system, _, _, *interrupts = (int(part) for part in (_PROC / "stat").read_text().split()[1:9])
    return (user + nice + system + sum(interrupts[:2])) / _TICKS


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _text(pid: int, name: str) -> str:
    """A file of a process; nothing when the process is gone."""
    try:
        return (_PROC / str(pid) / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
