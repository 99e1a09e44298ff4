"""Columnar batches: how rows travel from a user actor to a metrics actor, in one piece of bytes.

Encoding imports neither numpy nor polars: it runs in every user actor, where memory is counted in single MiB.
"""

from __future__ import annotations

from array import array
from operator import attrgetter
from typing import Any

import msgspec

from raysim.core.records.request import COLUMNS, SCHEMA_VERSION, RequestRecord

_TYPECODES = {"i64": "q", "u64": "Q", "f64": "d", "bool": "B"}
_NUMBERS = tuple(c.name for c in COLUMNS if c.kind in _TYPECODES)
_TEXTS = tuple(c.name for c in COLUMNS if c.kind == "str")
#: one call for all of a row's values of a kind: this runs once a request
_numbers_of = attrgetter(*_NUMBERS)
_texts_of = attrgetter(*_TEXTS)


class WireBatch(msgspec.Struct, array_like=True):
    """A batch as it travels.

    `numbers`: column → little-endian machine values. `texts`: column → (distinct values, u32 codes). `lists`:
    column → (u32 lengths, u32 values).
    """

    version: int
    rows: int
    numbers: dict[str, bytes]
    texts: dict[str, tuple[list[str], bytes]]
    lists: dict[str, tuple[bytes, bytes]]


class BatchBuilder:
    """Collects rows column by column; `encode` turns them into bytes and starts afresh."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.rows = 0
        self._size = 0
        self._numbers: dict[str, array[Any]] = {
            c.name: array(_TYPECODES[c.kind]) for c in COLUMNS if c.kind in _TYPECODES
        }
        self._codes: dict[str, array[int]] = {name: array("I") for name in _TEXTS}
        self._distinct: dict[str, dict[str, int]] = {name: {} for name in self._codes}
        self._lengths: dict[str, array[int]] = {c.name: array("I") for c in COLUMNS if c.kind == "u32list"}
        self._values: dict[str, array[int]] = {name: array("I") for name in self._lengths}

    @property
    def size_bytes(self) -> int:
        """About how many bytes `encode` would return."""
        return self._size

    def append(self, record: RequestRecord) -> None:
        """Add one row. Nothing of the record is kept but its values."""
        self.rows += 1
        self._size += 8 * len(self._numbers) + 4 * len(self._codes)
        for column, value in zip(self._numbers.values(), _numbers_of(record), strict=True):
            column.append(value)
        for codes, distinct, text in zip(self._codes.values(), self._distinct.values(), _texts_of(record), strict=True):
            code = distinct.get(text)
            if code is None:
                code = distinct[text] = len(distinct)
                self._size += len(text) + 2
            codes.append(code)
        for name, lengths in self._lengths.items():
            values: array[int] = getattr(record, name)
            lengths.append(len(values))
            self._values[name].extend(values)
            self._size += 4 * (1 + len(values))

    def encode(self) -> bytes:
        """The rows as bytes; the builder is empty afterwards."""
        batch = WireBatch(
            version=SCHEMA_VERSION,
            rows=self.rows,
            numbers={name: column.tobytes() for name, column in self._numbers.items()},
            texts={
                name: (list(map(str, self._distinct[name])), codes.tobytes()) for name, codes in self._codes.items()
            },
            lists={name: (lengths.tobytes(), self._values[name].tobytes()) for name, lengths in self._lengths.items()},
        )
        self._reset()
        return msgspec.msgpack.encode(batch)


_decoder = msgspec.msgpack.Decoder(WireBatch)


def decode_batch(data: bytes) -> WireBatch:
    """The batch that `encode` made.

    Raises:
        msgspec.DecodeError: `data` is not such a batch.
    """
    return _decoder.decode(data)
