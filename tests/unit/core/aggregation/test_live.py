from __future__ import annotations

import math
import pickle
from collections.abc import Iterable

import msgspec
import pytest

from raysim.core.aggregation.live import LiveSnapshot, LiveTotals
from raysim.core.records.batch import BatchBuilder, WireBatch, decode_batch
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import ABSENT, RequestRecord

MS = 1_000_000


def row(kind: ErrorKind = ErrorKind.NONE, **fields: float | bool) -> RequestRecord:
    texts = dict.fromkeys(
        (
            *("request_id", "trace_id", "conversation_id", "org_id", "user_id"),
            *("worker", "phase", "endpoint", "model", "strategy"),
        ),
        "x",
    )
    times = {"sent_ns": MS, "end_ns": 301 * MS}
    return RequestRecord(**texts, error_type=kind, **(times | fields))  # type: ignore[arg-type]  # made of parts


def batch(*rows: RequestRecord) -> WireBatch:
    builder = BatchBuilder()
    for each in rows:
        builder.append(each)
    return decode_batch(builder.encode())


def success(first_ms: int = 101) -> RequestRecord:
    return row(first_token_ns=first_ms * MS, cost_usd=0.25, prompt_tokens=10, completion_tokens=20)


def totals(batches: Iterable[WireBatch]) -> LiveTotals:
    made = LiveTotals()
    for each in batches:
        made.add(each)
    return made


def test_counts_by_outcome_and_kind() -> None:
    rows = [success(), success(), row(ErrorKind.HTTP_5XX), row(ErrorKind.RATE_LIMITED), row(ErrorKind.CANCELLED)]
    seen = totals([batch(*rows)]).snapshot()
    assert (seen.requests, seen.success, seen.error, seen.refused, seen.cancelled) == (5, 2, 1, 1, 1)
    assert seen.errors == {"http_5xx": 1, "rate_limited": 1, "cancelled": 1}
    assert (seen.cost_usd, seen.prompt_tokens, seen.completion_tokens) == (0.5, 20, 40)


def test_times_are_those_of_successes_after_sending() -> None:
    seen = totals([batch(success(first_ms=101), row(ErrorKind.TIMEOUT_TOTAL, first_token_ns=9_000 * MS))]).snapshot()
    assert seen.ttft_p50_s == pytest.approx(0.100)
    assert seen.latency_p50_s == pytest.approx(0.300)


def test_answers_that_were_not_streamed_have_no_first_token() -> None:
    seen = totals([batch(row(streamed=False, first_token_ns=90 * MS))]).snapshot()
    assert seen.ttft_p50_s is None
    assert seen.latency_p50_s is not None


def test_never_sent_is_no_time() -> None:
    seen = totals([batch(row(sent_ns=ABSENT, first_token_ns=ABSENT))]).snapshot()
    assert (seen.requests, seen.latency_p50_s, seen.ttft_p50_s) == (1, None, None)


def test_shards_merge_into_the_whole() -> None:
    batches = [batch(*(success(first_ms=50 + 10 * i + j) for j in range(5))) for i in range(6)]
    batches.append(batch(row(ErrorKind.DNS), row(think_s=math.inf)))
    whole, first, second = totals(batches), totals(batches[:3]), totals(batches[3:])
    first.merge(pickle.loads(pickle.dumps(second)))  # noqa: S301 - own
    assert first.snapshot() == whole.snapshot()


def test_nothing_yet() -> None:
    assert LiveTotals().snapshot() == LiveSnapshot()
    assert totals([batch()]).snapshot() == LiveSnapshot()


def test_other_schema_versions_are_refused() -> None:
    with pytest.raises(ValueError, match="schema version 99"):
        LiveTotals().add(msgspec.structs.replace(batch(success()), version=99))
