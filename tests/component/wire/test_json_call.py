from __future__ import annotations

import asyncio

import pytest

from raysim.core.records.outcome import ErrorKind
from raysim.wire import json_call
from raysim.wire.json_call import call_json
from raysim.wire.target import Timeouts
from tests.component.wire.conftest import Connect, Serve
from tests.component.wire.scripted_server import Peer, answer, chunked, whole

CREATED = whole(b'{"orgId":"o-1"}', "201 Created", "X-Trace: t")


async def test_a_call_and_its_answer(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(CREATED))
    client = connect(server)
    said = await call_json(client, "POST", "/v1/orgs", body={"name": "Acmé"}, headers={"Authorization": "Bearer t"})
    assert (said.ok, said.status, said.json(), said.error) == (True, 201, {"orgId": "o-1"}, ErrorKind.NONE)
    assert said.headers["x-trace"] == "t"
    assert said.text() == '201 {"orgId":"o-1"}'
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /v1/orgs HTTP/1.1"
    assert b"Authorization: Bearer t" in head
    assert body == '{"name":"Acmé"}'.encode()


async def test_a_call_without_a_body(serve: Serve, connect: Connect) -> None:
    server = await serve(answer(b"HTTP/1.1 204 No Content\r\n\r\n"))
    client = connect(server)
    for _ in range(2):
        said = await call_json(client, "DELETE", "/v1/keys/1")
        assert (said.ok, said.status, said.body, said.json()) == (True, 204, b"", None)
    assert server.requests[0].endswith(b"Content-Length: 0\r\n\r\n")
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    ("response", "status", "value", "text"),
    [
        (whole(b"duplicate slug\n", "409 Conflict"), 409, None, "409 duplicate slug"),
        (whole(b'{"error":"x"}', "404 Not Found"), 404, {"error": "x"}, '404 {"error":"x"}'),
        (whole(b"", "500 Oops"), 500, None, "500"),
        (whole(b"\xff", "302 Found"), 302, None, "302 �"),
    ],
)
async def test_a_refusal_is_an_answer(
    serve: Serve, connect: Connect, response: bytes, status: int, value: object, text: str
) -> None:
    said = await call_json(connect(await serve(answer(response))), "GET", "/")
    assert (said.ok, said.status, said.json(), said.text()) == (False, status, value, text)
    assert said.error is ErrorKind.NONE


@pytest.mark.parametrize(
    ("response", "then", "kind"),
    [
        (b"", "close", ErrorKind.CONNECTION_RESET),
        (CREATED[:-2], "close", ErrorKind.STREAM_INTERRUPTED),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", "close", ErrorKind.STREAM_INTERRUPTED),
        (b"junk", "", ErrorKind.PROTOCOL),
    ],
)
async def test_no_answer_at_all(serve: Serve, connect: Connect, response: bytes, then: str, kind: ErrorKind) -> None:
    said = await call_json(connect(await serve(answer(response, b"", then=then))), "GET", "/")
    assert (said.ok, said.error) == (False, kind)
    assert said.text() == f"{kind}: {said.detail}"
    assert said.detail


async def test_a_call_that_is_never_answered_names_its_deadline(serve: Serve, connect: Connect) -> None:
    client = connect(await serve(answer(b"")), timeouts=Timeouts(1.0, 0.1, 0.1))
    said = await call_json(client, "GET", "/")
    assert said.text() == "timeout_total: not finished within 0.1 s"


async def test_an_answer_too_large_is_cut_off(monkeypatch: pytest.MonkeyPatch, serve: Serve, connect: Connect) -> None:
    monkeypatch.setattr(json_call, "MAX_BODY_BYTES", 100_000)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await peer.flood(chunked(b"x" * 9999))

    server = await serve(script)
    client = connect(server)
    said = await call_json(client, "GET", "/")
    assert (said.ok, said.error) == (False, ErrorKind.INVALID_RESPONSE)
    assert not client.is_open
    await server.all_closed()


async def test_calls_of_several_clients_do_not_mix(serve: Serve, connect: Connect) -> None:
    async def echo(peer: Peer) -> None:
        while True:
            body = (await peer.request()).partition(b"\r\n\r\n")[2]
            await asyncio.sleep(0.001 * (body[-2] % 5))
            await peer.send(whole(body))

    server = await serve(echo)

    async def call(number: int) -> bool:
        client = connect(server)
        return all([(await call_json(client, "POST", "/", body=[number, n])).json() == [number, n] for n in range(4)])

    assert await asyncio.gather(*(call(number) for number in range(10))) == [True] * 10
