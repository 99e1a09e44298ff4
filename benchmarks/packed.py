"""A pack of users as an actor runs it, without Ray: its coordinator and its taker of records are in the same process.

    python -m benchmarks.packed --port N --streams USERS --warmup S --seconds S [--think S] [--discard]

Speaks to whoever started it as `benchmarks.generators` does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from time import monotonic, time

import msgspec
import numpy as np
import uvloop

from benchmarks.generators import MARGIN_S, Timings, middle_and_tail
from benchmarks.reference import LOAD_CORE, TRUTH
from raysim.core.config.scenario import Scenario
from raysim.core.control.lease import LeaseOrder
from raysim.core.control.messages import Orders, PackStatus, StopOrder, Switch
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import PackBrief, RunPlan
from raysim.core.records.batch import decode_batch
from raysim.core.records.columns import BatchColumns
from raysim.core.secret import Secret
from raysim.users.identity import Identity
from raysim.users.pack import Pack

_INTERVAL_S = 1.0
_LEASE_S = 15.0
#: money enough for any benchmark, in picodollars: what a reservation costs is measured, not what a limit does
_PLENTY = LeaseOrder(granted=10**16, keep=10**16)


def make_brief(url: str, users: int, think_s: float = 0.0) -> PackBrief:
    """The brief of one pack of `users` who ask, and `think_s` after every answer ask again."""
    plan = make_plan(url, users, think_s)
    return PackBrief.of(plan, plan.packs[0], plan.target)


def make_plan(url: str, users: int, think_s: float = 0.0) -> RunPlan:
    """A run of one such pack."""
    document = {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "packed"},
        "spec": {
            "organizations": {"count": 1},
            "users": {"perOrg": {"min": users, "max": users}},
            "userBehavior": {
                "thinkTimeSeconds": {"min": think_s, "max": think_s, "distribution": "uniform"},
                "questionsPerSession": {"min": 10, "max": 10, "distribution": "uniform"},
                "modelPreferences": [{"model": "gpt-4o", "weight": 1}],
                "maxTokensPerRequest": {"base": TRUTH.tokens, "variance": 0},
            },
            "loadPattern": {"type": "steady", "phases": [{"name": "sustained", "duration": "1h"}]},
            "workers": {"usersPerWorker": 50, "replicas": 100, "usersPerActor": users},
            "targets": {"platform": "aiaas", "apiRouterUrl": url, "userOrgUrl": url},
            "advanced": {"seed": 7},
        },
    }
    return build_plan(Scenario.model_validate(document), "run-bench", started="20260101")


class InProcessCoordinator:
    """Activates every user at once, and stops them when it is told to."""

    def __init__(self, users: int) -> None:
        self._switches = tuple(Switch(user, 0.0, on=True) for user in range(users))
        self._start_s = monotonic()
        self.stop: StopOrder | None = None
        self.last: PackStatus | None = None

    async def report(self, status: PackStatus) -> Orders:
        """Take a report, give orders."""
        self.last = status
        switches, self._switches = self._switches, ()
        wall_offset_s = time() - monotonic()
        return Orders(
            monotonic(), wall_offset_s, _LEASE_S, _INTERVAL_S, self._start_s, switches, self.stop, lease=_PLENTY
        )

    async def admin_token(self, refused: bool) -> Secret:  # noqa: FBT001 - the port
        """There is none."""
        raise LookupError(refused)


class InProcessRecords:
    """Takes batches; keeps them, or only counts them."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self.batches: list[bytes] = []

    async def ingest(self, source: str, sequence: int, oldest: int, batch: bytes, log_lines: bytes) -> int:  # noqa: ARG002 - the port
        """Take a batch: stored at once."""
        if self._keep and batch:
            self.batches.append(batch)
        return sequence

    async def store(self, source: str) -> int:  # noqa: ARG002 - the port
        """All batches are stored by now."""
        return 1 << 62


def make_pack(brief: PackBrief, *, keep: bool) -> tuple[Pack, InProcessCoordinator, InProcessRecords]:
    """A pack with all that it needs around it."""
    users = brief.pack.users
    coordinator, records = InProcessCoordinator(len(users)), InProcessRecords(keep=keep)
    identities = [Identity(user, Secret(f"sk-bench-{user.index}")) for user in users]
    return Pack(brief, identities, coordinator, records, node="bench"), coordinator, records


async def play(options: argparse.Namespace) -> tuple[InProcessCoordinator, InProcessRecords]:
    """Run the pack for as long as was asked."""
    brief = make_brief(f"http://127.0.0.1:{options.port}", options.streams, options.think)
    pack, coordinator, records = make_pack(brief, keep=not options.discard)
    running = asyncio.create_task(pack.run())
    await asyncio.sleep(_INTERVAL_S)
    print("running", flush=True)
    await asyncio.sleep(options.warmup + options.seconds + MARGIN_S)
    coordinator.stop = StopOrder("completed", 5.0)
    await running
    return coordinator, records


def timings(coordinator: InProcessCoordinator, records: InProcessRecords) -> Timings:
    """What the pack measured, from the records that it sent off; the first second of each user is left out."""
    assert coordinator.last is not None  # noqa: S101 - the pack has reported
    totals = coordinator.last.totals
    if not records.batches:
        return Timings(totals.requests, totals.requests - totals.success)
    all_columns = [BatchColumns(decode_batch(batch)) for batch in records.batches]
    due, sent, first = (
        np.concatenate([columns.integers(name) for columns in all_columns])
        for name in ("due_unix_ns", "sent_ns", "first_token_ns")
    )
    lists = [columns.lists("chunk_gaps_us") for columns in all_columns]
    lengths = np.concatenate([column.lengths for column in lists])
    gaps = np.concatenate([column.values for column in lists])
    steady = due > due.min() + 1_000_000_000
    ttft_ms = (first - sent)[steady] / 1e6 - TRUTH.ttft_ms
    gaps_ms = np.abs(gaps[np.repeat(steady, lengths)] / 1e3 - TRUTH.itl_ms)
    failed = totals.requests - totals.success
    return Timings(totals.requests, failed, middle_and_tail(ttft_ms), middle_and_tail(gaps_ms))


def main() -> None:
    """Run one pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--streams", type=int, required=True)
    parser.add_argument("--warmup", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--think", type=float, default=0.0, help="seconds between an answer and the next question")
    parser.add_argument("--discard", action="store_true", help="drop the records instead of reading timings from them")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    print(msgspec.json.encode(timings(*uvloop.run(play(options)))).decode(), flush=True)


if __name__ == "__main__":
    main()
