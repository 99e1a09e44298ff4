"""The few pages of the API of Kubernetes that preflight reads, as its documentation has them, on loopback over TLS.

No Kubernetes runs where these tests do: this answers in the shapes of the reference, and decides nothing itself.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import trustme
import yaml

TOKEN = "a-token-that-nobody-may-see"
WHO = "system:serviceaccount:loadtest:raysim"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass
class FakeKubernetes:
    """What it answers, and what it was asked.

    `objects` are lists by resource; `forbidden` the resources that may not be listed; `denied` those that may not be
    created; `broken` a status and a body that answer everything.
    """

    ca: trustme.CA = field(default_factory=trustme.CA)
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    broken: tuple[int, str] | None = None
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator[FakeKubernetes]:
        """Serve within the block."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(fake.listing(self.path.partition("?")[0]))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(fake.review(self.path, body))

            def _answer(self, answer: tuple[int, Any]) -> None:
                fake.asked.append(f"{self.command} {self.path}")
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    answer = _status(401, "Unauthorized", "Unauthorized")
                status, body = fake.broken or answer
                kind = "text/html" if fake.broken else "application/json"
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Nothing: what was asked is kept."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.ca.issue_cert("127.0.0.1").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            self.port = server.server_address[1]
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def listing(self, path: str) -> tuple[int, Any]:
        """The objects of a namespace."""
        *_, namespace, resource = path.split("/")
        if path != f"/api/v1/namespaces/{namespace}/{resource}":
            return _status(404, "NotFound", "the server could not find the requested resource")
        if resource in self.forbidden:
            text = f'{resource} is forbidden: User "{WHO}" cannot list resource "{resource}" in API group "" in the '
            return _status(403, "Forbidden", f'{text}namespace "{namespace}"')
        kinds = {"resourcequotas": "ResourceQuotaList", "limitranges": "LimitRangeList"}
        items = [{"metadata": {"namespace": namespace}, **one} for one in self.objects.get(resource, [])]
        return 200, {"apiVersion": "v1", "kind": kinds[resource], "metadata": {"resourceVersion": "1"}, "items": items}

    def review(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Whether the asker may do something."""
        if path != _REVIEWS:
            return _status(404, "NotFound", "the server could not find the requested resource")
        allowed = body["spec"]["resourceAttributes"]["resource"] not in self.denied
        return 201, {**body, "metadata": {}, "status": {"allowed": allowed}}

    def account(self, folder: Path, namespace: str = "loadtest") -> Path:
        """What a pod finds of its service account, in `folder`."""
        (folder / "token").write_text(TOKEN)
        (folder / "namespace").write_text(namespace)
        self.ca.cert_pem.write_to_path(str(folder / "ca.crt"))
        return folder

    def kubectl_config(self, folder: Path, *, token: str = TOKEN) -> Path:
        """A configuration of kubectl with the contexts `near` (the current one) and `far`, where nobody answers."""
        authority = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(authority))
        clusters = {"near": f"https://127.0.0.1:{self.port}", "far": "https://127.0.0.1:9"}
        file = folder / "kubeconfig"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "near",
            "clusters": [
                {"name": name, "cluster": {"server": server, "certificate-authority": str(authority)}}
                for name, server in clusters.items()
            ],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}} for name in clusters],
        }
        file.write_text(yaml.safe_dump(document))
        return file


def quota(name: str, hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A ResourceQuota as the API lists it; `used` None before it was counted for the first time."""
    status = {} if used is None else {"status": {"hard": hard, "used": used}}
    return {"metadata": {"name": name}, "spec": {"hard": hard, **spec}, **status}


def limit_range(name: str, **item: Any) -> dict[str, Any]:
    """A LimitRange for containers as the API lists it."""
    return {"metadata": {"name": name}, "spec": {"limits": [{"type": "Container", **item}]}}


def _status(code: int, reason: str, message: str) -> tuple[int, Any]:
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
