"""What a run amounts to so far, kept up batch by batch for the live view."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raysim.core.aggregation.histogram import Histogram
from raysim.core.backends.reading import BackendReading
from raysim.core.records.batch import WireBatch
from raysim.core.records.columns import BatchColumns
from raysim.core.records.outcome import ErrorKind, Outcome
from raysim.core.records.request import ABSENT

_NS = 1e-9


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """Totals at one moment, warm-up included. Times in seconds, None before the first; quantiles to 1 %.

    `errors` counts every request that did not succeed by its kind, refusals and cancellations too. `backends` holds the
    last reading of every backend whose metrics page is read.
    """

    requests: int = 0
    success: int = 0
    error: int = 0
    refused: int = 0
    cancelled: int = 0
    cost_usd: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    ttft_p50_s: float | None = None
    ttft_p95_s: float | None = None
    latency_p50_s: float | None = None
    errors: dict[str, int] = field(default_factory=dict)
    backends: tuple[BackendReading, ...] = ()


class LiveTotals:
    """Sums and histograms over batches. Memory does not grow with what is added; shards can be merged and pickled."""

    __slots__ = ("_by_kind", "completion_tokens", "cost_usd", "latency", "prompt_tokens", "requests", "ttft")

    def __init__(self) -> None:
        self.requests = 0
        self.cost_usd = 0.0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        #: first token after sending, in seconds, of streamed successes
        self.ttft = Histogram()
        #: end of the answer after sending, in seconds, of successes
        self.latency = Histogram()
        self._by_kind: dict[ErrorKind, int] = {}

    def add(self, batch: WireBatch) -> None:
        """Count the rows of `batch`.

        Raises:
            ValueError: the batch has another schema version, or an error kind that does not exist.
        """
        columns = BatchColumns(batch)
        self.cost_usd += float(columns.floats("cost_usd").sum())
        self.prompt_tokens += _known_sum(columns.integers("prompt_tokens"))
        self.completion_tokens += _known_sum(columns.integers("completion_tokens"))
        kinds = columns.text("error_type")
        counts = np.bincount(kinds.codes, minlength=len(kinds.values))
        succeeded = np.zeros(columns.rows, dtype=np.bool_)
        for code, text in enumerate(kinds.values):
            kind = ErrorKind(text)
            self.count(kind, int(counts[code]))
            if kind.outcome is Outcome.SUCCESS:
                succeeded |= kinds.codes == code
        sent = columns.integers("sent_ns")
        first = columns.integers("first_token_ns")
        sent_and_done = succeeded & (sent != ABSENT)
        streamed = sent_and_done & (first != ABSENT) & columns.flags("streamed")
        self.latency.add((columns.integers("end_ns") - sent)[sent_and_done] * _NS)
        self.ttft.add((first - sent)[streamed] * _NS)

    def count(self, kind: ErrorKind, requests: int) -> None:
        """Count so many requests that ended in `kind`."""
        self.requests += requests
        self._by_kind[kind] = self._by_kind.get(kind, 0) + requests

    def merge(self, other: LiveTotals) -> None:
        """Count all that `other` has counted."""
        self.requests += other.requests
        self.cost_usd += other.cost_usd
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.ttft.merge(other.ttft)
        self.latency.merge(other.latency)
        for kind, count in other._by_kind.items():
            self._by_kind[kind] = self._by_kind.get(kind, 0) + count

    def snapshot(self) -> LiveSnapshot:
        """The totals now."""
        outcomes = dict.fromkeys(Outcome, 0)
        for kind, count in self._by_kind.items():
            outcomes[kind.outcome] += count
        return LiveSnapshot(
            requests=self.requests,
            success=outcomes[Outcome.SUCCESS],
            error=outcomes[Outcome.ERROR],
            refused=outcomes[Outcome.REFUSED],
            cancelled=outcomes[Outcome.CANCELLED],
            cost_usd=self.cost_usd,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            ttft_p50_s=self.ttft.quantile(0.5),
            ttft_p95_s=self.ttft.quantile(0.95),
            latency_p50_s=self.latency.quantile(0.5),
            errors={str(kind): count for kind, count in sorted(self._by_kind.items()) if kind and count},
        )


def _known_sum(values: NDArray[np.int64]) -> int:
    return int(values.sum(where=values != ABSENT))
