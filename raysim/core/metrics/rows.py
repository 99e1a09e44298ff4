"""Requests as the metrics count them: the columns that matter, of many batches at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raysim.core.records.batch import WireBatch
from raysim.core.records.columns import ListColumn, TextColumn
from raysim.core.records.request import ABSENT, SCHEMA_VERSION

_NS = 1e-9
_CODE = np.dtype("<u4")

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: columns of whole numbers, where ABSENT is "not known"
INTEGERS = (
    *("due_unix_ns", "sent_ns", "first_token_ns", "last_token_ns", "end_ns", "queue_ns"),
    *("prompt_tokens", "completion_tokens", "chunks", "session", "http_status"),
)
FLOATS = ("cost_usd", "think_s")
TEXTS = ("org_id", "user_id", "model", "endpoint", "strategy", "backend", "error_type", "finish_reason")
GAPS = "chunk_gaps_us"


@dataclass(frozen=True, slots=True)
class RequestRows:
    """Columns of request records, in any order; units as in the records, see `COLUMNS`."""

    due_unix_ns: Integers
    sent_ns: Integers
    first_token_ns: Integers
    last_token_ns: Integers
    end_ns: Integers
    queue_ns: Integers
    prompt_tokens: Integers
    completion_tokens: Integers
    chunks: Integers
    session: Integers
    http_status: Integers
    question_hash: NDArray[np.uint64]
    cost_usd: Numbers
    think_s: Numbers
    streamed: Flags
    org_id: TextColumn
    user_id: TextColumn
    model: TextColumn
    endpoint: TextColumn
    strategy: TextColumn
    backend: TextColumn
    error_type: TextColumn
    finish_reason: TextColumn
    chunk_gaps_us: ListColumn

    def __len__(self) -> int:
        return self.end_ns.size

    @classmethod
    def of(cls, batches: Sequence[WireBatch]) -> RequestRows:
        """The rows of all these batches: joined first, so that many small ones cost little more than a large one.

        Raises:
            ValueError: a batch was written with another version of the record's schema.
        """
        for batch in batches:
            if batch.version != SCHEMA_VERSION:
                raise ValueError(f"a batch of schema version {batch.version}; this raysim reads {SCHEMA_VERSION}")

        def joined(name: str, dtype: type[np.generic]) -> Any:
            return np.frombuffer(b"".join([batch.numbers[name] for batch in batches]), dtype)

        columns: dict[str, Any] = {name: joined(name, np.int64) for name in INTEGERS}
        columns |= {name: joined(name, np.float64) for name in FLOATS}
        columns |= {name: _text([batch.texts[name] for batch in batches]) for name in TEXTS}
        gaps = [batch.lists[GAPS] for batch in batches]
        return cls(
            **columns,
            question_hash=joined("question_hash", np.uint64),
            streamed=joined("streamed", np.bool_),
            chunk_gaps_us=ListColumn(
                np.frombuffer(b"".join([lengths for lengths, _ in gaps]), _CODE),
                np.frombuffer(b"".join([values for _, values in gaps]), _CODE),
            ),
        )

    # ── what they amount to, by the definitions that every report prints ──

    def ended_in(self, error_type: str) -> Flags:
        """Which of them ended in that kind of error; in success for an empty one."""
        return is_text(self.error_type, error_type)

    def latency_s(self) -> Numbers:
        """End - sent of successes that were sent; NaN for others."""
        known = self.ended_in("") & (self.sent_ns != ABSENT)
        return np.where(known, (self.end_ns - self.sent_ns) * _NS, np.nan)

    def ttft_s(self) -> Numbers:
        """First token - sent of streamed successes; NaN for others."""
        known = self.ended_in("") & self.streamed & (self.sent_ns != ABSENT) & (self.first_token_ns != ABSENT)
        return np.where(known, (self.first_token_ns - self.sent_ns) * _NS, np.nan)

    def generation_s(self) -> Numbers:
        """Last token - first token of streamed successes; NaN for others."""
        known = self.ended_in("") & self.streamed & (self.first_token_ns != ABSENT) & (self.last_token_ns != ABSENT)
        return np.where(known, (self.last_token_ns - self.first_token_ns) * _NS, np.nan)

    def tps(self) -> Numbers:
        """Completion tokens / (end - sent) of successes; NaN for others."""
        latency_s = self.latency_s()
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((self.completion_tokens > 0) & (latency_s > 0), self.completion_tokens / latency_s, np.nan)

    def tpot_s(self) -> Numbers:
        """Time for each token after the first, of streamed successes; NaN for others."""
        after_first = np.maximum(1, self.completion_tokens - 1)
        return np.where(self.completion_tokens > 1, self.generation_s() / after_first, np.nan)

    def prompt_processing_s(self) -> Numbers:
        """TTFT without the queueing that the platform states; NaN where it states none.

        Opening a connection is not in it: a request is sent when its connection is open.
        """
        return np.where(self.queue_ns != ABSENT, np.maximum(0.0, self.ttft_s() - self.queue_ns * _NS), np.nan)


def is_text(column: TextColumn, text: str) -> Flags:
    """In which rows `column` holds `text`."""
    if text not in column.values:
        return np.zeros(column.codes.size, dtype=np.bool_)
    return np.asarray(column.codes == column.values.index(text))


def known_sum(values: Integers) -> Integers:
    """The values, and 0 where nothing is known: to be summed up."""
    return np.maximum(0, values)


def _text(parts: Sequence[tuple[list[str], bytes]]) -> TextColumn:
    """Columns of text one after another, with one list of distinct values."""
    if len(parts) == 1:
        return TextColumn(parts[0][0], np.frombuffer(parts[0][1], _CODE))
    places: dict[str, int] = {}
    codes = []
    for values, part in parts:
        table = np.array([places.setdefault(value, len(places)) for value in values], dtype=_CODE)
        codes.append(table[np.frombuffer(part, _CODE)])
    return TextColumn(list(places), np.concatenate(codes) if codes else np.zeros(0, _CODE))
