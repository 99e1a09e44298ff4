"""Made-up requests, as rows and as Parquet would have them."""

from __future__ import annotations

from typing import Any

from raysim.core.metrics.rows import RequestRows
from raysim.core.metrics.snapshot import MetricsSnapshot, Point
from raysim.core.records.batch import BatchBuilder, WireBatch, decode_batch
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord

MS = 1_000_000


def request(error_type: ErrorKind = ErrorKind.NONE, **fields: Any) -> RequestRecord:
    """A streamed answer of 21 tokens: sent 1 ms after it was due, first token after 100 ms, last after 500."""
    texts = {
        **dict.fromkeys(("request_id", "trace_id", "conversation_id", "worker", "phase"), "x"),
        "org_id": "org-1",
        "user_id": "user-1",
        "endpoint": "chat",
        "model": "gpt-4o",
        "strategy": "technical",
    }
    answered: dict[str, Any] = {}
    if error_type is ErrorKind.NONE:
        answered = {
            "backend": "gpu-1",
            "finish_reason": "stop",
            "http_status": 200,
            "first_token_ns": 101 * MS,
            "last_token_ns": 501 * MS,
            "prompt_tokens": 100,
            "completion_tokens": 21,
            "chunks": 21,
            "cost_usd": 0.25,
        }
    times = {"sent_ns": MS, "end_ns": 511 * MS, "session": 1, "question_hash": 1}
    return RequestRecord(error_type=error_type, **(texts | times | answered | fields))


def batch(*records: RequestRecord) -> WireBatch:
    builder = BatchBuilder()
    for record in records:
        builder.append(record)
    return decode_batch(builder.encode())


def rows(*records: RequestRecord) -> RequestRows:
    return RequestRows.of([batch(*records)])


def found(snapshot: MetricsSnapshot, name: str) -> dict[tuple[str, ...], Any]:
    """The series of a family by their labels, the run's id left out: numbers, or (parts, sum, count)."""
    series = next((each.series for each in snapshot.families if each.family.name == f"loadtest_{name}"), ())
    return {
        each.labels[1:]: each.value if isinstance(each, Point) else (each.parts, each.sum, each.count)
        for each in series
    }
