"""Server-sent events: bytes in, events out.

The grammar is https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

#: a server that never ends its line or its event must not fill the memory
MAX_EVENT_BYTES = 4 * 1024 * 1024

#: what a line takes in memory besides its bytes
_LINE_OVERHEAD = 48

_BOM = b"\xef\xbb\xbf"


class SseOverflowError(Exception):
    """An event grew past MAX_EVENT_BYTES."""


class SseParser:
    """Cuts a byte stream into events. Lines may end in LF, CRLF or CR, and pieces may end anywhere."""

    __slots__ = ("_buffer", "_data", "_data_bytes", "_event", "_started", "_swallow_lf")

    def __init__(self) -> None:
        self._buffer = b""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._event = b""
        self._started = False
        self._swallow_lf = False

    def feed(self, piece: bytes) -> list[tuple[bytes, bytes]]:
        """The events that `piece` completes, each as (event name, data); the name is empty unless one was given.

        Raises:
            SseOverflowError: a single event exceeds MAX_EVENT_BYTES.
        """
        if not self._buffer and not self._data and not self._event and self._started and b"\r" not in piece:
            events = self._whole_events(piece)
            if events is not None:
                return events
        return self._lines(piece)

    def _whole_events(self, piece: bytes) -> list[tuple[bytes, bytes]] | None:
        """The usual case, without a line loop: whole one-line `data: …` events and nothing else."""
        if self._swallow_lf or piece[-2:] != b"\n\n":
            return None
        events = []
        for block in piece[:-2].split(b"\n\n"):
            if block[:6] != b"data: " or b"\n" in block:
                return None
            events.append((b"", block[6:]))
        return events

    def _lines(self, piece: bytes) -> list[tuple[bytes, bytes]]:
        if self._swallow_lf and piece:
            self._swallow_lf = False
            piece = piece.removeprefix(b"\n")
        text = self._buffer + piece
        if not self._started:
            if len(text) < len(_BOM) and _BOM.startswith(text):
                self._buffer = text
                return []
            text = text.removeprefix(_BOM)
            self._started = True
        if b"\r" in text:
            # a CR at the very end may be half of a CRLF whose LF is still to come
            self._swallow_lf = text.endswith(b"\r")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._buffer = text.split(b"\n")
        events: list[tuple[bytes, bytes]] = []
        for line in lines:
            self._line(line, events)
        if len(self._buffer) + self._data_bytes > MAX_EVENT_BYTES:
            raise SseOverflowError
        return events

    def _line(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        if not line:
            if self._data:
                events.append((self._event, b"\n".join(self._data)))
                self._data = []
                self._data_bytes = 0
            self._event = b""
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + _LINE_OVERHEAD
        elif name == b"event":
            self._event = value
