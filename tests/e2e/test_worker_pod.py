"""A worker pod is deleted: its first process gets a SIGTERM, its users move to another one, nobody is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import ray

from tests.e2e.losses import cluster_of
from tests.ray.conftest import Runner, free_port, serve_platform, short_load
from tests.ray.test_run import wait_for

pytestmark = pytest.mark.e2e

SLOTS = 4
#: as raysim renders it, for a drain of 10 s
DRAIN_S = 40


@contextmanager
def worker_pod(address: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """What KubeRay has a worker pod run, with a process namespace of its own. Yields the process outside of it."""
    ports = f"--dashboard-agent-listen-port={free_port()} --metrics-export-port={free_port()}"
    slots = f"--num-cpus=1 --resources='{{\"sim_user\": {SLOTS}}}' --object-store-memory=80000000"
    start = f"ulimit -n 4096; ray start --address={address} {ports} {slots} --block"
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/bash", "-c", "--", start]
    environment = {**os.environ, "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": str(DRAIN_S)}
    with (folder / "pod.txt").open("wb") as output:
        pod = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        yield pod
    finally:
        pod.kill()
        pod.wait()


def first_process(pod: subprocess.Popen[bytes]) -> int:
    return int(Path(f"/proc/{pod.pid}/task/{pod.pid}/children").read_text(encoding="ascii"))


def slots() -> float:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources.get("sim_user", 0.0)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="process namespaces need root")
def test_a_worker_pod_is_deleted(tmp_path: Path) -> None:
    with (
        serve_platform(tmp_path) as platform,
        cluster_of(1, SLOTS) as cluster,
        worker_pod(cluster.address, tmp_path) as pod,
    ):
        while slots() < 2 * SLOTS:
            assert pod.poll() is None, (tmp_path / "pod.txt").read_text(encoding="utf-8")
            time.sleep(0.2)
        # the shell has handed over: the signal reaches Ray, not a shell that would keep it
        command = Path(f"/proc/{first_process(pod)}/cmdline").read_bytes().split(b"\0")
        assert command[1].endswith(b"/ray")
        runner = Runner(cluster.address, tmp_path)
        packs = {"usersPerActor": 2, "usersPerWorker": 50}
        process = runner.start(short_load(platform, seconds=12, limits={"drain": "10s"}, workers=packs), "deleted")
        wait_for(tmp_path / "results" / "deleted" / "events.jsonl", '"kind":"phase"')
        time.sleep(2)
        os.kill(first_process(pod), signal.SIGTERM)
        pod.wait(DRAIN_S)
        assert process.poll() is None
        run = runner.finish(process, "deleted")
    print(run.output, (tmp_path / "pod.txt").read_text(encoding="utf-8"))
    assert run.exit_code in (0, 7)
    (moved,) = run.events("users_moved")
    assert len(moved["detail"]["users"]) == 2
    assert (run.summary["users"]["lost"], run.events("pack_lost")) == (0, [])
    assert run.summary["cleanup"]["remaining"] == 0
