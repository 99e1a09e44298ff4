"""Asking a scripted server for a chat answer, as a user does."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.records.outcome import ErrorKind
from raysim.wire.client import HttpClient, request_head
from raysim.wire.exchange import Exchange
from raysim.wire.openai import ChatReader
from tests.component.wire.scripted_server import STREAM_END, STREAM_HEAD, chunked
from tests.unit.wire.chunks import DONE, ROLE, STOP, event, usage, words

BODY = b'{"stream":true}'
LAST = event({"choices": [], "usage": usage(7, 2)})
HELLO = chunked(ROLE, *words("Hel", "lo"), STOP, LAST, DONE)
#: a whole orderly answer
ANSWER = STREAM_HEAD + HELLO + STREAM_END


@dataclass
class Reply:
    """What came of a question."""

    exchange: Exchange
    reader: ChatReader
    attempts: int

    @property
    def error(self) -> ErrorKind:
        return self.exchange.error or self.reader.error

    @property
    def ordered(self) -> bool:
        """Whether the times are in their order."""
        e, r = self.exchange, self.reader
        times = [e.sent_ns, e.first_byte_ns, r.first_token_ns, r.first_output_ns, r.last_token_ns, e.end_ns]
        return times == sorted(times)


def request(client: HttpClient) -> bytes:
    head = request_head("POST", client.target, "/v1/chat/completions", {"Authorization": "Bearer k"})
    return head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


async def ask(client: HttpClient, *, stream: bool = True) -> Reply:
    reader = ChatReader(stream=stream)
    exchange, attempts = await client.send(request(client), reader)
    if exchange.error is ErrorKind.NONE:
        reader.finish(exchange.status, exchange.headers)
    assert exchange.end_ns > 0
    return Reply(exchange, reader, attempts)


def assert_hello(reply: Reply) -> None:
    """It is the whole orderly answer."""
    assert (reply.error, reply.exchange.detail, reply.reader.text) == (ErrorKind.NONE, "", "Hello")
    assert reply.exchange.status == 200
    assert reply.reader.usage is not None
    assert reply.reader.usage.completion_tokens == 2
    assert reply.ordered
