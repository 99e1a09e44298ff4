"""Batches as numpy arrays, for whoever counts or stores them. User actors do not import this: numpy costs memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raysim.core.records.batch import WireBatch
from raysim.core.records.request import COLUMNS, SCHEMA_VERSION

_CODE = np.dtype("<u4")
_NUMBER_TYPES = {"i64": np.dtype("<i8"), "u64": np.dtype("<u8"), "f64": np.dtype("<f8"), "bool": np.dtype(np.bool_)}
_DTYPES = {column.name: _NUMBER_TYPES[column.kind] for column in COLUMNS if column.kind in _NUMBER_TYPES}


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of text: row i holds `values[codes[i]]`."""

    values: list[str]
    codes: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of lists of numbers, their values end to end; row i has `lengths[i]` of them."""

    lengths: NDArray[np.uint32]
    values: NDArray[np.uint32]


class BatchColumns:
    """The columns of one batch as views of its bytes: nothing is copied, nothing can be written.

    Raises:
        ValueError: the batch was written with another version of the record's schema.
    """

    __slots__ = ("_batch", "rows")

    def __init__(self, batch: WireBatch) -> None:
        if batch.version != SCHEMA_VERSION:
            raise ValueError(f"a batch of schema version {batch.version}; this raysim reads version {SCHEMA_VERSION}")
        self._batch = batch
        self.rows = batch.rows

    def number(self, name: str) -> NDArray[np.generic]:
        """A column of kind i64, u64, f64 or bool. Integers hold ABSENT and floats NaN where nothing is known."""
        return np.frombuffer(self._batch.numbers[name], _DTYPES[name])

    def integers(self, name: str) -> NDArray[np.int64]:
        """A column of kind i64."""
        return np.frombuffer(self._batch.numbers[name], np.dtype("<i8"))

    def floats(self, name: str) -> NDArray[np.float64]:
        """A column of kind f64."""
        return np.frombuffer(self._batch.numbers[name], np.dtype("<f8"))

    def flags(self, name: str) -> NDArray[np.bool_]:
        """A column of kind bool."""
        return np.frombuffer(self._batch.numbers[name], np.dtype(np.bool_))

    def text(self, name: str) -> TextColumn:
        """A column of kind str."""
        values, codes = self._batch.texts[name]
        return TextColumn(values, np.frombuffer(codes, _CODE))

    def lists(self, name: str) -> ListColumn:
        """A column of kind u32list."""
        lengths, values = self._batch.lists[name]
        return ListColumn(np.frombuffer(lengths, _CODE), np.frombuffer(values, _CODE))
