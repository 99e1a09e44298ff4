from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from raysim.core.records.outcome import ErrorKind
from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget, Timeouts, TlsFiles
from tests.component.wire.asking import ANSWER, ask, assert_hello
from tests.component.wire.conftest import QUICK, Connect, Serve
from tests.component.wire.scripted_server import STREAM_HEAD, Peer, answer, chunked
from tests.unit.wire.chunks import ROLE, words


@dataclass(frozen=True)
class Papers:
    """Files of an authority that raysim is told of, of a server and of a client that it vouches for."""

    authority: trustme.CA
    ca_file: str
    client_file: str

    def server(self, name: str = "127.0.0.1", *, ask_for_certificate: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(name).configure_cert(context)
        if ask_for_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            self.authority.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    directory = tmp_path_factory.mktemp("papers")
    authority = trustme.CA()
    ca_file, client_file = directory / "ca.pem", directory / "client.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    authority.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(str(client_file))
    return Papers(authority, str(ca_file), str(client_file))


async def test_a_verified_server(serve: Serve, connect: Connect, papers: Papers) -> None:
    server = await serve(answer(STREAM_HEAD, ANSWER.removeprefix(STREAM_HEAD)), context=papers.server())
    client = connect(server, tls=TlsFiles(ca_file=papers.ca_file))
    for _ in range(3):
        assert_hello(await ask(client))
    assert len(server.peers) == 1


async def test_a_server_that_nobody_vouches_for_is_refused(serve: Serve, connect: Connect, papers: Papers) -> None:
    server = await serve(answer(ANSWER), context=papers.server())
    client = connect(server, tls=TlsFiles())
    reply = await ask(client)
    assert reply.error is ErrorKind.TLS
    assert reply.exchange.detail.startswith("certificate not accepted: ")
    assert not client.is_open
    assert server.requests == []


async def test_a_server_that_nobody_vouches_for_is_taken_unverified(
    serve: Serve, connect: Connect, papers: Papers
) -> None:
    server = await serve(answer(ANSWER), context=papers.server())
    assert_hello(await ask(connect(server, tls=TlsFiles(verify=False))))


async def test_a_server_with_another_name_is_refused(serve: Serve, connect: Connect, papers: Papers) -> None:
    server = await serve(answer(ANSWER), context=papers.server("elsewhere.test"))
    reply = await ask(connect(server, tls=TlsFiles(ca_file=papers.ca_file)))
    assert reply.error is ErrorKind.TLS
    assert "certificate not accepted" in reply.exchange.detail


async def test_a_server_that_wants_to_know_the_client(serve: Serve, connect: Connect, papers: Papers) -> None:
    server = await serve(answer(ANSWER), context=papers.server(ask_for_certificate=True))
    files = TlsFiles(ca_file=papers.ca_file, cert_file=papers.client_file)
    assert_hello(await ask(connect(server, tls=files)))


def refuse(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Take one connection; say what is wrong with it, which asyncio's servers do not; wait until the client goes."""
    raw, _ = listener.accept()
    with context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False) as secured:
        secured.settimeout(2)
        with contextlib.suppress(ssl.SSLError):
            secured.do_handshake()
        with contextlib.suppress(OSError):
            while socket.socket.recv(secured, 65536):
                pass


@pytest.mark.parametrize("ahead", [True, False])
async def test_a_client_that_has_no_certificate(papers: Papers, clients: list[HttpClient], ahead: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = papers.server(ask_for_certificate=True)
        refusing = asyncio.create_task(asyncio.to_thread(refuse, listener, context))
        files = TlsFiles(ca_file=papers.ca_file)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        client = HttpClient(HttpTarget.of(url, tls=files, timeouts=QUICK))
        clients.append(client)
        if ahead:
            assert (await client.open()).error is ErrorKind.NONE
        reply = await ask(client)
        client.close()
        await refusing
    assert reply.error is ErrorKind.TLS
    assert "CERTIFICATE_REQUIRED" in reply.exchange.detail
    assert reply.attempts == 1


async def test_plain_http_in_place_of_tls(serve: Serve, connect: Connect, papers: Papers) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\nThis is not TLS\n")

    server = await serve(script)
    client = connect(server, tls=TlsFiles(ca_file=papers.ca_file))
    assert (await ask(client)).error is ErrorKind.TLS
    await server.all_closed()


async def test_a_handshake_that_is_cut_short(serve: Serve, connect: Connect, papers: Papers) -> None:
    async def script(peer: Peer) -> None:
        peer.reset()

    client = connect(await serve(script), tls=TlsFiles(ca_file=papers.ca_file))
    assert (await ask(client)).error in (ErrorKind.CONNECTION_RESET, ErrorKind.TLS)


async def test_a_stream_that_is_cut_inside_tls(serve: Serve, connect: Connect, papers: Papers) -> None:
    server = await serve(answer(STREAM_HEAD + chunked(ROLE, *words("a")), b"", then="reset"), context=papers.server())
    reply = await ask(connect(server, tls=TlsFiles(ca_file=papers.ca_file)))
    assert reply.error is ErrorKind.STREAM_INTERRUPTED
    assert reply.reader.text == "a"


@pytest.fixture
async def mute() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port whose server takes connections and never says a word, and the event that the client has gone."""
    gone = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        except OSError:
            pass
        finally:
            gone.set()
            writer.transport.abort()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], gone
    server.close()
    await server.wait_closed()


async def test_a_handshake_that_is_never_answered(mute: tuple[int, asyncio.Event], clients: list[HttpClient]) -> None:
    port, gone = mute
    client = HttpClient(HttpTarget.of(f"https://127.0.0.1:{port}", timeouts=Timeouts(connect_s=0.15)))
    clients.append(client)
    reply = await ask(client)
    assert (reply.error, reply.exchange.detail) == (ErrorKind.TIMEOUT_CONNECT, "no connection within 0.15 s")
    assert reply.exchange.sent_ns == 0
    async with asyncio.timeout(2):
        await gone.wait()


async def test_cancelling_a_handshake_leaves_nothing_open(
    mute: tuple[int, asyncio.Event], clients: list[HttpClient]
) -> None:
    port, gone = mute
    client = HttpClient(HttpTarget.of(f"https://127.0.0.1:{port}", timeouts=QUICK))
    clients.append(client)
    asking = asyncio.create_task(ask(client))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(2):
        await gone.wait()
    assert not client.is_open


async def test_a_context_may_be_shared(serve: Serve, papers: Papers, clients: list[HttpClient]) -> None:
    server = await serve(answer(ANSWER), context=papers.server())
    target = HttpTarget.of(f"https://127.0.0.1:{server.port}", timeouts=QUICK)
    context = TlsFiles(ca_file=papers.ca_file).context()
    clients += [HttpClient(target, context=context) for _ in range(3)]
    for reply in await asyncio.gather(*(ask(client) for client in clients)):
        assert_hello(reply)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        TlsFiles(ca_file=str(tmp_path / "none.pem")).context()
    (tmp_path / "junk.pem").write_text("junk")
    with pytest.raises(ssl.SSLError):
        TlsFiles(ca_file=str(tmp_path / "junk.pem")).context()
