"""Bodies that arrive compressed although nobody asked for it. Pure: bytes in, bytes out."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

#: a small body may unpack to a thousand times its size; it is handed on in pieces of at most this
PIECE_BYTES = 256 * 1024

_GZIP_WBITS = 31
_ZLIB_WBITS = 15
_WBITS = {"gzip": _GZIP_WBITS, "x-gzip": _GZIP_WBITS, "deflate": _ZLIB_WBITS}


class Inflater:
    """Unpacks one body.

    Args:
        coding: `gzip`, `x-gzip` or `deflate`.

    Raises:
        ValueError: any other coding.
    """

    def __init__(self, coding: str) -> None:
        if coding not in _WBITS:
            raise ValueError(f"content-encoding {coding!r} was not asked for")
        self._wbits = _WBITS[coding]
        self._unpack = zlib.decompressobj(self._wbits)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What `data` unpacks to, never more than PIECE_BYTES at a time.

        Raises:
            zlib.error: `data` is not so packed.
        """
        more = bool(data)
        while more:
            if self._unpack.eof:
                # a packed body may be several, one after the other
                self._unpack = zlib.decompressobj(self._wbits)
            piece = self._unpack.decompress(data, PIECE_BYTES)
            data = self._unpack.unused_data if self._unpack.eof else self._unpack.unconsumed_tail
            # a full piece may have left something inside the unpacker, without any input left over
            more = bool(data) or (len(piece) == PIECE_BYTES and not self._unpack.eof)
            if piece:
                yield piece
