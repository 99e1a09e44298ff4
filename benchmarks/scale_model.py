"""Where the control plane ends: the coordinator's decisions and the metrics actor's work, in virtual time.

    python -m benchmarks.scale_model [--only control|metrics] [--users 100000] [--seconds 60]

Control: the plan, and a run of so many users in packs of 50 and of 10. Packs report when they are told to, with money
on lease; the run ramps up, goes on, loses a tenth of its packs and gets them back, loses a tenth of its users for good,
and drains. What is counted is the CPU of the coordinator's pure core and of its checkpoints. The reference is what it
takes to unpickle the same reports and to pickle the same orders, which Ray has to do for any actor. Metrics: batches as
packs send them, a million records for each virtual second; the reference is one pass over their bytes (CRC-32).

Prints CPU seconds for each virtual second. One core is at its end at 1.00; to leave an actor's event loop free for
Ray, and for a bad second, count on half of that.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import os
import pickle
import random
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from benchmarks.reference import LOAD_CORE
from benchmarks.rows import encode, parquet_bytes, records
from raysim.actors.checkpoints import Checkpoints, Memory
from raysim.core.aggregation.live import LiveTotals
from raysim.core.config.reading import examine
from raysim.core.control.lease import LeaseReport
from raysim.core.control.messages import Orders, PackHealth, PackStatus, Totals
from raysim.core.control.progress import progress_of
from raysim.core.control.run_control import RunControl
from raysim.core.control.situation import RunState
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import PackBrief, PackPlan, RunPlan
from raysim.core.records.batch import decode_batch
from raysim.report.run_dir import RunDir
from raysim.sinks.journal import Journal
from raysim.sinks.shard import RecordShard

PACK_SIZES = (50, 10)
RECORDS_A_SECOND = 1_000_000
#: seconds of virtual time: how often the coordinator ticks and its driver looks, and how often it takes a checkpoint
_TICK_S, _KEEP_S = 0.25, 1.0
_RAMP_S, _COOL_DOWN_S = 20.0, 10.0
#: how long a user takes for a question and the next one
_TURN_S = 12.0
_REQUEST_PICODOLLARS = 60_000_000
_STORED_ROWS = 50_000
_DISTINCT_ROWS = 20_000


class Meter:
    """CPU seconds by what they were for, and how often that was done."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = defaultdict(float)
        self.count: dict[str, int] = defaultdict(int)
        self.longest_s: dict[str, float] = defaultdict(float)

    @contextmanager
    def taking(self, what: str) -> Iterator[None]:
        """Count the block."""
        before_s = process_time()
        try:
            yield
        finally:
            took_s = process_time() - before_s
            self.cpu_s[what] += took_s
            self.count[what] += 1
            self.longest_s[what] = max(self.longest_s[what], took_s)

    def show(self, seconds: float, what: Iterable[str]) -> float:
        """Print each, and return their sum a virtual second."""
        for name in what:
            each_us = self.cpu_s[name] / max(1, self.count[name]) * 1e6
            share, rate = self.cpu_s[name] / seconds, self.count[name] / seconds
            print(
                f"  {name:<34}{share:>8.4f}{rate:>10.1f}/s{each_us:>11.0f} us"
                f"   longest {self.longest_s[name] * 1e3:>8.1f} ms"
            )
        return sum(self.cpu_s[name] for name in what) / seconds


# ── control ──


def plan_of(users: int, pack: int, seconds: float) -> RunPlan:
    """A run of so many users in organisations of a thousand, under every limit."""
    phases = [
        {"name": "ramp", "duration": f"{_RAMP_S:g}s", "targetActiveUsers": users, "rampStrategy": "linear"},
        {"name": "sustained", "duration": f"{seconds:g}s", "targetActiveUsers": users},
        {"name": "cool-down", "duration": f"{_COOL_DOWN_S:g}s", "targetActiveUsers": users // 10},
    ]
    orgs = max(1, users // 1000)
    document = {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "scale-model"},
        "spec": {
            "organizations": {"count": orgs},
            "users": {"perOrg": {"min": users // orgs, "max": users // orgs}},
            "bootstrap": {"onLoss": "respawn"},
            "userBehavior": {"modelPreferences": [{"model": "gpt-4o-mini", "weight": 1}]},
            "loadPattern": {"type": "ramp-up", "phases": phases},
            "workers": {"replicas": -(-users // 50), "usersPerWorker": 50, "usersPerActor": pack},
            "targets": {"platform": "embedded"},
            "limits": {"maxCostUsd": 10_000_000, "maxErrorRate": 0.5, "maxDuration": "2h"},
        },
    }
    found = examine(document)
    if found.scenario is None:
        raise RuntimeError(f"the model's scenario: {found.errors}")
    return build_plan(found.scenario, "scale", started="20260714-091503")


@dataclass(slots=True)
class _Pack:
    """As much of a pack as the coordinator sees. Its users ask once in `_TURN_S`."""

    plan: PackPlan
    at_s: float = 0.0
    life: int = 0
    sequence: int = 0
    active: int = 0
    granted: int = 0
    requests: float = 0.0
    gone: tuple[tuple[int, str], ...] = ()
    drained: bool = False

    def status(self, now_s: float) -> PackStatus:
        self.sequence += 1
        self.requests += self.active * (now_s - self.at_s) / _TURN_S
        self.at_s = now_s
        done = int(self.requests)
        spent = done * _REQUEST_PICODOLLARS
        totals = Totals(done, done, 0, 0, 0, spent / 1e12, 200 * done, 90 * done)
        lease = LeaseReport(
            account=f"{self.plan.index}.{self.life}",
            granted=self.granted,
            settled=spent,
            reserved=self.active * _REQUEST_PICODOLLARS // 5,
            largest=_REQUEST_PICODOLLARS,
            ahead=2 * self.active * _REQUEST_PICODOLLARS,
        )
        health = PackHealth(self.plan.name, "node", 1.2, 0.2, 75.0)
        gone, self.gone = self.gone, ()
        return PackStatus(
            self.plan.index, self.sequence, totals, self.active, self.active // 5, self.drained, health, gone, lease,
            life=self.life,
        )  # fmt: skip

    def obey(self, orders: Orders) -> None:
        self.active += sum(1 if switch.on else -1 for switch in orders.switches)
        self.granted = max(self.granted, orders.lease.granted if orders.lease is not None else 0)
        if orders.stop is not None:
            self.active, self.drained = 0, True


class ControlModel:
    """A run in virtual time.

    Args:
        plan: the run's.
        folder: for the run's files.
        meter: takes what is measured.
    """

    def __init__(self, plan: RunPlan, folder: Path, meter: Meter) -> None:
        self._plan = plan
        self._meter = meter
        self._control = RunControl.of(plan)
        self._checkpoints = Checkpoints(folder / "state")
        self._events = Journal(folder / "events.jsonl")
        self._packs = [_Pack(pack) for pack in plan.packs]
        self._random = random.Random(3)
        self.virtual_s = 0.0
        self.drain_s = 0.0
        self.requests = 0

    def play(self) -> None:
        """From the first ready pack to the last drained one."""
        meter, control = self._meter, self._control
        for pack in self._packs:
            with meter.taking("packs become ready"):
                control.lives.pack_ready(pack.plan.index, [user.index for user in pack.plan.users])
        with meter.taking("the run begins"):
            control.begin(0.0)
        interval_s, schedule = control.situation.interval_s, self._plan.schedule
        queue = [(number * interval_s / len(self._packs), number) for number in range(len(self._packs))]
        middle_s = _RAMP_S + (schedule.duration_s - _RAMP_S - _COOL_DOWN_S) / 2
        steps = [(middle_s, self._lose_packs), (middle_s + interval_s, self._bring_back), (middle_s, self._lose_users)]
        tick_s = keep_s = 0.0
        while queue and control.situation.state is not RunState.DRAINED:
            now_s, number = heapq.heappop(queue)
            while tick_s <= now_s:
                self._tick(tick_s)
                tick_s += _TICK_S
            if keep_s <= now_s:
                keep_s = now_s + _KEEP_S
                self._keep(now_s)
            for step in [step for step in steps if step[0] <= now_s]:
                steps.remove(step)
                step[1](now_s)
            pack = self._packs[number]
            last = pack.drained
            self._report(pack, now_s)
            if not last:
                heapq.heappush(queue, (now_s + interval_s, number))
            self.virtual_s = now_s
        while control.situation.state is not RunState.DRAINED:
            self.virtual_s += _TICK_S
            self._tick(self.virtual_s)
        self.requests = control.situation.totals.requests

    def _report(self, pack: _Pack, now_s: float) -> None:
        status = pack.status(now_s)
        draining = self._control.situation.state is RunState.DRAINING
        with self._meter.taking("a report while draining" if draining else "a report"):
            orders = self._control.report(status, now_s)
            self._checkpoints.grant(self._control.take_grants())
            self._take_events()
        packed = pickle.dumps(status)
        with self._meter.taking("reference: unpickle, pickle"):
            pickle.loads(packed)  # noqa: S301 - made here
            pickle.dumps(orders)
        pack.obey(orders)

    def _tick(self, now_s: float) -> None:
        with self._meter.taking("a tick"):
            self._control.tick(now_s)
        with self._meter.taking("a look of the driver"):
            progress_of(self._control.situation, self._plan.schedule, now_s, 0)

    def _keep(self, now_s: float) -> None:
        with self._meter.taking("a checkpoint"):
            self._checkpoints.keep(Memory(self._control.checkpoint(now_s), cleaned=False, stop_asked=0))

    def _take_events(self) -> None:
        for event in self._control.take_events():
            self._events.append([{"time": 0.0, "run_s": 0.0, "kind": event.kind, "detail": event.detail}])

    def _lose_packs(self, now_s: float) -> None:
        for pack in self._packs[::10]:
            with self._meter.taking("a pack is lost"):
                life = self._control.lives.pack_lost(
                    pack.plan.index, [u.index for u in pack.plan.users], "killed", now_s
                )
                self._take_events()
            pack.life, pack.active, pack.granted, pack.requests, pack.sequence = life, 0, 0, 0.0, 0

    def _bring_back(self, now_s: float) -> None:
        for pack in self._packs[::10]:
            with self._meter.taking("a pack is back"):
                self._control.lives.pack_ready(pack.plan.index, [u.index for u in pack.plan.users], now_s, pack.life)
                self._take_events()

    def _lose_users(self, _now_s: float) -> None:
        for pack in self._packs:
            if pack.plan.index % 10:
                pack.gone = tuple((user.index, "request_limit") for user in pack.plan.users[::10])


def control(users: int, pack_size: int, seconds: float) -> None:
    """Play a run of packs of this size, and print."""
    meter = Meter()
    with meter.taking("the plan"):
        plan = plan_of(users, pack_size, seconds)
    with meter.taking("every pack's brief"):
        for pack in plan.packs:
            PackBrief.of(plan, pack, plan.target)
    with tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder:
        RunDir(Path(folder)).state.mkdir(parents=True, exist_ok=True)
        (Path(folder) / "state").mkdir(exist_ok=True)
        model = ControlModel(plan, Path(folder), meter)
        model.play()
    print(f"\ncontrol: {users} users in {len(plan.packs)} packs of {pack_size}, {model.virtual_s:.0f} virtual seconds, "
          f"{model.requests} requests\n  {'':<34}CPU s/s{'':>14}each")  # fmt: skip
    used = meter.show(
        model.virtual_s, ("a report", "a report while draining", "a tick", "a look of the driver", "a checkpoint")
    )
    print("  once:")
    meter.show(
        model.virtual_s,
        ("a pack is lost", "a pack is back", "packs become ready", "the run begins", "the plan", "every pack's brief"),
    )
    print("  reference:")
    meter.show(model.virtual_s, ("reference: unpickle, pickle",))
    report_us = meter.cpu_s["a report"] / meter.count["a report"] * 1e6
    reference_us = meter.cpu_s["reference: unpickle, pickle"] / meter.count["reference: unpickle, pickle"] * 1e6
    print(f"  in all {used:.3f} of a core; a report is {report_us / reference_us:.2f} x its pickling; "
          f"one core decides on {1e6 / report_us:.0f} reports a second")  # fmt: skip


# ── metrics ──


async def metrics(rows: int) -> None:
    """Take so many records, store them, and print."""
    batches = encode(list(records(_DISTINCT_ROWS)))
    rows_each = _DISTINCT_ROWS / len(batches)
    meter, taken, size = Meter(), 0, 0
    with tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder:
        shard = RecordShard(Path(folder), 0, run_id="scale", log=Journal(Path(folder) / "log.jsonl"))
        live = LiveTotals()
        sequence = waiting = 0
        while taken < rows:
            batch = batches[sequence % len(batches)]
            sequence += 1
            with meter.taking("reference: one pass over the bytes"):
                zlib.crc32(batch)
            with meter.taking("of these, decoding"):
                decoded = decode_batch(batch)
            with meter.taking("of these, live totals"):
                live.add(decoded)
            # a shard stores by itself at this many rows, within one of the calls
            waiting += decoded.rows
            what = "storing (Parquet)" if waiting >= _STORED_ROWS else "taking a batch"
            waiting = 0 if waiting >= _STORED_ROWS else waiting
            with meter.taking(what):
                await shard.ingest("0.0", sequence, sequence, batch, b"")
            taken, size = taken + decoded.rows, size + len(batch)
        with meter.taking("storing (Parquet)"):
            await shard.flush()
        stored = parquet_bytes(Path(folder))
        if shard.stored_rows != taken:
            raise RuntimeError(f"{shard.stored_rows} of {taken} rows were stored")
    seconds = taken / RECORDS_A_SECOND
    print(f"\nmetrics: {taken} records in {sequence} batches of {rows_each:.0f}, {size / taken:.0f} bytes each; "
          f"a virtual second brings {RECORDS_A_SECOND}\n  {'':<34}CPU s/s{'':>14}each")  # fmt: skip
    used = meter.show(seconds, ("taking a batch", "storing (Parquet)"))
    meter.show(seconds, ("of these, decoding", "of these, live totals", "reference: one pass over the bytes"))
    reference = meter.cpu_s["reference: one pass over the bytes"] / seconds
    print(
        f"  in all {used:.2f} cores for {RECORDS_A_SECOND} records a second, {used / reference:.1f} x one pass over "
        f"the bytes; one core holds {RECORDS_A_SECOND / used:.0f} a second; {stored / taken:.0f} bytes each in Parquet"
    )


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("control", "metrics"))
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="the sustained phase, in virtual time")
    parser.add_argument("--records", type=int, default=RECORDS_A_SECOND)
    parser.add_argument("--packs-of", type=int, action="append", help="50 and 10 when not given")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    parts: list[tuple[str, Callable[[], object]]] = [
        ("control", lambda size=size: control(options.users, size, options.seconds))  # type: ignore[misc]
        for size in options.packs_of or PACK_SIZES
    ]
    parts.append(("metrics", lambda: asyncio.run(metrics(options.records))))
    for name, part in parts:
        if options.only in (None, name):
            part()


if __name__ == "__main__":
    main()
