"""What a simulated user takes in memory, beside a bare connection; and what an actor imports.

python -m benchmarks.memory pack|floor --port N --streams N        prints the MiB that so many took
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
from pathlib import Path

import uvloop

from benchmarks.generators import Tally, floor
from benchmarks.packed import make_brief, make_pack
from raysim.core.control.messages import StopOrder

_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
#: users who think this long do not keep the core busy, and each still has a connection, a conversation and records
_THINK_S = 1.0
_PLAY_S = 4.0
_SMALL = 8
_PRINT_RESIDENT = (
    "import os; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20)"
)


def resident_mib() -> float:
    """Memory of this process that is in RAM."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_MIB


def imported_mib(module: str) -> float:
    """Memory of an interpreter that has imported `module`; of an empty one for the empty string."""
    code = f"import {module}\n" if module else ""
    output = subprocess.run([sys.executable, "-c", code + _PRINT_RESIDENT], check=True, capture_output=True, text=True)
    return float(output.stdout)


async def play_pack(port: int, users: int) -> float:
    """Memory while a pack plays so many users."""
    pack, coordinator, _ = make_pack(make_brief(f"http://127.0.0.1:{port}", users, _THINK_S), keep=False)
    running = asyncio.create_task(pack.run())
    await asyncio.sleep(_PLAY_S)
    resident = resident_mib()
    if coordinator.last is None or coordinator.last.totals.success < users:
        raise RuntimeError(f"not all of {users} users had an answer within {_PLAY_S:g} s: {coordinator.last}")
    coordinator.stop = StopOrder("completed", 2.0)
    await running
    return resident


async def play_floor(port: int, streams: int) -> float:
    """Memory while so many bare connections do the same."""
    running = asyncio.create_task(floor(Tally(port, streams, 0.0, _PLAY_S)))
    await asyncio.sleep(_PLAY_S / 2)
    resident = resident_mib()
    await running
    return resident


async def growth(what: str, port: int, streams: int) -> float:
    """MiB that so many take over what a handful does."""
    play = {"pack": play_pack, "floor": play_floor}[what]
    few = await play(port, _SMALL)
    return (await play(port, streams + _SMALL)) - few


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pack", "floor"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--streams", type=int, required=True)
    options = parser.parse_args()
    # `floor` reports on standard output as a generator does; the last line is ours
    print(uvloop.run(growth(options.what, options.port, options.streams)))


if __name__ == "__main__":
    main()
