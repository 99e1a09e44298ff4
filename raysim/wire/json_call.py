"""Plain JSON calls over the wire client: what bootstrapping and org management need, without another HTTP stack.

User actors make them too, and an actor's memory has no room for a second client library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from raysim.core.records.outcome import ErrorKind
from raysim.wire.client import HttpClient, request_head

#: answers of a control plane are small; more than this is not one
MAX_BODY_BYTES = 8 * 1024 * 1024


class BodyCollector:
    """Collects a whole body."""

    def __init__(self) -> None:
        self.first_token_ns = 0
        self.body = bytearray()
        self.overflow = False

    def start(self, status: int, headers: dict[str, str]) -> None:  # noqa: ARG002 - the port's signature
        """A fresh body begins."""
        self.body.clear()

    def feed(self, data: bytes, stamp_ns: int) -> bool:  # noqa: ARG002 - the port's signature
        """Keep the piece, up to MAX_BODY_BYTES in all."""
        self.body += data
        self.overflow = len(self.body) > MAX_BODY_BYTES
        return not self.overflow


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """What a JSON call came back with. `error` is set when no usable response arrived at all."""

    status: int
    body: bytes
    headers: dict[str, str]
    error: ErrorKind
    detail: str

    @property
    def ok(self) -> bool:
        """A 2xx response arrived."""
        return self.error is ErrorKind.NONE and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers

    def json(self) -> Any:
        """The body as JSON; None when it is not."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def text(self) -> str:
        """For a message: status and the beginning of what was said, on one line."""
        if self.error is not ErrorKind.NONE:
            return f"{self.error}: {self.detail}"
        said = " ".join(self.body[:200].decode("utf-8", "replace").split())
        return f"{self.status} {said}".strip()


async def call_json(
    client: HttpClient, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None
) -> JsonAnswer:
    """Make one call. Errors are in the answer; only CancelledError is raised."""
    payload = orjson.dumps(body) if body is not None else b""
    head = request_head(
        method,
        client.target,
        path,
        {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})},
    )
    reader = BodyCollector()
    request = head + b"Content-Length: %d\r\n\r\n" % len(payload) + payload
    exchange, _ = await client.send(request, reader)
    if reader.overflow:
        exchange.fail(ErrorKind.INVALID_RESPONSE, f"a response over {MAX_BODY_BYTES} bytes")
    return JsonAnswer(exchange.status, bytes(reader.body), exchange.headers, exchange.error, exchange.detail)
