"""The reference server: compiled when it is needed, run on a core of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

#: with two cores or more, nobody shares one with the server
SERVER_CORE = 0
LOAD_CORE = 1 % (os.cpu_count() or 1)
_SOURCE = Path(__file__).with_name("reference_server.c")


@dataclass(frozen=True, slots=True)
class Truth:
    """What the server does: times in ms, and tokens in each stream."""

    ttft_ms: float = 50.0
    itl_ms: float = 5.0
    tokens: int = 32

    @property
    def chunks(self) -> int:
        """Pieces in which a stream leaves: one for each token, one for its end."""
        return self.tokens + 1

    @property
    def stream_s(self) -> float:
        """How long a stream lasts at least."""
        return (self.ttft_ms + self.tokens * self.itl_ms) / 1000


#: what every generator is held against
TRUTH = Truth()


class ServerStats(msgspec.Struct, frozen=True):
    """The server's own counts since its start; `peak` and lateness (us) since they were last asked for."""

    requests: int
    completed: int
    broken: int
    tokens: int
    open: int
    peak: int
    late_p50_us: float
    late_p99_us: float
    clock_ns: int


class ReferenceServer:
    """A running reference server; a context manager.

    Args:
        truth: its timing.

    Raises:
        FileNotFoundError: there is no C compiler (on entry).
        subprocess.CalledProcessError: the compiler refused (on entry).
    """

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.port = 0
        self._folder = tempfile.TemporaryDirectory(prefix="raysim-bench-")

    def __enter__(self) -> Self:
        binary = Path(self._folder.name) / "reference_server"
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise FileNotFoundError("the reference server needs a C compiler: install cc, gcc or clang")
        subprocess.run([compiler, "-O2", "-o", str(binary), str(_SOURCE)], check=True)
        truth = self.truth
        timing = [str(round(truth.ttft_ms * 1000)), str(round(truth.itl_ms * 1000)), str(truth.tokens)]
        self._process = subprocess.Popen(
            pinned([str(binary), "0", *timing], SERVER_CORE), stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None  # noqa: S101 - PIPE was asked for
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def stats(self) -> ServerStats:
        """What it has counted."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as answer:  # noqa: S310 - loopback
            return msgspec.json.decode(answer.read(), type=ServerStats)

    def cpu_s(self) -> float:
        """CPU seconds it has used."""
        return cpu_s(self._process.pid)


def pinned(command: list[str], core: int) -> list[str]:
    """`command`, kept to one core."""
    return ["taskset", "-c", str(core), *command]


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, all its threads together."""
    # Linux makes the clock of a process from its id this way; the scheduler keeps it in ns
    return time.clock_gettime((~pid << 3) | 2)


def busy_s() -> dict[int, float]:
    """By core: seconds for which it has worked for anybody, or for another guest of the same host, since the boot."""
    busy: dict[int, float] = {}
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            busy[int(name[3:])] = (user + nice + system + irq + softirq + steal) / ticks_per_s
    return busy
