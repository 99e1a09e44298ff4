"""HTTP/1.1 as clients really speak it, byte by byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from raysim.core.errors import ConfigError
from raysim.simplatform.config import TlsConfig
from raysim.simplatform.server import RunningPlatform, start_platform
from tests.component.simplatform.tenant import Tenant, ask, fast_config, make_tenant

if TYPE_CHECKING:
    from pathlib import Path

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def platform() -> AsyncIterator[RunningPlatform]:
    running = await start_platform(fast_config(), "127.0.0.1")
    yield running
    await running.close()


@pytest.fixture
async def key(platform: RunningPlatform) -> Tenant:
    headers = {"Authorization": f"Bearer {platform.admin_token}"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers) as client:
        return await make_tenant(client)


async def talk(platform: RunningPlatform, *parts: bytes, end: bytes | None = None) -> bytes:
    """Send parts, each in a segment of its own; what comes back until `end`, or until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(platform.url.rsplit(":", 1)[1]))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.005)
        async with asyncio.timeout(5):
            return await (reader.read() if end is None else reader.readuntil(end))
    finally:
        writer.close()
        await writer.wait_closed()


async def test_requests_in_one_segment_are_answered_in_order(platform: RunningPlatform) -> None:
    answer = await talk(platform, GET + GET.replace(b"healthz", b"readyz"), end=b'ready"}')
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b'"ok"') < answer.index(b'"ready"')


async def test_a_slow_answer_holds_back_the_next(platform: RunningPlatform, key: Tenant) -> None:
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
    post = b"POST /v1/chat/completions HTTP/1.1\r\nX-API-Key: %b\r\nContent-Length: %d\r\n\r\n%b"
    post %= (key.secret.encode(), len(body), body)
    answer = await talk(platform, post + GET, end=b'"ok"}')
    assert answer.index(b"chat.completion") < answer.index(b'"ok"')


async def test_a_request_in_pieces(platform: RunningPlatform) -> None:
    assert b"200 OK" in await talk(platform, GET[:3], GET[3:20], GET[20:], end=b"}")


async def test_a_chunked_body(platform: RunningPlatform) -> None:
    head = b"POST /v1/auth/validate-api-key HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = (b'8\r\n{"apiKey\r\n', b'c\r\nSecret":"x"}\r\n0\r\n\r\n')
    assert b'"valid":false' in await talk(platform, head, *chunks, end=b"}")


@pytest.mark.parametrize(
    "request_bytes",
    [GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), b"GET /healthz HTTP/1.0\r\n\r\n"],
    ids=["close", "1.0"],
)
async def test_the_connection_is_closed_when_asked(platform: RunningPlatform, request_bytes: bytes) -> None:
    answer = await talk(platform, request_bytes)
    assert answer.endswith(b'{"status":"ok"}')
    assert b"Connection: close" in answer


async def test_a_stream_over_a_closing_connection(platform: RunningPlatform, key: Tenant) -> None:
    headers = key.auth | {"Connection": "close"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers) as client:
        answer = await client.post("/v1/chat/completions", json=ask(stream=True))
    assert "[DONE]" in answer.text
    assert answer.headers["connection"] == "close"


async def test_expect_continue(platform: RunningPlatform) -> None:
    head = b"POST /v1/auth/validate-api-key HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n"
    answer = await talk(platform, head, b'{"apiKeySecret":"x"}', end=b"}")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_expect_continue_of_too_much_is_refused_at_once(platform: RunningPlatform) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 65536\r\n\r\n"
    assert (await talk(platform, head)).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", b"431")],
)
async def test_nonsense_is_refused_and_closed(platform: RunningPlatform, data: bytes, status: bytes) -> None:
    assert (await talk(platform, data)).startswith(b"HTTP/1.1 " + status)


async def test_an_endless_body_is_not_read_for_ever(platform: RunningPlatform) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n"
    answer = b""
    try:
        answer = await talk(platform, head + b"x" * 20_000_000)
    except ConnectionResetError:
        # closing with unread bytes resets the connection; the answer may be lost on the way
        return
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_an_offered_upgrade_is_ignored(platform: RunningPlatform) -> None:
    offer = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert b'{"status":"ok"}' in await talk(platform, offer)


async def test_head_has_no_body(platform: RunningPlatform) -> None:
    answer = await talk(platform, b"HEAD /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")


async def test_closing_ends_streams(key: Tenant, platform: RunningPlatform) -> None:
    body = ask(stream=True, ignore_eos=True, max_tokens=100_000)
    async with (
        httpx.AsyncClient(base_url=platform.url, headers=key.auth) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        parts = answer.aiter_text()
        await anext(parts)
        await platform.close()
        with pytest.raises(httpx.HTTPError):
            async for _ in parts:
                pass


async def test_https(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = {"cert_file": tmp_path / "cert.pem", "key_file": tmp_path / "key.pem"}
    certificate.cert_chain_pems[0].write_to_path(files["cert_file"])
    certificate.private_key_pem.write_to_path(files["key_file"])
    tls = TlsConfig(**{name: str(path) for name, path in files.items()})
    running = await start_platform(fast_config(tls=tls), "127.0.0.1")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    try:
        async with httpx.AsyncClient(base_url=running.url, verify=trust) as client:
            assert running.url.startswith("https://")
            assert (await client.get("/healthz")).json() == {"status": "ok"}
    finally:
        await running.close()


async def test_missing_tls_files_are_named() -> None:
    tls = TlsConfig(cert_file="absent.pem", key_file="absent.key")
    with pytest.raises(ConfigError, match=r"absent\.pem"):
        await start_platform(fast_config(tls=tls), "127.0.0.1")
