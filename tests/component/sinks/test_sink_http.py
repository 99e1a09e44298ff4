"""What a Pushgateway and a collector are shown, over real sockets, and where it never appears."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from raysim.core.metrics.otlp import OtlpOrigin
from raysim.core.plan.metrics_plan import OPEN_ACCESS, AccessPlan
from raysim.sinks.live_metrics import open_exporter
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.otlp import OtlpCollector
from raysim.sinks.pushgateway import Pushgateway
from raysim.sinks.sink_http import SinkHttp
from tests.component.sinks.metrics_run import metrics_plan, metrics_snapshot

ENVIRON = {"TOKEN": "t-hunter2", "PASSWORD": "p:hunter2 ä", "KEY": "k-hunter2", "BROKEN": "two\nlines-hunter2"}
_SECRET_HEADERS = ("Authorization", "X-Api-Key", "X-Scope-OrgID")
BASIC = "Basic " + base64.b64encode("ray:p:hunter2 ä".encode()).decode()


class Server:
    """Answers every call by quoting what it was shown, and keeps that."""

    def __init__(self) -> None:
        self.status = 200
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.seen.append((self.command, self.path, dict(self.headers.items())))
                body = f"you said {[self.headers.get(name) for name in _SECRET_HEADERS]}".encode()
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - the base class calls them so

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)


def access(**more: object) -> AccessPlan:
    return AccessPlan("spec.metrics.pushgatewayAuth", **more)  # type: ignore[arg-type]  # names and paths


@pytest.mark.parametrize(
    ("plan", "shown"),
    [
        (access(token_env="TOKEN"), {"Authorization": "Bearer t-hunter2"}),
        (access(username="ray", password_env="PASSWORD"), {"Authorization": BASIC}),
        (access(headers=(("X-Api-Key", "KEY", ""),)), {"X-Api-Key": "k-hunter2"}),
        (
            access(token_env="TOKEN", headers=(("X-Scope-OrgID", "KEY", ""),)),
            {"Authorization": "Bearer t-hunter2", "X-Scope-OrgID": "k-hunter2"},
        ),
    ],
)
def test_every_call_shows_the_credential_and_no_message_does(
    server: Server, plan: AccessPlan, shown: dict[str, str]
) -> None:
    gateway = Pushgateway(server.url, "run-1", access=plan)
    collector = OtlpCollector(server.url, OtlpOrigin("1", "run-1", "static", "chat", 0.0), plan)
    calls: tuple[Callable[[], None], ...] = (
        lambda: gateway.send(metrics_snapshot()),
        gateway.remove,
        lambda: collector.send(metrics_snapshot()),
    )
    for call in calls:
        server.status = 200
        call()
        server.status = 418
        with pytest.raises(SinkError, match="418 you said") as caught:
            call()
        assert not any(value in str(caught.value) for value in (*shown.values(), "hunter2"))
        assert "***" in str(caught.value)
    assert {method for method, _, _ in server.seen} == {"PUT", "DELETE", "POST"}
    for _, path, headers in server.seen:
        assert shown.items() <= headers.items()
        assert "hunter2" not in path


def test_nobody_is_shown_anything_without_a_word_of_it(server: Server) -> None:
    Pushgateway(server.url, "run-1").send(metrics_snapshot())
    assert all("Authorization" not in headers for _, _, headers in server.seen)


def test_a_file_is_read_again_for_each_call(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "token"
    http = SinkHttp(server.url, access(token_file=str(file)))
    for token in ("first", "second\n"):
        file.write_text(token)
        http.call("GET", server.url)
    assert [headers["Authorization"] for _, _, headers in server.seen] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (access(token_env="GONE"), "pushgatewayAuth.tokenEnv: the environment variable GONE is not set where metrics"),
        (access(token_file="/nowhere"), "pushgatewayAuth.tokenFile: /nowhere cannot be read: No such file"),
        (access(username="ray", password_file="/dev/null"), "pushgatewayAuth.passwordFile: /dev/null is empty"),
        (access(token_env="BROKEN"), "pushgatewayAuth: the token holds what cannot stand in a header"),
        (access(headers=(("K", "BROKEN", ""),)), r"the headers\[0\] holds what cannot stand in a header"),
        (access(tls_ca_file="/nowhere"), "spec.metrics.tls: its files cannot be used: No such file"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_sent(server: Server, plan: AccessPlan, message: str) -> None:
    url = server.url.replace("http:", "https:") if plan.tls_ca_file else server.url
    with pytest.raises(SinkError, match=message) as caught:
        SinkHttp(url, plan).call("GET", url)
    assert "hunter2" not in str(caught.value)
    assert server.seen == []


@pytest.mark.parametrize("trusted", [True, False])
def test_certificates_are_checked_by_the_scenario_s_authority(server: Server, tmp_path: Path, trusted: bool) -> None:
    ours, file = trustme.CA(), tmp_path / "ca.pem"
    ours.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (ours if trusted else trustme.CA()).issue_cert("127.0.0.1").configure_cert(context)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    http = SinkHttp(url, AccessPlan(token_env="TOKEN", tls_ca_file=str(file)))
    if trusted:
        assert http.call("GET", url).status_code == 200
    else:
        with pytest.raises(SinkError, match=r"cannot be reached: .*certificate verify failed"):
            http.call("GET", url)
        assert server.seen == []


def test_a_run_s_plan_leads_to_it_and_its_directory_does_not_hold_it(server: Server, tmp_path: Path) -> None:
    auth: dict[str, Any] = {
        "pushgatewayAuth": {"tokenEnv": "TOKEN"},
        "otlpAuth": {"headers": [{"name": "X-Api-Key", "env": "KEY"}]},
    }
    made = open_exporter(metrics_plan(url=server.url, otlpUrl=server.url, **auth), 0, tmp_path)
    made.start()
    made.finish()
    assert made.state.trouble == ""
    shown = {method: (headers.get("Authorization"), headers.get("X-Api-Key")) for method, _, headers in server.seen}
    assert shown == {"PUT": ("Bearer t-hunter2", None), "POST": (None, "k-hunter2")}
    assert list(tmp_path.iterdir())
    assert not any(b"hunter2" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_redirect_is_not_followed_with_the_credential() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(307, headers={"Location": "http://elsewhere/"})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    assert SinkHttp("http://gateway", OPEN_ACCESS, client).call("PUT", "http://gateway/metrics").status_code == 307
    assert asked == ["gateway"]
