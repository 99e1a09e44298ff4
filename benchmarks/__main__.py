"""The table of benchmarks.

    python -m benchmarks [--quick] [--runs N] [--only NAME]... [--seconds S]

Sections: wire, clients, path, memory, ray, bootstrap. The server runs on core 0, the generator on core 1; figures are
medians of the runs. A time alone says nothing on a shared machine: every figure stands beside a reference from the same
run.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import bootstrap, ray_path
from benchmarks.load import PACK, WRK, LoadFigures, Timing, installed, measure, middle
from benchmarks.memory import imported_mib
from benchmarks.reference import LOAD_CORE, SERVER_CORE, TRUTH, ReferenceServer, pinned
from benchmarks.rows import RowCosts

WIRE_STREAMS = (1, 20, 100, 400, 1000)
CLIENT_STREAMS = (20, 100, 400)
PATH_STREAMS = 400
MEMORY_USERS = 1000
#: a run through Ray is made once; it lasts as many windows
_RAY_WINDOWS = 5
_BOOTSTRAP_USERS, _BOOTSTRAP_PACK = 1000, 50
#: what a user actor imports, and the largest part of any actor's memory
_ACTOR_MODULE, _RAY_MODULE = "raysim.actors.user", "ray"
_HEAD = (
    f"{'generator':<10}{'streams':>8}{'streams/s':>11}{'x floor':>9}{'x wrk':>7}{'CPU us/req':>12}{'x floor':>9}"
    f"{'us/chunk':>10}{'TTFT error p50':>16}{'p99 ms':>9}{'ITL error p50':>15}{'p99 ms':>9}"
    f"{'server CPU':>12}{'late p99 ms':>13}{'others':>8}"
)


class Bench:
    """Measures once what several sections need.

    Args:
        runs: how often each measurement is made.
        timing: of each.
    """

    def __init__(self, runs: int, timing: Timing) -> None:
        self._runs = runs
        self._timing = timing
        self._seen: dict[tuple[str, int], LoadFigures] = {}

    def load(self, generators: Sequence[str], streams: int) -> list[LoadFigures]:
        """Figures of these generators, their runs taken in turns so that a bad minute hits all alike."""
        missing = [name for name in generators if (name, streams) not in self._seen]
        made: dict[str, list[LoadFigures]] = {name: [] for name in missing}
        for _ in range(self._runs):
            for name in missing:
                _progress(f"{name}, {streams} streams")
                made[name].append(measure(name, streams, self._timing))
        self._seen |= {(name, streams): middle(runs) for name, runs in made.items()}
        return [self._seen[name, streams] for name in generators]

    # ── sections ──

    def wire(self) -> None:
        """The wire beside a bare socket and, where installed, wrk."""
        names = ["floor", "wire", *([WRK] if installed(WRK) else [])]
        for streams in WIRE_STREAMS:
            self._show(names, streams)
        if not installed(WRK):
            print("wrk is not installed: no ratio to it")

    def clients(self) -> None:
        """The usual client libraries, at numbers of streams that they can bear."""
        for streams in CLIENT_STREAMS:
            self._show([name for name in ("httpx", "aiohttp") if installed(name)], streams)

    def path(self) -> None:
        """A pack of users beside the bare wire, and what its records cost further on."""
        self._show([PACK], PATH_STREAMS)
        (wire, pack) = self.load(["wire", PACK], PATH_STREAMS)
        costs = [msgspec.json.decode(_child("benchmarks.rows"), type=RowCosts) for _ in range(self._runs)]
        encode, ingest, store = (
            median(getattr(one, name) for one in costs) for name in ("encode_us", "ingest_us", "store_us")
        )
        above = pack.cpu_us - wire.cpu_us
        print(f"\nCPU a request, beside the bare wire's {wire.cpu_us:.0f} us at {PATH_STREAMS} streams")
        for name, cost in (
            ("pack above the wire: session, question, record, batch", above),
            ("  of which the record's way into a batch", encode),
            ("metrics actor: decode, live totals", ingest),
            ("metrics actor: Parquet", store),
            ("whole path above the wire", above + ingest + store),
        ):
            print(f"  {name:<56}{cost:>8.1f} us  {cost / wire.cpu_us:>6.1%} of the wire")
        sizes = costs[0]
        print(f"  a row takes {sizes.batch_bytes:.0f} bytes in a batch, {sizes.parquet_bytes:.0f} in Parquet")

    def memory(self) -> None:
        """Memory of a user beside that of a bare connection, and of an actor's imports beside Ray's."""
        with ReferenceServer(TRUTH) as server:
            grown = {
                what: median(
                    float(
                        _child(
                            "benchmarks.memory", what, f"--port={server.port}", f"--streams={MEMORY_USERS}"
                        ).splitlines()[-1]
                    )
                    for _ in range(self._runs)
                )
                for what in ("pack", "floor")
            }
        pack, bare = (grown[what] / MEMORY_USERS * 1024 for what in ("pack", "floor"))
        print(f"\nmemory, resident, of {MEMORY_USERS} users in one process")
        print(
            f"  {'a user who asks and thinks':<32}{pack:>8.1f} KiB   {pack / bare:.1f} x a bare connection, "
            f"which is {bare:.1f} KiB"
        )
        empty = imported_mib("")
        actor, ray = imported_mib(_ACTOR_MODULE) - empty, imported_mib(_RAY_MODULE) - empty
        print(
            f"  {'what a user actor imports':<32}{actor:>8.1f} MiB   {actor / ray:.2f} x importing ray ({ray:.1f} MiB)"
        )

    def ray(self) -> None:
        """The same load through `raysim run`, beside the bare wire."""
        (wire,) = self.load(["wire"], PATH_STREAMS)
        _progress("raysim run")
        figures = ray_path.run(PATH_STREAMS, _RAY_WINDOWS * self._timing.window_s)
        ratio = figures.per_second / wire.per_second
        print(f"\nraysim run, {PATH_STREAMS} users in one actor on a core of its own: {ratio:.2f} x the bare wire")
        print(f"  {ray_path.describe(figures)}")

    def bootstrap(self) -> None:
        """Setting up users through Ray, beside the same calls alone."""
        _progress("raysim run, bootstrap")
        print(f"\nbootstrap: {bootstrap.run(_BOOTSTRAP_USERS, _BOOTSTRAP_PACK)}")

    def _show(self, names: Sequence[str], streams: int) -> None:
        figures = {one.generator: one for one in self.load(names, streams)}
        references = {name: self._seen.get((name, streams)) for name in ("floor", WRK)}
        for one in figures.values():
            print(_row(one, references["floor"], references[WRK]), flush=True)


def _row(one: LoadFigures, floor: LoadFigures | None, wrk: LoadFigures | None) -> str:
    ttft, itl = one.ttft_error_ms, one.itl_error_ms
    rates = [_ratio(one.per_second, reference.per_second if reference else None) for reference in (floor, wrk)]
    return (
        f"{one.generator:<10}{one.streams:>8}{one.per_second:>11.1f}{rates[0]:>9}{rates[1]:>7}"
        f"{one.cpu_us:>12.0f}{_ratio(one.cpu_us, floor.cpu_us if floor else None):>9}{one.cpu_us / TRUTH.chunks:>10.1f}"
        f"{_ms(ttft, 0):>16}{_ms(ttft, 1):>9}{_ms(itl, 0):>15}{_ms(itl, 1):>9}"
        f"{one.server_cpu:>12.0%}{one.server_late_ms:>13.2f}{one.others:>8.0%}"
        + ("   COUNTS DIFFER FROM THE SERVER'S" if one.counted is False else "")
    )


def _ratio(value: float, reference: float | None) -> str:
    return "" if reference is None else f"{value / reference:.2f}"


def _ms(pair: tuple[float, float] | None, index: int) -> str:
    return "" if pair is None else f"{pair[index]:+.2f}"


def _child(module: str, *arguments: str) -> str:
    _progress(" ".join((module, *arguments)))
    command = pinned([sys.executable, "-m", module, *arguments], LOAD_CORE)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}\r", end="", file=sys.stderr, flush=True)


def _machine() -> str:
    cpus = [line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("uvloop", "httptools", "msgspec", "httpx", "aiohttp", "ray")
    )
    return (
        f"{len(cpus)} x {cpus[0].partition(':')[2].strip()}, Linux {platform.release()}, Python "
        f"{platform.python_version()}, {packages}"
    )


def main() -> None:
    """Measure, and print as figures come in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="the window in which a run is measured")
    parser.add_argument("--only", action="append", choices=("wire", "clients", "path", "memory", "ray", "bootstrap"))
    options = parser.parse_args()
    timing = Timing(0.5, 1.5, tries=1) if options.quick else Timing(1.0, options.seconds)
    bench = Bench(1 if options.quick else options.runs, timing)
    sections: dict[str, Callable[[], None]] = {
        "wire": bench.wire,
        "clients": bench.clients,
        "path": bench.path,
        "memory": bench.memory,
        "ray": bench.ray,
        "bootstrap": bench.bootstrap,
    }
    print(_machine())
    print(
        f"truth: {TRUTH.ttft_ms:g} ms to the first of {TRUTH.tokens} tokens, {TRUTH.itl_ms:g} ms between them; "
        f"server on core {SERVER_CORE}, generator on core {LOAD_CORE}\n\n{_HEAD}"
    )
    for name, section in sections.items():
        if not options.only or name in options.only:
            section()


if __name__ == "__main__":
    main()
