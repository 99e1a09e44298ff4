from __future__ import annotations

import errno
import socket
import ssl

import pytest

from raysim.core.records.outcome import ErrorKind
from raysim.wire.client import _connect_failure, request_head
from raysim.wire.target import HttpTarget, TlsFiles


@pytest.mark.parametrize(
    ("url", "host", "port", "secure", "path", "header"),
    [
        ("http://a.test", "a.test", 80, False, "", "a.test"),
        ("https://a.test/", "a.test", 443, True, "", "a.test"),
        ("http://a.test:8080/v1/", "a.test", 8080, False, "/v1", "a.test:8080"),
        ("https://a.test:80", "a.test", 80, True, "", "a.test:80"),
        ("http://[::1]:9", "::1", 9, False, "", "[::1]:9"),
        ("HTTP://A.test", "a.test", 80, False, "", "a.test"),
    ],
)
def test_urls(url: str, host: str, port: int, secure: bool, path: str, header: str) -> None:
    target = HttpTarget.of(url)
    assert (target.host, target.port, target.tls is not None, target.base_path) == (host, port, secure, path)
    assert target.host_header == header


@pytest.mark.parametrize("url", ["a.test", "ftp://a.test", "http://", "http://a.test:99999", "http://a.test:x", ""])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        HttpTarget.of(url)


def test_tls_settings_count_only_for_https() -> None:
    assert HttpTarget.of("http://a.test", tls=TlsFiles(verify=False)).tls is None


def test_a_head_is_what_goes_out() -> None:
    head = request_head("POST", HttpTarget.of("http://a.test:81/api"), "/v1/x", {"A": "b"})
    assert head == b"POST /api/v1/x HTTP/1.1\r\nHost: a.test:81\r\nA: b\r\n"


@pytest.mark.parametrize(("path", "value"), [("/x\r\nEvil: 1", "b"), ("/x", "b\r\nEvil: 1"), ("/x", "b\n")])
def test_nothing_is_smuggled_into_a_head(path: str, value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        request_head("GET", HttpTarget.of("http://a.test"), path, {"A": value})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), ErrorKind.TIMEOUT_CONNECT),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), ErrorKind.TIMEOUT_CONNECT),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), ErrorKind.CONNECTION_REFUSED),
        (
            OSError(
                "Multiple exceptions: [Errno 111] Connect call failed ('::1', 9, 0, 0), "
                "[Errno 111] Connect call failed ('127.0.0.1', 9)"
            ),
            ErrorKind.CONNECTION_REFUSED,
        ),
        (ConnectionResetError(errno.ECONNRESET, "reset"), ErrorKind.CONNECTION_RESET),
        (OSError(errno.EHOSTUNREACH, "no route"), ErrorKind.CONNECTION_RESET),
        (socket.gaierror(socket.EAI_NONAME, "unknown name"), ErrorKind.DNS),
        (UnicodeError("label too long"), ErrorKind.DNS),
        (ssl.SSLError(1, "[SSL] something"), ErrorKind.TLS),
        (ssl.SSLCertVerificationError(1, "[SSL] self-signed"), ErrorKind.TLS),
    ],
)
def test_kinds_of_failures_to_connect(error: OSError | UnicodeError, kind: ErrorKind) -> None:
    assert _connect_failure(HttpTarget.of("http://a.test"), error)[0] is kind
