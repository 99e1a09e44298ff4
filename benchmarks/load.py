"""One generator against the reference server: what the server saw of it, what it cost, what it measured."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.generators import BODY, HEADERS, MARGIN_S, Timings
from benchmarks.reference import LOAD_CORE, SERVER_CORE, TRUTH, ReferenceServer, busy_s, cpu_s, pinned

WRK = "wrk"
PACK = "pack"
#: a generator that has not started or ended by then never will
_PATIENCE_S = 120.0
#: a run is repeated when others took more than this share of a core
_UNDISTURBED = 0.05


@dataclass(frozen=True, slots=True)
class Timing:
    """How a measurement is made: seconds before the window, seconds of it, and how often it is tried.

    It is tried again when others disturbed it.
    """

    warmup_s: float
    window_s: float
    tries: int = 3


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """What one generator did with so many streams at a time.

    Errors are p50 and p99 in ms, None where a generator cannot see them. `server_cpu` is a share of its core;
    `server_late_ms` the 99th percentile of how late the server itself was. `counted` says whether the generator counted
    as many requests as the server; None when it was cut off or does not tell. `others` is the share that processes of
    other people took of the server's core or the generator's, whichever was more.
    """

    generator: str
    streams: int
    per_second: float
    cpu_us: float
    ttft_error_ms: tuple[float, float] | None
    itl_error_ms: tuple[float, float] | None
    server_cpu: float
    server_late_ms: float
    others: float = 0.0
    counted: bool | None = None


def measure(generator: str, streams: int, timing: Timing) -> LoadFigures:
    """Run a generator, again when others disturbed it; returns the run that they disturbed least.

    Raises:
        RuntimeError: it failed, or requests did.
    """
    best: LoadFigures | None = None
    for _ in range(timing.tries):
        figures = _measure_once(generator, streams, timing)
        if best is None or figures.others < best.others:
            best = figures
        if best.others <= _UNDISTURBED:
            break
    assert best is not None  # noqa: S101 - there was a try
    return best


def _measure_once(generator: str, streams: int, timing: Timing) -> LoadFigures:
    """Run a generator once.

    Raises:
        RuntimeError: it failed, or requests did.
    """
    with ReferenceServer(TRUTH) as server, tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder:
        process = subprocess.Popen(
            _command(generator, streams, server, timing, Path(folder)), stdout=subprocess.PIPE, text=True
        )
        try:
            _wait_until_running(generator, process)
            time.sleep(timing.warmup_s + MARGIN_S / 2)
            before, cpu_before, server_before = server.stats(), cpu_s(process.pid), server.cpu_s()
            busy_before = busy_s()
            time.sleep(timing.window_s)
            after, cpu_after, server_after = server.stats(), cpu_s(process.pid), server.cpu_s()
            busy_after = busy_s()
            output, _ = process.communicate(timeout=_PATIENCE_S)
        finally:
            process.kill()
            process.communicate()
        total = server.stats()
    timings = Timings(0, 0) if generator == WRK else msgspec.json.decode(output, type=Timings)
    if process.returncode or timings.failed:
        raise RuntimeError(f"{generator} with {streams} streams: status {process.returncode}, {timings.failed} failed")
    completed = after.completed - before.completed
    seconds = (after.clock_ns - before.clock_ns) / 1e9
    used = {SERVER_CORE: server_after - server_before}
    used[LOAD_CORE] = used.get(LOAD_CORE, 0.0) + cpu_after - cpu_before
    return LoadFigures(
        generator=generator,
        streams=streams,
        per_second=completed / seconds,
        cpu_us=(cpu_after - cpu_before) / completed * 1e6 if completed else float("nan"),
        ttft_error_ms=timings.ttft_error_ms,
        itl_error_ms=timings.itl_error_ms,
        server_cpu=(server_after - server_before) / seconds,
        server_late_ms=after.late_p99_us / 1000,
        others=max((busy_after[core] - busy_before[core] - own) / seconds for core, own in used.items()),
        counted=None if generator == WRK or total.broken else timings.requests == total.completed,
    )


def _command(generator: str, streams: int, server: ReferenceServer, timing: Timing, folder: Path) -> list[str]:
    if generator == WRK:
        script = folder / "chat.lua"
        headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in HEADERS.items())
        script.write_text(f"wrk.method = 'POST'\nwrk.body = [==[{BODY.decode()}]==]\n{headers}\n", encoding="utf-8")
        duration = round(timing.warmup_s + timing.window_s + 1.5)
        wrk = [WRK, "-t1", f"-c{streams}", f"-d{duration}s", "-s", str(script), server.url + "/v1/chat/completions"]
        return pinned(wrk, LOAD_CORE)
    module = ["benchmarks.packed"] if generator == PACK else ["benchmarks.generators", generator]
    options = ["--port", str(server.port), "--streams", str(streams)]
    options += ["--warmup", str(timing.warmup_s), "--seconds", str(timing.window_s)]
    return pinned([sys.executable, "-m", *module, *options], LOAD_CORE)


def _wait_until_running(generator: str, process: subprocess.Popen[str]) -> None:
    if generator == WRK:
        return
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    if process.stdout.readline() != "running\n":
        raise RuntimeError(f"{generator} ended before it began: status {process.wait(timeout=5)}")


def middle(runs: Sequence[LoadFigures]) -> LoadFigures:
    """The median of each figure over runs of the same generator with as many streams."""
    counts = {one.counted for one in runs}
    return LoadFigures(
        generator=runs[0].generator,
        streams=runs[0].streams,
        per_second=median(one.per_second for one in runs),
        cpu_us=median(one.cpu_us for one in runs),
        ttft_error_ms=_middle_pair([one.ttft_error_ms for one in runs]),
        itl_error_ms=_middle_pair([one.itl_error_ms for one in runs]),
        server_cpu=median(one.server_cpu for one in runs),
        server_late_ms=median(one.server_late_ms for one in runs),
        others=median(one.others for one in runs),
        counted=False if False in counts else (True if True in counts else None),
    )


def _middle_pair(pairs: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    seen = [pair for pair in pairs if pair is not None]
    return (median(p50 for p50, _ in seen), median(p99 for _, p99 in seen)) if seen else None


def installed(generator: str) -> bool:
    """Whether a generator that is not part of the project can run here."""
    return bool(shutil.which(WRK)) if generator == WRK else importlib.util.find_spec(generator) is not None
