"""A run on a cluster of several nodes that loses parts of it on the way, held against the simulated platform's books.

python -m tests.e2e.losses --raylet 20 --metrics 40            kills these at so many seconds of the run
python -m tests.e2e.losses --node 12                           a raylet and its actors, as a machine's death does
python -m tests.e2e.losses --drain 10 --sigterm 25 --seconds 40
python -m tests.e2e.losses --coordinator 30
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import ray
from ray.cluster_utils import Cluster
from ray.util.state import list_actors

from tests.ray.conftest import Platform, Run, Runner, free_port, serve_platform, short_load

WORKERS = 4
USERS = 40
PER_ACTOR = 5
#: two of four nodes can go, and everybody still finds a slot
SLOTS_PER_NODE = 20


@dataclass(frozen=True)
class Script:
    """What happens at which second of the run; None for never."""

    seconds: int = 60
    raylet: float | None = None
    node: float | None = None
    drain: float | None = None
    sigterm: float | None = None
    actor: float | None = None
    metrics: float | None = None
    coordinator: float | None = None
    #: how long a draining node says that it will be there, in seconds
    grace: int = 15
    on_loss: str = "respawn"


@dataclass
class Outcome:
    """How it ended, and what the platform's books say to that."""

    run: Run
    books: dict[str, Any]
    rows: pl.DataFrame
    done: dict[str, float] = field(default_factory=dict)

    @property
    def unrecorded(self) -> set[str]:
        """Requests that the platform got and no row tells of: the truth that the interval has to contain."""
        got = {entry["request_id"] for entry in self.books["requests"] if entry["request_id"]}
        return got - set(self.rows["request_id"])

    @property
    def doubled(self) -> int:
        ids = self.rows["request_id"]
        return len(ids) - ids.n_unique()

    def figures(self) -> Iterator[str]:
        summary = self.run.summary
        losses, users = summary["losses"], summary["users"]
        bounds = losses["requests_unrecorded"]
        yield f"exit code {self.run.exit_code}, {summary['status']} ({summary['stop_reason']})"
        yield f"happened at {', '.join(f'{what} {at_s:.1f} s' for what, at_s in self.done.items()) or 'nothing'}"
        books = len(self.books["requests"])
        yield f"rows {len(self.rows)}, doubled {self.doubled}, in the platform's books {books}"
        yield f"unrecorded: told {bounds['min']} to {bounds['max']}, truth {len(self.unrecorded)}"
        yield f"users lost {users['lost']}, replaced {users['replaced']}, for {losses['seconds_affected']:.1f} s"
        yield f"billing {summary['billing']['sentence']}"
        for process in losses["processes"]:
            yield f"  {process}"
        for kind in ("pack_lost", "users_back", "pack_moving", "users_moved", "move_failed", "metrics_back"):
            for event in self.run.events(kind):
                detail = {key: value for key, value in event["detail"].items() if key != "users"}
                yield f"  {event['run_s']:7.2f} {kind} {detail}"


@contextmanager
def cluster_of(workers: int, slots: int) -> Iterator[Cluster]:
    """A head for the driver alone, and nodes that play users."""
    head = {"num_cpus": 0, "include_dashboard": True, "dashboard_port": free_port()}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(workers):
            cluster.add_node(num_cpus=1, resources={"sim_user": slots}, object_store_memory=80 * 2**20)
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


class Saboteur:
    """Does to the cluster what the script says."""

    def __init__(self, cluster: Cluster, runner: Runner, script: Script) -> None:
        self._cluster = cluster
        self._runner = runner
        self._script = script
        self._victims = list(cluster.worker_nodes)

    def acts(self) -> list[tuple[float, str, Callable[[], None]]]:
        """What is to be done at which second, in order."""
        planned: dict[str, Callable[[], None]] = {
            "raylet": lambda: self._signal_raylet(signal.SIGKILL),
            "node": self._kill_node,
            "sigterm": lambda: self._signal_raylet(signal.SIGTERM),
            "drain": self._drain,
            "actor": lambda: self._kill("UserActor"),
            "metrics": lambda: self._kill("MetricsActor"),
            "coordinator": lambda: self._kill("Coordinator"),
        }
        timed = [(getattr(self._script, name), name, act) for name, act in planned.items()]
        return sorted((at_s, name, act) for at_s, name, act in timed if at_s is not None)

    def _node(self) -> Any:
        """A node that plays users and was not touched yet."""
        used = {actor.node_id for actor in _alive("UserActor")}
        node = next((node for node in self._victims if node.node_id in used), None)
        if node is None:
            raise RuntimeError(f"users are on {used}, and on none of {[node.node_id for node in self._victims]}")
        self._victims.remove(node)
        return node

    def _signal_raylet(self, number: signal.Signals) -> None:
        os.kill(self._node().all_processes["raylet"][0].process.pid, number)

    def _kill_node(self) -> None:
        """All at once, as when a machine dies; a raylet that dies alone leaves its actors to go on for a while."""
        node = self._node()
        pids = [actor.pid for actor in _alive("UserActor") if actor.node_id == node.node_id]
        for pid in (node.all_processes["raylet"][0].process.pid, *pids):
            os.kill(pid, signal.SIGKILL)

    def _drain(self) -> None:
        reason = ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "preempted"]
        command = ["drain-node", "--address", self._runner.address, "--node-id", self._node().node_id, *reason]
        command += ["--deadline-remaining-seconds", str(self._script.grace)]
        subprocess.run([sys.executable, "-m", "ray.scripts.scripts", *command], check=True, capture_output=True)

    def _kill(self, class_name: str) -> None:
        os.kill(_alive(class_name)[0].pid, signal.SIGKILL)


def _alive(class_name: str) -> list[Any]:
    """The actors of a class; Ray's dashboard, which is asked, may lag on a busy machine."""
    filters = [("class_name", "=", class_name), ("state", "=", "ALIVE")]
    for _ in range(10):
        found = list_actors(filters=filters, detail=True)  # type: ignore[arg-type]
        if found:
            return list(found)
        time.sleep(0.2)
    return []


def play(script: Script, cluster: Cluster, platform: Platform, folder: Path, *, users: int = USERS) -> Outcome:
    """Run it all; needs a cluster whose nodes have slots enough for everybody even after the losses."""
    runner = Runner(cluster.address, folder)
    spec = short_load(
        platform,
        users=users // 2,
        seconds=script.seconds,
        bootstrap={"onLoss": script.on_loss},
        workers={"usersPerActor": PER_ACTOR, "usersPerWorker": 50},
    )
    spec["userBehavior"] |= {"thinkTimeSeconds": {"min": 0.5, "max": 1.5}}
    process = runner.start(spec, "losses")
    done = {}
    try:
        started_s = _second_zero(folder / "results" / "losses" / "events.jsonl", process)
        for at_s, name, act in Saboteur(cluster, runner, script).acts():
            time.sleep(max(0.0, started_s + at_s - time.monotonic()))
            act()
            done[name] = time.monotonic() - started_s
    except BaseException:
        process.terminate()
        print(process.communicate(timeout=60)[0])
        raise
    run = runner.finish(process, "losses")
    rows = pl.read_parquet(run.directory / "requests" / "*.parquet")
    return Outcome(run, platform.ledger(), rows, done)


def _second_zero(events: Path, process: subprocess.Popen[str]) -> float:
    while not (events.exists() and '"kind":"phase"' in events.read_text(encoding="utf-8")):
        if process.poll() is not None:
            raise RuntimeError(f"the run ended early: {process.communicate()[0]}")
        time.sleep(0.1)
    return time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--grace", type=int, default=15)
    parser.add_argument("--on-loss", default="respawn")
    for what in ("raylet", "node", "drain", "sigterm", "actor", "metrics", "coordinator"):
        parser.add_argument(f"--{what}", type=float)
    script = Script(**vars(parser.parse_args()))
    folder = Path(tempfile.mkdtemp(prefix="raysim-losses-"))
    with serve_platform(folder) as platform, cluster_of(WORKERS, SLOTS_PER_NODE) as cluster:
        outcome = play(script, cluster, platform, folder)
    print(outcome.run.output)
    print(*outcome.figures(), sep="\n")


if __name__ == "__main__":
    main()
