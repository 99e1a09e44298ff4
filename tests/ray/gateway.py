"""A stand-in for a Pushgateway that keeps what it was told last."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client.parser import text_string_to_metric_families


class Gateway:
    """Groups by their path: what was put there last, how often, which were deleted; and who said that he may."""

    def __init__(self) -> None:
        self.url = ""
        self.groups: dict[str, str] = {}
        self.puts = 0
        self.deleted: list[str] = []
        self.shown: set[str] = set()
        #: what it says it has, when asked
        self.listed: list[dict[str, str]] = []

    def total(self, name: str, **labels: str) -> float:
        """The sum of the series of that name that have these labels."""
        families = [f for text in self.groups.values() for f in text_string_to_metric_families(text)]
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == f"loadtest_{name}" and labels.items() <= sample.labels.items()
        )


@contextmanager
def recording_gateway() -> Iterator[Gateway]:
    """A gateway on a port of its own."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: bytes = b"") -> None:
            gateway.shown.add(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer(200, json.dumps({"data": [{"labels": labels} for labels in gateway.listed]}).encode())

        def do_PUT(self) -> None:
            gateway.groups[self.path] = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))).decode()
            gateway.puts += 1
            self._answer(200)

        def do_DELETE(self) -> None:
            gateway.deleted.append(self.path)
            self._answer(202)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
