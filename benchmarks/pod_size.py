"""Does a worker pod of 512 MiB and half a core hold fifty users? A control group of that size says.

    python -m benchmarks.pod_size [--only actor|pod] [--seconds 180] [--memory 512] [--cpus 0.5]

Runs fifty users in one packed actor, who think 5 s, give or take 2, against the embedded platform, which is outside of
the group, as are head, driver and coordinator. First with the actor's process alone in the group, then with all that a
worker pod holds: the raylet, its agents and its shared memory besides. Prints the group's memory and CPU, whether
anything in it was killed, and whether users had their answers. Says why and ends with 0 where groups cannot be written.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from benchmarks.cgroup import Cgroup, NoCgroupError, Usage, pod_group
from benchmarks.processes import descendants, kind_of

USERS = 50
_RUN_ID = "pod"
_OBJECT_STORE_BYTES = 80_000_000
_PATIENCE_S = 90.0
_MOST_ERRORS = 0.01


def scenario(seconds: float) -> dict[str, Any]:
    """Fifty users in one pack."""
    return {
        "apiVersion": "loadtest.ai-aas.dev/v1",
        "kind": "LoadTestScenario",
        "metadata": {"name": "pod-size"},
        "spec": {
            "organizations": {"count": 1},
            "users": {"perOrg": {"min": USERS, "max": USERS}},
            "userBehavior": {
                "thinkTimeSeconds": {"base": 5, "variance": 2},
                "modelPreferences": [{"model": "gpt-4o-mini", "weight": 1}],
            },
            "loadPattern": {
                "type": "steady",
                "phases": [{"name": "sustained", "duration": f"{seconds:g}s", "targetActiveUsers": USERS}],
            },
            "workers": {"replicas": 1, "usersPerWorker": USERS, "usersPerActor": USERS},
            "targets": {"platform": "embedded"},
            "limits": {"maxCostUsd": 10},
        },
    }


@contextmanager
def cluster(group: Cgroup, *, whole: bool) -> Iterator[str]:
    """A head without slots, and one worker node; in the group are all of it (`whole`) or what it starts from now on."""
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - takes seconds

    head = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": _OBJECT_STORE_BYTES})
    worker: subprocess.Popen[bytes] | None = None
    try:
        worker = _start_worker(head.address, group if whole else None)
        if not whole:
            group.take(_raylet_of(worker.pid))
        yield head.address
    finally:
        if worker is not None:
            _end(worker)
        head.shutdown()  # type: ignore[no-untyped-call]


def _start_worker(address: str, group: Cgroup | None) -> subprocess.Popen[bytes]:
    ray = shutil.which("ray", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or "ray"
    command = [ray, "start", "--block", "--address", address, "--num-cpus", "1", "--disable-usage-stats"]
    command += ["--resources", json.dumps({"sim_user": USERS}), "--object-store-memory", str(_OBJECT_STORE_BYTES)]
    command += ["--dashboard-agent-listen-port", str(_free_port())]
    # `sh` waits for a line, so that nothing of the pod is started before it is in the group
    worker = subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _ && exec "$@"', "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if group is not None:
        group.take(worker.pid)
    if worker.stdin is not None:
        worker.stdin.write(b"\n")
        worker.stdin.close()
    _raylet_of(worker.pid)
    # its agents take a moment longer
    sleep(8.0)
    return worker


def _raylet_of(pid: int) -> int:
    until_s = monotonic() + _PATIENCE_S
    while monotonic() < until_s:
        for child in descendants(pid):
            if kind_of(child) == "raylet":
                return child
        sleep(0.2)
    raise RuntimeError("the worker node did not start")


def _end(worker: subprocess.Popen[bytes]) -> None:
    ours = [worker.pid, *descendants(worker.pid)]
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(20)
    except subprocess.TimeoutExpired:
        for pid in ours:
            _kill(pid)
        worker.wait()
    for pid in ours:
        _kill(pid)


def _kill(pid: int) -> None:
    if kind_of(pid) != "other":
        os.kill(pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def play(group: Cgroup, folder: Path, seconds: float, *, whole: bool) -> tuple[dict[str, Any], Usage, float]:
    """The run's summary, what the group took in all, and its cores over the run.

    Raises:
        RuntimeError: the run left no summary.
    """
    config = folder / "scenario.yaml"
    config.write_text(json.dumps(scenario(seconds)), encoding="utf-8")
    with cluster(group, whole=whole) as address:
        command = [sys.executable, "-m", "raysim", "run", str(config), "--ui", "plain", "--run-id", _RUN_ID]
        command += ["--out", str(folder), "--address", address]
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        events, began = folder / _RUN_ID / "events.jsonl", None
        while run.poll() is None:
            sleep(0.5)
            if began is None and events.exists() and '"sustained"' in events.read_text(encoding="utf-8"):
                began = (monotonic(), group.usage())
            if began is not None and monotonic() - began[0] > seconds - 5:
                break
        usage = group.usage()
        cores = (usage.cpu_s - began[1].cpu_s) / (monotonic() - began[0]) if began else float("nan")
        _, said = run.communicate()
        usage = group.usage()
    path = folder / _RUN_ID / "summary.json"
    if not path.exists():
        raise RuntimeError(f"raysim run: status {run.returncode}\n{said.decode(errors='replace')[-2000:]}")
    return json.loads(path.read_bytes()), usage, cores


def enforced(group: Cgroup, memory_mib: int) -> bool:
    """Whether a process that takes more than the group may have is killed."""
    code = f"import sys; sys.stdin.readline(); held = b'x' * ({memory_mib + 64} << 20)"
    greedy = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    group.take(greedy.pid)
    greedy.communicate(b"\n")
    return greedy.returncode != 0


def measure(options: argparse.Namespace, *, whole: bool) -> bool:
    """Play once and print; whether the pod held."""
    what = "the whole worker side: raylet, agents, actor" if whole else "the packed actor"
    with pod_group(options.memory, options.cpus) as probe:
        strict = enforced(probe, options.memory)
    with (
        pod_group(options.memory, options.cpus) as group,
        tempfile.TemporaryDirectory(prefix="raysim-bench-") as folder,
    ):
        summary, usage, cores = play(group, Path(folder), options.seconds, whole=whole)
    answered = (summary["error_rate"] or 0) < _MOST_ERRORS and not summary["users"]["lost"]
    fits = usage.peak_mib <= options.memory and not usage.killed and answered
    print(
        f"\n{what} in {options.memory} MiB and {options.cpus:g} CPU"
        f"{'' if strict else ' (this system does not enforce the memory limit: only what was taken counts)'}\n"
        f"  memory: peak {usage.peak_mib:.0f} MiB, at the end {usage.anonymous_mib:.0f} anonymous, "
        f"{usage.shared_mib:.0f} shared, {usage.cache_mib:.0f} cache; {usage.killed} killed\n"
        f"  CPU: {cores:.3f} of a core while users asked, {usage.cpu_s:.1f} s in all; "
        f"throttled for {usage.throttled_s:.1f} s\n"
        f"  users: {summary['users']['bootstrapped']} set up, {summary['users']['lost']} lost; "
        f"{summary['requests']['total']} requests, {summary['error_rate'] or 0:.2%} errors; "
        f"verdict {summary['load_generator']['verdict']}, loop lag p99 "
        f"{summary['load_generator']['loop_lag_p99_ms']:.1f} ms\n"
        f"  {'holds' if fits else 'DOES NOT HOLD'}",
        flush=True,
    )
    return fits


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("actor", "pod"))
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--memory", type=int, default=512, help="MiB")
    parser.add_argument("--cpus", type=float, default=0.5)
    options = parser.parse_args()
    held = True
    try:
        for name in ("actor", "pod"):
            if options.only in (None, name):
                held &= measure(options, whole=name == "pod")
    except NoCgroupError as error:
        print(f"skipped: {error}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
