"""Generated answers of the OpenAI dialect, streamed or whole, decoded only as far as they are needed."""

from __future__ import annotations

from array import array

from raysim.core.records.outcome import ErrorKind
from raysim.wire.completion import DECODE_ERRORS, NO_ERROR, Choice, Usage, decode_completion
from raysim.wire.error_mapping import kind_of_response, kind_of_stream_error
from raysim.wire.sse import SseOverflowError, SseParser

_HTTP_REDIRECT = 300
_HTTP_ERROR = 400
#: a whole answer, a stream or an error text beyond this is not one
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_STREAM_BYTES = 128 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
#: a finish reason is a word; what is longer is cut
_REASON_LIMIT = 40
_DONE = b"[DONE]"
_NS_PER_US = 1000
_MAX_GAP_US = 0xFFFF_FFFF


class ChatReader:
    """Reads one chat answer, streamed or whole, and keeps what the record needs.

    Times are monotonic ns, 0 for "not yet". A role-only chunk is not a token; text, reasoning and tool-call deltas are.
    What went wrong inside the body is in `error` and `detail`, which may quote the platform at length.
    """

    __slots__ = (
        "_body",
        "_bytes_left",
        "_content_type",
        "_ended",
        "_expects_stream",
        "_last_read_ns",
        "_sse",
        "_status",
        "_text",
        "chunks",
        "detail",
        "error",
        "finish_reason",
        "first_output_ns",
        "first_token_ns",
        "gaps_us",
        "last_token_ns",
        "streamed",
        "token_reads",
        "usage",
    )

    def __init__(self, *, stream: bool) -> None:
        self._expects_stream = stream
        self._reset()

    def _reset(self) -> None:
        self.streamed = False
        self.first_token_ns = 0
        self.first_output_ns = 0
        self.last_token_ns = 0
        self.chunks = 0
        self.token_reads = 0
        self.gaps_us: array[int] = array("I")
        self.usage: Usage | None = None
        self.finish_reason = ""
        self.error = ErrorKind.NONE
        self.detail = ""
        self._status = 0
        self._content_type = ""
        self._bytes_left = MAX_STREAM_BYTES
        self._ended = False
        self._last_read_ns = 0
        self._text: list[str] = []
        self._body = bytearray()
        self._sse: SseParser | None = None

    # ── wire.exchange.BodyReader ──

    def start(self, status: int, headers: dict[str, str]) -> None:
        """A response begins; whatever an earlier attempt left is forgotten."""
        self._reset()
        self._status = status
        kind = self._content_type = headers.get("content-type", "").lower()
        self.streamed = status < _HTTP_REDIRECT and (
            "event-stream" in kind or (self._expects_stream and "json" not in kind)
        )
        if self.streamed:
            self._sse = SseParser()

    def feed(self, data: bytes, stamp_ns: int) -> bool:
        """Take a piece of the body. False once nothing that follows can matter."""
        if self._sse is None:
            self._body += data
            limit = _MAX_ERROR_BYTES if self._status >= _HTTP_ERROR else MAX_BODY_BYTES
            if len(self._body) > limit:
                self._fail(ErrorKind.INVALID_RESPONSE, f"a body over {limit} bytes")
            return len(self._body) <= limit
        try:
            events = self._sse.feed(data)
        except SseOverflowError:
            return self._fail(ErrorKind.PROTOCOL, "an event of the stream never ends")
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            return self._fail(ErrorKind.INVALID_RESPONSE, f"a stream over {MAX_STREAM_BYTES} bytes")
        return all(self._event(name, payload, stamp_ns) for name, payload in events)

    # ── after the response ──

    def finish(self, status: int, headers: dict[str, str]) -> None:
        """The response has ended: judge it as a whole. Needed also when the body of an error status was cut short."""
        if status >= _HTTP_ERROR:
            self.error, self.detail = kind_of_response(status, headers, bytes(self._body))
        elif status >= _HTTP_REDIRECT:
            self._fail(ErrorKind.INVALID_RESPONSE, f"{status} {headers.get('location', '')}".rstrip())
        elif self.error is not ErrorKind.NONE:
            return
        elif self._sse is None:
            self._whole_answer()
        elif not (self._ended or self.finish_reason):
            if self.chunks or "event-stream" in self._content_type:
                self._fail(ErrorKind.STREAM_INTERRUPTED, "the stream ended without a finish reason or [DONE]")
            else:
                said = self._content_type or "no content type"
                self._fail(ErrorKind.INVALID_RESPONSE, f"neither JSON nor an event stream: {said}")

    @property
    def text(self) -> str:
        """The visible text of the answer."""
        return "".join(self._text)

    @property
    def only_text(self) -> bool:
        """Whether all that was generated is in `text`: no reasoning, no tool calls."""
        return len(self._text) >= self.chunks

    @property
    def body(self) -> bytes:
        """The body of an answer that was not streamed."""
        return bytes(self._body)

    def _event(self, name: bytes, payload: bytes, stamp_ns: int) -> bool:
        if payload == _DONE:
            self._ended = True
            return True
        if name == b"error":
            return self._stream_error(payload)
        if not payload:
            # some keep a connection alive with empty events
            return True
        try:
            chunk = decode_completion(payload)
        except DECODE_ERRORS as error:
            return self._fail(ErrorKind.INVALID_RESPONSE, f"a chunk that is not a completion: {error}")
        if (chunk.error is not NO_ERROR or chunk.object == "error") and chunk.is_error:
            return self._stream_error(payload)
        if chunk.usage is not None:
            self.usage = chunk.usage
        for choice in chunk.choices or ():
            self._choice(choice, stamp_ns)
        return True

    def _choice(self, choice: Choice, stamp_ns: int) -> None:
        if choice.finish_reason:
            self.finish_reason = choice.finish_reason[:_REASON_LIMIT]
        piece = choice.delta
        output = choice.text if piece is None else piece.content
        if output:
            self._text.append(output)
        elif piece is None or not (piece.reasoning_content or piece.reasoning or piece.tool_calls):
            return
        if self.first_token_ns == 0:
            self.first_token_ns = stamp_ns
        else:
            self.gaps_us.append(min((stamp_ns - self.last_token_ns) // _NS_PER_US, _MAX_GAP_US))
        if self.first_output_ns == 0 and (output or (piece is not None and piece.tool_calls)):
            self.first_output_ns = stamp_ns
        self.last_token_ns = stamp_ns
        self.chunks += 1
        if stamp_ns != self._last_read_ns:
            self._last_read_ns = stamp_ns
            self.token_reads += 1

    def _whole_answer(self) -> None:
        try:
            answer = decode_completion(self._body)
        except DECODE_ERRORS as error:
            self._fail(ErrorKind.INVALID_RESPONSE, f"not a completion: {error}")
            return
        if answer.is_error:
            self._stream_error(self.body)
            return
        if not answer.choices:
            self._fail(ErrorKind.INVALID_RESPONSE, "a completion without choices")
            return
        self.usage = answer.usage
        for choice in answer.choices:
            self.finish_reason = (choice.finish_reason or self.finish_reason)[:_REASON_LIMIT]
            text = choice.message.content if choice.message else choice.text
            if text:
                self._text.append(text)

    def _stream_error(self, payload: bytes) -> bool:
        kind, message = kind_of_stream_error(payload)
        return self._fail(kind, message)

    def _fail(self, error: ErrorKind, detail: str) -> bool:
        if self.error is ErrorKind.NONE:
            self.error, self.detail = error, detail
        return False


def backend_of(headers: dict[str, str]) -> str:
    """The backend that served a response, as the platform's headers name it; empty when they do not."""
    return headers.get("x-routing-backend") or headers.get("x-litellm-model-id") or ""
