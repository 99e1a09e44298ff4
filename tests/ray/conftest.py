"""One Ray cluster and one simulated platform for all tests of this folder; runs are real `raysim run` processes."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import ray
import yaml
from ray.cluster_utils import Cluster
from ray.util.state import list_actors
from ray.util.state.common import ActorState

from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.server import RunningPlatform, start_platform

USER_SLOTS = 64
RUN_TIMEOUT_S = 120


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Cluster]:
    # ports of its own, so that another cluster on this machine is not in the way
    head = {
        "num_cpus": 2,
        "resources": {"sim_user": USER_SLOTS},
        "include_dashboard": True,
        "dashboard_port": free_port(),
        "dashboard_agent_listen_port": free_port(),
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    yield cluster
    ray.shutdown()
    cluster.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="session")
def ray_address(ray_cluster: Cluster) -> str:
    address: str = ray_cluster.address
    return address


@pytest.fixture(scope="session")
def ray_logs(ray_address: str) -> Path:
    assert ray_address
    node: Any = ray._private.worker._global_node
    return Path(node.get_session_dir_path())


def actors_of(kind: str, *, starting: bool = False) -> list[ActorState]:
    """The living actors of a class on this process's cluster, as its dashboard knows them; it may be seconds late."""
    # without an address it is the cluster that was started last on this machine, which may be somebody else's
    here = ray.get_runtime_context().gcs_address
    state = ("state", "!=", "DEAD") if starting else ("state", "=", "ALIVE")
    return list_actors(address=here, filters=[("class_name", "=", kind), state], detail=True)


@dataclass
class Platform:
    """A simulated platform in a thread of this process, and every secret it handed out."""

    url: str
    admin_token: str
    token_file: Path
    keys: list[str] = field(default_factory=list)

    def ledger(self) -> dict[str, Any]:
        books: dict[str, Any] = httpx.get(f"{self.url}/sim/ledger", params={"requests": 1}).json()
        return books

    def reset(self) -> None:
        httpx.post(f"{self.url}/sim/reset").raise_for_status()
        self.faults()

    def faults(self, **faults: Any) -> None:
        httpx.put(f"{self.url}/sim/faults", json=faults).raise_for_status()


@pytest.fixture(scope="session")
def served_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with serve_platform(tmp_path_factory.mktemp("secrets")) as platform:
        yield platform


@contextmanager
def serve_platform(folder: Path) -> Iterator[Platform]:
    """A simulated platform; the administrator's token is in a file in `folder`."""
    keys: list[str] = []
    plain = secrets.token_urlsafe

    def recorded(nbytes: int | None = None) -> str:
        token = plain(nbytes)
        keys.append(token)
        return token

    patch = pytest.MonkeyPatch()
    patch.setattr(secrets, "token_urlsafe", recorded)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    token = "admin-" + plain(24)
    token_file = folder / "token"
    token_file.write_text(token + "\n", encoding="utf-8")
    starting = asyncio.run_coroutine_threadsafe(start_platform(PlatformConfig(), "127.0.0.1", admin_token=token), loop)
    running: RunningPlatform = starting.result(10)
    yield Platform(running.url, token, token_file, keys)
    asyncio.run_coroutine_threadsafe(running.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()
    patch.undo()


@pytest.fixture
def platform(served_platform: Platform) -> Platform:
    served_platform.reset()
    served_platform.keys.clear()
    return served_platform


@dataclass
class Run:
    """A finished run."""

    exit_code: int
    output: str
    directory: Path

    @property
    def summary(self) -> dict[str, Any]:
        return self.json("summary.json")

    def json(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / name).read_bytes())
        return found

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / name).read_text(encoding="utf-8").splitlines()]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.lines("events.jsonl") if event["kind"] == kind]


@dataclass
class Runner:
    """Starts runs on the session's cluster."""

    address: str
    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def scenario(self, spec: dict[str, Any]) -> Path:
        path = self.folder / "scenario.yaml"
        body = {
            "apiVersion": "loadtest.ai-aas.dev/v1",
            "kind": "LoadTestScenario",
            "metadata": {"name": "test"},
            "spec": spec,
        }
        path.write_text(yaml.safe_dump(body), encoding="utf-8")
        return path

    def start(self, spec: dict[str, Any], run_id: str, *more: str) -> subprocess.Popen[str]:
        command = [
            *(sys.executable, "-m", "raysim", "run", str(self.scenario(spec)), "--run-id", run_id),
            *("--out", str(self.folder / "results"), "--ui", "plain", "--address", self.address, *more),
        ]
        environ = {**os.environ, "PYTHONWARNINGS": "default"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, cwd=self.folder
        )
        self.started.append(process)
        return process

    def finish(self, process: subprocess.Popen[str], run_id: str) -> Run:
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
        return Run(process.returncode, output, self.folder / "results" / run_id)

    def run(self, spec: dict[str, Any], run_id: str, *more: str) -> Run:
        return self.finish(self.start(spec, run_id, *more), run_id)


@pytest.fixture
def runner(ray_address: str, tmp_path: Path) -> Iterator[Runner]:
    made = Runner(ray_address, tmp_path)
    yield made
    for process in made.started:
        # a test that failed half-way leaves the next one no load
        if process.poll() is None:
            process.kill()
            process.communicate()


def short_load(platform: Platform | None = None, *, users: int = 2, seconds: int = 4, **spec: Any) -> dict[str, Any]:
    """A scenario of a few seconds: two organisations with `users` users each, packed into one actor unless said."""
    targets: dict[str, Any] = {}
    if platform is not None:
        targets = {
            "platform": "aiaas",
            "apiRouterUrl": platform.url,
            "userOrgUrl": platform.url,
            "auth": {"tokenFile": str(platform.token_file)},
        }
    return {
        "organizations": {"count": 2},
        "users": {"perOrg": {"min": users, "max": users}},
        "userBehavior": {
            "thinkTimeSeconds": {"min": 0.1, "max": 0.3},
            "modelPreferences": [{"model": "gpt-4o-mini"}],
            "maxTokensPerRequest": {"base": 24},
        },
        "loadPattern": {"type": "steady", "phases": [{"name": "sustained", "duration": f"{seconds}s"}]},
        "workers": {"usersPerActor": 50, "usersPerWorker": 50},
        "targets": targets,
        **spec,
    }
