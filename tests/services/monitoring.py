"""A Pushgateway and a Prometheus that scrapes it, as processes of their own on the loopback interface."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import yaml

from tests.services.debian import program

#: a server is up within a second; on a busy machine within a few
_PATIENCE_S = 30.0
_LOOK_S = 0.05


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Server:
    """A server program that can be ended and started again at the same address."""

    def __init__(self, command: Sequence[str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_s = monotonic() + _PATIENCE_S
        while not self._ready():
            if monotonic() > until_s or self._process.poll() is not None:
                raise RuntimeError(f"{self._command[0]} did not start")
            sleep(_LOOK_S)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def pid(self) -> int:
        """Its process id, while it runs."""
        return 0 if self._process is None else self._process.pid


class Gateway(Server):
    """A Pushgateway; it forgets everything when it is killed."""

    def __init__(self) -> None:
        port = free_port()
        super().__init__([program("prometheus-pushgateway"), f"--web.listen-address=127.0.0.1:{port}"], port)

    def text(self) -> str:
        """What it shows to a Prometheus."""
        return httpx.get(f"{self.url}/metrics", trust_env=False).text

    def groups(self) -> list[dict[str, str]]:
        """The keys of its groups."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/api/v1/metrics", trust_env=False).json()["data"]
        return [group["labels"] for group in found]

    def wipe(self) -> None:
        """Delete every group."""
        for labels in self.groups():
            path = "/".join(f"{name}/{value}" for name, value in {"job": labels["job"], **labels}.items())
            httpx.delete(f"{self.url}/metrics/{path}", trust_env=False)


class Prometheus(Server):
    """A Prometheus that scrapes some targets, with its data in `folder`."""

    def __init__(self, folder: Path, targets: Sequence[str], interval: str) -> None:
        port = free_port()
        config = folder / "prometheus.yml"
        hosts = [target.removeprefix("http://") for target in targets]
        job = {"job_name": "gateway", "honor_labels": True, "static_configs": [{"targets": hosts}]}
        timing = {"scrape_interval": interval, "scrape_timeout": interval}
        config.write_text(yaml.safe_dump({"global": timing, "scrape_configs": [job]}), encoding="utf-8")
        command = [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        super().__init__(command, port)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector that `expression` stands for."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}, trust_env=False).json()
        if answer["status"] != "success":
            raise ValueError(f"{expression}: {answer['error']}")
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def value(self, expression: str) -> float | None:
        """The only value of `expression`; None when there is none."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def await_value(self, expression: str) -> float:
        """The value, as soon as there is one."""
        until_s = monotonic() + _PATIENCE_S
        while (found := self.value(expression)) is None:
            if monotonic() > until_s:
                raise TimeoutError(f"{expression} has no value")
            sleep(_LOOK_S)
        return found


@contextmanager
def monitoring(interval: str = "1s", *, also: Sequence[str] = ()) -> Iterator[tuple[Gateway, Prometheus]]:
    """A gateway and a Prometheus that scrapes it, and the targets `also`, every `interval`."""
    gateway = Gateway()
    with tempfile.TemporaryDirectory(prefix="prometheus-") as folder:
        prometheus = Prometheus(Path(folder), [gateway.url, *also], interval)
        try:
            gateway.start()
            prometheus.start()
            yield gateway, prometheus
        finally:
            gateway.kill()
            prometheus.kill()
