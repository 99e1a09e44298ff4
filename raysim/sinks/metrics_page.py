"""A page that Prometheus scrapes: the last snapshot of a run, at `/metrics`."""

from __future__ import annotations

import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from raysim.core.metrics.snapshot import MetricsSnapshot
from raysim.sinks.exposition import CONTENT_TYPE, exposition
from raysim.sinks.metrics_sink import SinkError

_PATH = "/metrics"
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
#: a client that is slower than this is cut off
_CLIENT_PATIENCE_S = 10.0
#: the end of a run waits for a last scrape no longer than this
_LAST_SCRAPE_S = 10.0
#: all addresses: whoever scrapes is on another machine
EVERYWHERE = "0.0.0.0"  # noqa: S104


class MetricsPage:
    """A sink that others fetch from. Its text is made when somebody asks for it, once for each snapshot.

    Args:
        port: to listen at; 0 for any that is free.
        interval_s: time between two snapshots, which is to be that of scrapes.
        host: an address of this machine.
    """

    name = "metrics page"

    def __init__(self, port: int, interval_s: float, host: str = EVERYWHERE) -> None:
        self._address = (host, port)
        self._last_scrape_s = min(interval_s, _LAST_SCRAPE_S)
        self._lock = threading.Lock()
        self._snapshot: MetricsSnapshot | None = None
        self._text: bytes | None = None
        self._scraped_ever = False
        self._scraped = threading.Event()
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0 before the first snapshot."""
        return 0 if self._server is None else int(self._server.server_address[1])

    def send(self, snapshot: MetricsSnapshot) -> None:
        """Show `snapshot` from now on.

        Raises:
            SinkError: nobody can fetch it, since the port is not free.
        """
        with self._lock:
            self._snapshot, self._text = snapshot, None
            self._scraped.clear()
        if self._server is None:
            self._server = self._open()

    def _open(self) -> _Server:
        try:
            server = _Server(self._address, self)
        except OSError as error:
            host, port = self._address
            raise SinkError(
                f"cannot listen at {host}:{port}: {error.strerror}; set metrics.listen to another"
            ) from error
        threading.Thread(target=server.serve_forever, name="metrics-page", daemon=True).start()
        return server

    def text(self) -> bytes:
        """What a scrape gets."""
        with self._lock:
            if self._text is None and self._snapshot is not None:
                self._text = exposition(self._snapshot.families, self._snapshot.constants)
            return self._text or b""

    def scraped(self) -> None:
        """Somebody has what there is."""
        self._scraped_ever = True
        self._scraped.set()

    def finish(self) -> None:
        """Where the page was scraped at all, leave it for a last scrape, which may fail to come; then close it."""
        if self._server is None:
            return
        if self._scraped_ever:
            self._scraped.wait(self._last_scrape_s)
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def remove(self) -> None:
        """It is gone with the run."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], page: MetricsPage) -> None:
        self.page = page
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "raysim"
    sys_version = ""
    timeout = _CLIENT_PATIENCE_S

    def do_GET(self) -> None:
        """The page; everything else is not found, and other methods are refused by the base class."""
        if self.path.partition("?")[0] != _PATH:
            self._answer(404, b"try /metrics\n", "text/plain; charset=utf-8")
            return
        body = self.server.page.text()
        self._answer(200, body, CONTENT_TYPE)
        self.server.page.scraped()

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if _takes_gzip(self.headers.get("Accept-Encoding", "")):
            compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
            body = compressor.compress(body) + compressor.flush()
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Scrapes are nothing to write down."""


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        name, _, weight = each.strip().partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False
