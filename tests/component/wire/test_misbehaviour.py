"""Servers that break off, stall, flood or talk nonsense: every exchange ends, with a name, and nothing stays open."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from raysim.core.records.outcome import ErrorKind
from raysim.wire import openai
from raysim.wire.client import HttpClient
from raysim.wire.openai import ChatReader
from raysim.wire.target import HttpTarget, Timeouts
from tests.component.wire.asking import ANSWER, ask, assert_hello, request
from tests.component.wire.conftest import QUICK, Connect, Serve
from tests.component.wire.scripted_server import STREAM_HEAD, Peer, answer, chunked, whole
from tests.unit.wire.chunks import ROLE, STOP, words

BRIEF = Timeouts(connect_s=0.2, first_token_s=0.15, total_s=0.3)


# ── breaking off ──


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"", ErrorKind.CONNECTION_RESET),
        (b"HTTP/1.1 100 Continue\r\n\r\n", ErrorKind.CONNECTION_RESET),
        (b"H", ErrorKind.STREAM_INTERRUPTED),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n", ErrorKind.STREAM_INTERRUPTED),
        (STREAM_HEAD, ErrorKind.STREAM_INTERRUPTED),
        (STREAM_HEAD + chunked(ROLE, *words("a")), ErrorKind.STREAM_INTERRUPTED),
        (STREAM_HEAD + chunked(ROLE, *words("a"))[:-9], ErrorKind.STREAM_INTERRUPTED),
        (whole(b"x" * 100)[:-1], ErrorKind.STREAM_INTERRUPTED),
    ],
)
async def test_a_connection_that_breaks_off(
    serve: Serve, connect: Connect, sent: bytes, kind: ErrorKind, then: str
) -> None:
    server = await serve(answer(sent, b"", then=then))
    client = connect(server)
    reply = await ask(client)
    assert (reply.error, reply.attempts) == (kind, 1)
    assert reply.exchange.detail
    assert reply.exchange.bytes_received == len(sent)
    assert not client.is_open


async def test_a_stream_without_a_length_that_is_reset_was_not_complete(serve: Serve, connect: Connect) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    server = await serve(answer(head + b"".join([ROLE, *words("a"), STOP]), b"", then="reset"))
    assert (await ask(connect(server))).error is ErrorKind.STREAM_INTERRUPTED


async def test_closing_ones_own_connection_does_not_complete_the_answer(serve: Serve, connect: Connect) -> None:
    started = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(words("a")))
        started.set()

    client = connect(await serve(script))
    asking = asyncio.create_task(ask(client))
    await started.wait()
    await asyncio.sleep(0.01)
    client.close()
    assert (await asking).error is ErrorKind.STREAM_INTERRUPTED


# ── keep-alive ──


async def test_a_connection_is_used_again(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(ANSWER))
    client = connect(server)
    assert not client.is_open
    replies = [await ask(client) for _ in range(5)]
    for reply in replies:
        assert_hello(reply)
    assert [reply.exchange.connect_ns > 0 for reply in replies] == [True, False, False, False, False]
    assert (len(server.peers), len(server.requests)) == (1, 5)


async def test_opened_ahead_there_is_nothing_to_connect(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(ANSWER))
    client = connect(server)
    assert (await client.open()).connect_ns > 0
    assert client.is_open
    assert (await client.open()).connect_ns == 0
    reply = await ask(client)
    assert_hello(reply)
    assert reply.exchange.connect_ns == 0
    assert len(server.peers) == 1


def once_then(end: str) -> tuple[asyncio.Event, object]:
    """A script that answers once, and ends the connection as soon as the second request has arrived."""
    second = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await peer.request()
        second.set()
        getattr(peer, end)()

    return second, script


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_the_keep_alive_race_is_run_once_more(serve: Serve, connect: Connect, end: str) -> None:
    second, script = once_then(end)
    server = await serve(script, answer(ANSWER))
    client = connect(server)
    assert_hello(await ask(client))
    reply = await ask(client)
    assert second.is_set()
    assert_hello(reply)
    assert reply.attempts == client.last_attempts == 2
    assert reply.exchange.connect_ns > 0
    assert len(server.peers) == 2


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_the_race_after_a_response_without_a_body(serve: Serve, connect: Connect, status: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 " + status + b"\r\n\r\n")
        await peer.request()
        peer.close()

    client = connect(await serve(script, answer(ANSWER)))
    await ask(client)
    reply = await ask(client)
    assert_hello(reply)
    assert reply.attempts == 2


async def test_the_race_is_not_run_a_third_time(serve: Serve, connect: Connect) -> None:
    _, script = once_then("reset")
    server = await serve(script, answer(b"", then="reset"))
    client = connect(server)
    await ask(client)
    reply = await ask(client)
    assert (reply.error, reply.attempts) == (ErrorKind.CONNECTION_RESET, 2)
    assert len(server.requests) == 3


async def test_after_a_sign_of_life_nothing_is_sent_twice(serve: Serve, connect: Connect) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await peer.request()
        await peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        peer.close()

    server = await serve(script)
    client = connect(server)
    await ask(client)
    reply = await ask(client)
    assert (reply.error, reply.attempts, reply.exchange.status) == (ErrorKind.CONNECTION_RESET, 1, 0)
    assert len(server.requests) == 2


async def test_a_connection_closed_while_idle_is_replaced_without_a_second_attempt(
    serve: Serve, connect: Connect
) -> None:
    server = await serve(answer(ANSWER, then="close"), answer(ANSWER))
    client = connect(server)
    assert_hello(await ask(client))
    await server.all_closed()
    assert not client.is_open
    reply = await ask(client)
    assert_hello(reply)
    assert reply.attempts == 1


@pytest.mark.parametrize("extra", [b"x", ANSWER, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
async def test_unsolicited_bytes_close_an_idle_connection(serve: Serve, connect: Connect, extra: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER, b"", extra)
        await peer.gone()

    server = await serve(script, answer(ANSWER))
    client = connect(server)
    assert_hello(await ask(client))
    await server.all_closed()
    assert not client.is_open
    assert_hello(await ask(client))


@pytest.mark.parametrize(
    "extra", [b"garbage", b"HTTP/1.1 200 OK\r\nX: ", ANSWER, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12"]
)
async def test_bytes_right_behind_a_response_spoil_the_connection_but_not_the_response(
    serve: Serve, connect: Connect, extra: bytes
) -> None:
    server = await serve(answer(ANSWER + extra))
    client = connect(server)
    for _ in range(2):
        reply = await ask(client)
        assert_hello(reply)
        assert not client.is_open
    assert len(server.peers) == 2


# ── deadlines ──


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", STREAM_HEAD, STREAM_HEAD + chunked(ROLE)])
async def test_a_first_token_that_never_comes(serve: Serve, connect: Connect, sent: bytes) -> None:
    server = await serve(answer(sent))
    client = connect(server, timeouts=BRIEF)
    reply = await ask(client)
    assert (reply.error, reply.exchange.detail) == (ErrorKind.TIMEOUT_FIRST_TOKEN, "no token within 0.15 s")
    assert not client.is_open
    await server.all_closed()


async def test_a_stream_that_dribbles_for_ever(serve: Serve, connect: Connect) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM_HEAD)
        while True:
            await peer.send(chunked(*words("a")))
            await asyncio.sleep(0.02)

    server = await serve(script)
    reply = await ask(connect(server, timeouts=BRIEF))
    assert (reply.error, reply.exchange.detail) == (ErrorKind.TIMEOUT_TOTAL, "not finished within 0.3 s")
    assert reply.reader.chunks > 1
    await server.all_closed()


async def test_a_stream_that_stalls_after_its_first_token(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(STREAM_HEAD + chunked(*words("a"))))
    assert (await ask(connect(server, timeouts=BRIEF))).error is ErrorKind.TIMEOUT_TOTAL


async def test_keep_alive_comments_are_no_tokens(serve: Serve, connect: Connect) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM_HEAD)
        while True:
            await peer.send(chunked(b": still here\n\n"))
            await asyncio.sleep(0.02)

    server = await serve(script)
    assert (await ask(connect(server, timeouts=BRIEF))).error is ErrorKind.TIMEOUT_FIRST_TOKEN


@pytest.mark.parametrize("first_token_s", [0.1, 5.0])
async def test_a_total_no_longer_than_the_first_token(serve: Serve, connect: Connect, first_token_s: float) -> None:
    server = await serve(answer(b""))
    reply = await ask(connect(server, timeouts=Timeouts(1.0, first_token_s, 0.1)))
    assert reply.error is ErrorKind.TIMEOUT_TOTAL


async def test_deadlines_start_anew_with_each_request(serve: Serve, connect: Connect) -> None:
    async def script(peer: Peer) -> None:
        for _ in range(4):
            await peer.request()
            await asyncio.sleep(0.06)
            await peer.send(ANSWER)

    client = connect(await serve(script), timeouts=Timeouts(1.0, 0.15, 0.15))
    for _ in range(4):
        assert_hello(await ask(client))


# ── cancelling ──


@pytest.mark.parametrize("sent", [b"", STREAM_HEAD + chunked(*words("a"))])
async def test_cancelling_closes_the_connection(serve: Serve, connect: Connect, sent: bytes) -> None:
    arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(sent)
        arrived.set()

    server = await serve(script, answer(ANSWER))
    client = connect(server)
    asking = asyncio.create_task(ask(client))
    await arrived.wait()
    await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await server.all_closed()
    assert not client.is_open
    assert client.last_exchange is not None
    assert client.last_exchange.error is ErrorKind.CANCELLED
    assert client.last_exchange.end_ns > client.last_exchange.sent_ns > 0
    assert_hello(await ask(client))


async def test_cancelling_while_connecting_leaves_nothing_open(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(ANSWER))
    client = connect(server)
    for turns in range(6):
        asking = asyncio.create_task(ask(client))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    client.close()
    await server.all_closed()


# ── nonsense and lies ──


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"<html>hello</html>",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        STREAM_HEAD + b"not a chunk size\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"\0" * 50,
    ],
)
async def test_what_is_not_http(serve: Serve, connect: Connect, nonsense: bytes) -> None:
    server = await serve(answer(nonsense))
    client = connect(server)
    reply = await ask(client)
    assert reply.error is ErrorKind.PROTOCOL
    assert reply.exchange.detail
    assert not client.is_open
    await server.all_closed()


async def test_a_content_length_that_promises_too_much(serve: Serve, connect: Connect) -> None:
    lie = whole(b'{"choices":[]}').replace(b"Content-Length: 14", b"Content-Length: 15")
    assert (await ask(connect(await serve(answer(lie, b"", then="close"))))).error is ErrorKind.STREAM_INTERRUPTED
    assert (await ask(connect(await serve(answer(lie)), timeouts=BRIEF))).error is ErrorKind.TIMEOUT_FIRST_TOKEN


async def test_a_content_length_that_promises_too_little(serve: Serve, connect: Connect) -> None:
    body = b'{"choices":[{"message":{"content":"a"}}]}'
    lie = whole(body + b" and more").replace(b"Content-Length: 50", b"Content-Length: 41")
    server = await serve(answer(lie))
    client = connect(server)
    for _ in range(2):
        assert (await ask(client)).error is ErrorKind.NONE
        assert not client.is_open
    assert len(server.peers) == 2


# ── floods ──


@pytest.mark.parametrize(
    ("sent", "flood", "kind"),
    [
        (b"HTTP/1.1 200 ", b"O" * 9999, ErrorKind.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 9999, ErrorKind.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\n", b"X-Number: 1\r\n" * 999, ErrorKind.PROTOCOL),
        (STREAM_HEAD + chunked(*words("a")) + b"0\r\n", b"X-Number: 1\r\n" * 999, ErrorKind.PROTOCOL),
        (STREAM_HEAD + b"0\r\nX: ", b"x" * 9999, ErrorKind.PROTOCOL),
        (STREAM_HEAD + b"5;", b"x" * 9999, ErrorKind.PROTOCOL),
        (STREAM_HEAD + chunked(b"data: "), chunked(b"x" * 99_999), ErrorKind.PROTOCOL),
        (STREAM_HEAD, chunked(b"data: \n" * 9999), ErrorKind.PROTOCOL),
        (b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(b"x" * 9999), ErrorKind.HTTP_5XX),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b"x" * 99_999, ErrorKind.INVALID_RESPONSE),
        (STREAM_HEAD, chunked(b"".join(words(*"abcdefgh"))), ErrorKind.INVALID_RESPONSE),
    ],
)
async def test_floods_are_cut_off(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, connect: Connect, sent: bytes, flood: bytes, kind: ErrorKind
) -> None:
    monkeypatch.setattr(openai, "MAX_BODY_BYTES", 1_000_000)
    monkeypatch.setattr(openai, "MAX_STREAM_BYTES", 6_000_000)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(sent)
        await peer.flood(flood)

    server = await serve(script)
    client = connect(server, timeouts=Timeouts(1.0, 10.0, 10.0))
    reply = await ask(client)
    assert reply.error is kind
    assert reply.exchange.bytes_received < 8_000_000
    assert not client.is_open
    await server.all_closed()


async def test_a_packed_bomb_is_cut_off(monkeypatch: pytest.MonkeyPatch, serve: Serve, connect: Connect) -> None:
    monkeypatch.setattr(openai, "MAX_BODY_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(50_000_000), 1)
    server = await serve(answer(whole(bomb, "200 OK", "Content-Encoding: gzip")))
    reply = await ask(connect(server))
    assert reply.error is ErrorKind.INVALID_RESPONSE
    assert len(reply.reader.body) < 2_000_000


# ── never connected ──


async def test_a_port_where_nobody_listens(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(ANSWER))
    client = connect(server)
    await server.__aexit__(None, None, None)
    reply = await ask(client)
    assert (reply.error, reply.attempts) == (ErrorKind.CONNECTION_REFUSED, 1)
    assert reply.exchange.detail == f"127.0.0.1:{server.port} refused the connection"
    assert (reply.exchange.sent_ns, reply.exchange.first_byte_ns) == (0, 0)
    opened = await client.open()
    assert opened.error is ErrorKind.CONNECTION_REFUSED
    assert not client.is_open


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70 + ".invalid", "a..b"])
async def test_a_name_that_nobody_knows(host: str, clients: list[HttpClient]) -> None:
    client = HttpClient(HttpTarget.of(f"http://{host}:1", timeouts=QUICK))
    clients.append(client)
    reply = await ask(client)
    assert reply.error is ErrorKind.DNS
    assert host in reply.exchange.detail


async def test_a_server_that_closes_at_once(serve: Serve, connect: Connect) -> None:
    async def script(peer: Peer) -> None:
        peer.reset()

    client = connect(await serve(script))
    for _ in range(3):
        reply = await ask(client)
        assert reply.error is ErrorKind.CONNECTION_RESET
        assert reply.attempts == 1


async def test_an_answer_before_the_question_is_not_taken_for_one(serve: Serve, connect: Connect) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(ANSWER)

    server = await serve(script, answer(ANSWER))
    client = connect(server)
    await client.open()
    await server.all_closed()
    assert not client.is_open
    assert_hello(await ask(client))


async def test_many_clients_leave_nothing_behind(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(ANSWER), answer(STREAM_HEAD, then="close"), answer(b"", then="reset"), answer(ANSWER))
    clients = [connect(server) for _ in range(20)]
    replies = await asyncio.gather(*(ask(client) for client in clients))
    kinds = [reply.error for reply in replies]
    assert kinds.count(ErrorKind.NONE) == 18
    assert kinds.count(ErrorKind.STREAM_INTERRUPTED) == 1
    assert kinds.count(ErrorKind.CONNECTION_RESET) == 1
    for client in clients:
        client.close()
        client.close()
        assert not client.is_open
    await server.all_closed()


async def test_requests_are_written_to_nobody_elses_socket(serve: Serve, connect: Connect) -> None:
    """A connection lost between its opening and the request gets no request at all."""
    first, second = await serve(answer(ANSWER)), await serve(answer(ANSWER))
    lost, other = connect(first), connect(second)
    await lost.open()
    connection = lost._connection
    assert connection is not None
    connection.close()
    await first.all_closed()
    await other.open()
    reader = ChatReader(stream=True)
    exchange = await other.open()
    await connection.exchange(request(lost), reader, QUICK, exchange)
    assert exchange.error is ErrorKind.CONNECTION_RESET
    assert second.requests == []
