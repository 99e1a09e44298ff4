"""Answers of every shape that servers and what stands before them give."""

from __future__ import annotations

import gzip
import zlib

import pytest

from raysim.core.records.outcome import ErrorKind
from raysim.wire.client import HttpClient
from raysim.wire.target import HttpTarget
from tests.component.wire.asking import ANSWER, BODY, HELLO, LAST, ask, assert_hello
from tests.component.wire.conftest import Connect, Serve
from tests.component.wire.scripted_server import STREAM_END, STREAM_HEAD, answer, chunked, whole
from tests.unit.wire.chunks import DONE, ROLE, STOP, chunk, event, words

BARE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
EVENTS = b"".join([ROLE, *words("Hel", "lo"), STOP, LAST, DONE])


def with_length(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: text/event-stream", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def test_the_request_goes_out_as_it_is(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(ANSWER))
    assert_hello(await ask(connect(server)))
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % server.port)
    assert body == BODY


async def test_a_request_larger_than_the_socket_takes_at_once(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(ANSWER))
    client = connect(server)
    head = b"POST / HTTP/1.1\r\nHost: x\r\n"
    body = bytes(range(256)) * 40_000
    from raysim.wire.openai import ChatReader  # noqa: PLC0415 - used here alone

    exchange, _ = await client.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body, ChatReader(stream=True))
    assert exchange.error is ErrorKind.NONE
    assert server.requests[0].endswith(body)


@pytest.mark.parametrize(
    "pieces",
    [
        [ANSWER],
        [STREAM_HEAD, HELLO, STREAM_END],
        [STREAM_HEAD[:30], STREAM_HEAD[30:] + HELLO[:11], HELLO[11:90], HELLO[90:], STREAM_END[:2], STREAM_END[2:]],
        [STREAM_HEAD + chunked(*(EVENTS[i : i + 7] for i in range(0, len(EVENTS), 7))) + STREAM_END],
        [STREAM_HEAD + chunked(EVENTS.replace(b"\n", b"\r\n")) + STREAM_END],
        [STREAM_HEAD + chunked(EVENTS.replace(b"\n", b"\r")) + STREAM_END],
        [STREAM_HEAD + chunked(b"\xef\xbb\xbf" + EVENTS) + STREAM_END],
        [STREAM_HEAD + chunked(b": hello\n\n", EVENTS, b": bye\n") + STREAM_END],
        [STREAM_HEAD + HELLO + b"0\r\nX-Checksum: 1\r\nServer-Timing: x\r\n\r\n"],
        [STREAM_HEAD + HELLO.replace(b"\r\n", b";ext=1\r\n", 1) + STREAM_END],
        [with_length(EVENTS)],
        [with_length(EVENTS.removesuffix(DONE))],
        [b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER],
        [b"HTTP/1.1 100 Continue\r\n\r\n", ANSWER],
        [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n" * 3, ANSWER],
        [with_length(gzip.compress(EVENTS), b"Content-Encoding: gzip")],
        [with_length(gzip.compress(EVENTS), b"Content-Encoding:  GZIP")],
        [with_length(zlib.compress(EVENTS), b"Content-Encoding: deflate")],
        [with_length(EVENTS, b"Content-Encoding: identity")],
    ],
)
async def test_orderly_answers(serve: Serve, connect: Connect, pieces: list[bytes]) -> None:
    server = await serve(answer(*pieces))
    client = connect(server)
    for _ in range(2):
        reply = await ask(client)
        assert_hello(reply)
        assert reply.attempts == 1
        assert "link" not in reply.exchange.headers
        assert "x-checksum" not in reply.exchange.headers
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    "pieces",
    [
        [BARE_HEAD + EVENTS],
        [BARE_HEAD, EVENTS[:50], EVENTS[50:]],
        [BARE_HEAD.replace(b"1.1", b"1.0") + EVENTS],
        [with_length(EVENTS, b"Connection: close")],
        [STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + HELLO + STREAM_END],
        [BARE_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + gzip.compress(EVENTS)],
    ],
)
async def test_answers_that_end_with_the_connection(serve: Serve, connect: Connect, pieces: list[bytes]) -> None:
    server = await serve(answer(*pieces, then="close"))
    client = connect(server)
    for _ in range(2):
        reply = await ask(client)
        assert_hello(reply)
        assert reply.attempts == 1
        assert not client.is_open
        assert reply.exchange.connect_ns > 0
    assert len(server.peers) == 2


async def test_an_informational_response_is_not_the_first_byte(serve: Serve, connect: Connect) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    server = await serve(answer(early, ANSWER), answer(early + ANSWER))
    for _ in range(2):
        reply = await ask(connect(server))
        assert_hello(reply)
        assert reply.exchange.first_byte_ns == reply.reader.first_token_ns
        assert reply.exchange.bytes_received == len(early + ANSWER)


async def test_tokens_are_stamped_when_they_arrive(serve: Serve, connect: Connect) -> None:
    thought = chunked(chunk({"reasoning": "hm"}))
    first, second = words("a", "b")
    server = await serve(answer(STREAM_HEAD, chunked(ROLE), thought, chunked(first), chunked(second, STOP), STREAM_END))
    reader = (await ask(connect(server))).reader
    assert reader.first_token_ns < reader.first_output_ns < reader.last_token_ns
    assert (reader.chunks, reader.token_reads) == (3, 3)
    assert min(reader.gaps_us) > 1000


async def test_all_tokens_in_one_read_are_seen_as_such(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(ANSWER))
    reader = (await ask(connect(server))).reader
    assert (reader.chunks, reader.token_reads) == (2, 1)


@pytest.mark.parametrize(
    "failure", [b'event: error\ndata: {"message":"boom"}\n\n', event({"error": {"message": "boom", "code": 500}})]
)
async def test_an_error_inside_a_200_ends_the_exchange(serve: Serve, connect: Connect, failure: bytes) -> None:
    server = await serve(answer(STREAM_HEAD + chunked(ROLE, failure, *words("never read"))))
    client = connect(server)
    reply = await ask(client)
    assert (reply.error, reply.reader.detail) == (ErrorKind.STREAM_ERROR, "boom")
    assert not client.is_open
    await server.all_closed()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", ErrorKind.AUTH),
        ("429 Too Many Requests", ErrorKind.RATE_LIMITED),
        ("500 Internal Server Error", ErrorKind.HTTP_5XX),
        ("503", ErrorKind.OVERLOADED),
    ],
)
async def test_error_statuses_keep_the_connection(serve: Serve, connect: Connect, status: str, kind: ErrorKind) -> None:
    server = await serve(answer(whole(b'{"error":"no"}', status)))
    client = connect(server)
    for _ in range(2):
        reply = await ask(client)
        assert (reply.error, reply.exchange.status) == (kind, int(status[:3]))
    assert len(server.peers) == 1


@pytest.mark.parametrize("head", [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"])
async def test_a_response_without_a_body_ends_with_its_head(serve: Serve, connect: Connect, head: bytes) -> None:
    server = await serve(answer(head))
    client = connect(server)
    for _ in range(2):
        assert (await ask(client)).error is not ErrorKind.NONE
        assert client.is_open
    assert len(server.peers) == 1


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, br"])
async def test_a_coding_that_nobody_reads(serve: Serve, connect: Connect, coding: bytes) -> None:
    server = await serve(answer(with_length(EVENTS, b"Content-Encoding: " + coding)))
    reply = await ask(connect(server))
    assert reply.error is ErrorKind.PROTOCOL
    assert coding.decode() in reply.exchange.detail


async def test_a_body_that_is_not_packed_as_it_says(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(with_length(EVENTS, b"Content-Encoding: gzip")))
    reply = await ask(connect(server))
    assert reply.error is ErrorKind.PROTOCOL
    assert "content-encoding" in reply.exchange.detail


async def test_a_connection_for_every_request_where_that_is_wanted(serve: Serve) -> None:
    server = await serve(answer(ANSWER))
    client = HttpClient(HttpTarget.of(f"http://127.0.0.1:{server.port}", keep_alive=False))
    for _ in range(2):
        reply = await ask(client)
        assert_hello(reply)
        assert not client.is_open
        assert reply.exchange.connect_ns > 0
    assert len(server.peers) == 2
    assert all(b"\r\nConnection: close\r\n" in request for request in server.requests)
