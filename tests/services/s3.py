"""A real S3 server, SeaweedFS in one process, behind a door that tests may shut; starting it takes seconds."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import boto3
from botocore.exceptions import ClientError

from raysim.core.export.address import Destination, StoreSettings
from raysim.sinks.object_store import S3Store
from raysim.sinks.store import read_object

BUCKET = "results"
START_TIMEOUT_S = 60


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


class Door:
    """Passes bytes on to a port. While it is shut, nobody answers, and who was being answered is cut off."""

    def __init__(self, target: int) -> None:
        (self.port,) = free_ports(1)
        self._target = target
        self._listener: socket.socket | None = None
        self._through: list[socket.socket] = []

    @property
    def is_open(self) -> bool:
        return self._listener is not None

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        listener, self._listener = self._listener, None
        through, self._through = self._through, []
        for sock in (listener, *through):
            if sock is not None:
                _cut(sock)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                here.close()
                continue
            self._through += [here, there]
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for sock in (source, sink):
            _cut(sock)


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@dataclass
class S3Server:
    """One server with its credentials, and the door to it."""

    folder: Path
    access_key: str = field(default_factory=lambda: "AK" + secrets.token_hex(9))
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    ports: list[int] = field(default_factory=lambda: free_ports(8))
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.door = Door(self.ports[6])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to be let in; nothing of the machine's own settings gets in between."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def destination(self, path: str) -> Destination:
        return Destination(f"s3://{BUCKET}/{path}", StoreSettings(self.url))

    def store(self, path: str) -> S3Store:
        return S3Store(self.destination(path))

    def start(self) -> None:
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
        weed = shutil.which("weed", path=str(Path(sys.executable).parent))
        assert weed is not None
        # every listener has a port of its own choice: by default gRPC's are 10000 above, which may not exist
        names = ("master", "volume", "filer", "s3")
        ports = dict(zip([f"{name}.port{kind}" for name in names for kind in ("", ".grpc")], self.ports, strict=True))
        options = {
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "dir": self.folder,
            **ports,
            "s3.config": config,
            "s3.iam": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "master.volumeSizeLimitMB": 64,
            "volume.max": 100,
            "volume.preStopSeconds": 0,
        }
        command = [weed, "-logtostderr", "server", "-s3", *(f"-{name}={value}" for name, value in options.items())]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        self.door.open()
        self._wait()

    def _wait(self) -> None:
        opener = build_opener(ProxyHandler({}))
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            try:
                opener.open(self.url, timeout=5).close()
            except HTTPError as answered:
                # who gives no credentials is refused, and that is an answer
                answered.close()
                return
            except (URLError, HTTPException, OSError):
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self.folder / "server.log").read_text(encoding="utf-8")[-2000:])

    def end(self) -> None:
        self.door.shut()
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def make_bucket(self) -> None:
        client = self.client()
        for attempt in range(50):
            try:
                client.create_bucket(Bucket=BUCKET)
            except ClientError:
                # its parts may not know each other yet
                if attempt == 49:
                    raise
                time.sleep(0.2)
            else:
                return

    def objects(self, path: str) -> dict[str, bytes]:
        """All that is below `path`, by the rest of its key."""
        store = self.store(path)
        return {key: read_object(store, key) for key in store.keys("")}

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )


@contextmanager
def serve_s3(folder: Path) -> Iterator[S3Server]:
    """A server that is up and has the bucket."""
    server = S3Server(folder)
    server.start()
    try:
        server.make_bucket()
        yield server
    finally:
        server.end()
