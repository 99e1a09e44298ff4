"""Answers that come in one piece and hold no generated text: embeddings, organisations, whatever a custom path gives.

Does no I/O; it is fed by a connection.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from raysim.core.behaviour.endpoint import EndpointKind
from raysim.core.records.outcome import ErrorKind
from raysim.wire.completion import DECODE_ERRORS, NO_ERROR
from raysim.wire.error_mapping import kind_of_response
from raysim.wire.statements import number_in

_HTTP_REDIRECT = 300
_HTTP_ERROR = 400
#: more than this is not such an answer
MAX_BODY_BYTES = 16 * 1024 * 1024
_MOST_TOKENS = 2**31 - 1
_Tokens = Annotated[int, msgspec.Meta(ge=0, le=_MOST_TOKENS)]


class StatedTokens(msgspec.Struct):
    """Token counts under the names that servers give them, and the price, in USD; None where there is none."""

    prompt_tokens: _Tokens | None = None
    input_tokens: _Tokens | None = None
    tokens_input: _Tokens | None = None
    completion_tokens: _Tokens | None = None
    output_tokens: _Tokens | None = None
    tokens_output: _Tokens | None = None
    #: whatever it is: a price that is none must not take the counts with it
    cost_usd: msgspec.Raw = NO_ERROR

    @property
    def billed_usd(self) -> float:
        """The price, in USD; NaN where none is stated."""
        return number_in(bytes(self.cost_usd).decode("utf-8", "replace"))

    @property
    def prompt(self) -> int | None:
        """Tokens of the prompt."""
        return _first(self.prompt_tokens, self.input_tokens, self.tokens_input)

    @property
    def completion(self) -> int | None:
        """Tokens generated."""
        return _first(self.completion_tokens, self.output_tokens, self.tokens_output)


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)


class _Embeddings(msgspec.Struct):
    data: list[msgspec.Raw]
    usage: StatedTokens | None = None


class _Anything(msgspec.Struct):
    usage: StatedTokens | None = None


_decode_embeddings = msgspec.json.Decoder(_Embeddings).decode
_decode_anything = msgspec.json.Decoder(_Anything).decode


class WholeReader:
    """Reads one answer in one piece, and keeps what the record needs. It never has a token's time.

    Args:
        kind: decides what is looked for: embeddings and token counts, counts alone, or nothing at all.
    """

    def __init__(self, kind: EndpointKind) -> None:
        self._kind = kind
        self.body = b""
        self.tokens: StatedTokens | None = None
        self.error = ErrorKind.NONE
        self.detail = ""
        self.first_token_ns = 0
        self._collected = bytearray()

    def start(self, status: int, headers: dict[str, str]) -> None:  # noqa: ARG002 - the port's signature
        """A response begins; whatever an earlier attempt left is forgotten."""
        self._collected.clear()
        self.error, self.detail = ErrorKind.NONE, ""

    def feed(self, data: bytes, stamp_ns: int) -> bool:  # noqa: ARG002 - the port's signature
        """Take a piece of the body. False when it is too much."""
        self._collected += data
        if len(self._collected) > MAX_BODY_BYTES:
            self.error, self.detail = ErrorKind.INVALID_RESPONSE, f"a body over {MAX_BODY_BYTES} bytes"
        return self.error is ErrorKind.NONE

    def finish(self, status: int, headers: dict[str, str]) -> None:
        """The response has ended: judge it as a whole."""
        self.body = bytes(self._collected)
        if status >= _HTTP_ERROR:
            self.error, self.detail = kind_of_response(status, headers, self.body)
        elif status >= _HTTP_REDIRECT:
            self.error = ErrorKind.INVALID_RESPONSE
            self.detail = f"{status} {headers.get('location', '')}".rstrip()
        elif self.error is ErrorKind.NONE:
            self._decode()

    def _decode(self) -> None:
        if self._kind == "custom":
            try:
                self.tokens = _decode_anything(self.body).usage
            except DECODE_ERRORS:
                # it may be anything at all; what it has to be is for its expectation to say
                self.tokens = None
        elif self._kind == "embeddings":
            try:
                answer = _decode_embeddings(self.body)
            except DECODE_ERRORS as error:
                self.error, self.detail = ErrorKind.INVALID_RESPONSE, f"not embeddings: {error}"
                return
            self.tokens = answer.usage
            if not answer.data:
                self.error, self.detail = ErrorKind.INVALID_RESPONSE, "embeddings without data"

    # ── what only generated answers have ──

    @property
    def text(self) -> str:
        """Nothing: there is no generated text."""
        return ""
