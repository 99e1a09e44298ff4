"""A made-up run: a plan, its facts, and rows whose figures can be worked out by hand."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import polars as pl

from raysim.core.config.reading import read_scenario
from raysim.core.control.messages import PackHealth
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import RunPlan
from raysim.core.records.batch import BatchBuilder, WireBatch, decode_batch
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.core.rng import Stream
from raysim.report.facts import CleanupFacts, LoadSample, RunFacts, RunStatus
from raysim.sinks.parquet import requests_frame

MS = 1_000_000
STARTED = 1_783_000_000


def plan(**limits: Any) -> RunPlan:
    scenario = read_scenario(
        {
            "apiVersion": "loadtest.ai-aas.dev/v1",
            "kind": "LoadTestScenario",
            "metadata": {"name": "sample"},
            "spec": {
                "organizations": {"count": 2, "budgetUsd": 1.0},
                "users": {"perOrg": {"min": 3, "max": 3, "distribution": "uniform"}},
                "targets": {"platform": "embedded"},
                "userBehavior": {
                    "thinkTimeSeconds": {"min": 1, "max": 3, "distribution": "uniform"},
                    "modelPreferences": [{"model": "gpt-4o", "weight": 1}, {"model": "gpt-4o-mini", "weight": 1}],
                },
                "loadPattern": {
                    "type": "ramp-up",
                    "phases": [
                        {"name": "warmup", "duration": "10s", "targetActiveUsers": 6},
                        {"name": "sustained", "duration": "40s", "targetActiveUsers": 6},
                    ],
                },
                "limits": {"maxCostUsd": 5.0, **limits},
            },
        }
    )
    return build_plan(scenario, "run-20260714-091503-k3f9", started="20260714-091503")


def facts(**changes: Any) -> RunFacts:
    planned = changes.pop("plan", None) or plan()
    base = RunFacts(
        plan=planned,
        status=RunStatus.COMPLETED,
        stop_reason="completed",
        stop_message="every phase is over",
        started_at=float(STARTED),
        duration_s=51.5,
        load_s=50.0,
        bootstrap_s=(0.4, 0.5, 0.5, 0.6, 0.7, 0.9),
        cleanup=CleanupFacts("complete", 0.8, deleted=6, suspended=2, revoked=6),
        samples=tuple(LoadSample(float(s), min(6, s), min(6, s)) for s in range(50)),
        packs=(PackHealth("user/org-1/user-1-1", "node", 1.2, 0.07, 95.0),),
    )
    return replace(base, **changes)


def record(number: int = 0, **changes: Any) -> RequestRecord:
    """A success of 11 tokens in 6 chunks: 100 ms to the first, 20 ms from chunk to chunk, 210 ms in all, for $0.001."""
    planned = plan_names()
    fields: dict[str, Any] = {
        "request_id": f"r-{number}",
        "trace_id": f"{number:032x}",
        "conversation_id": f"c-{number}",
        "org_id": planned[0],
        "user_id": "user-1",
        "worker": "pack/1",
        "phase": "sustained",
        "endpoint": "chat",
        "model": "gpt-4o",
        "strategy": "mathematical",
        "backend": "a",
        "finish_reason": "stop",
        "token_source": "usage",
        "http_status": 200,
        "due_unix_ns": (STARTED + 10) * 1000 * MS + number * 10 * MS,
        "sent_ns": 1 * MS,
        "first_byte_ns": 90 * MS,
        "first_token_ns": 101 * MS,
        "first_output_ns": 101 * MS,
        "last_token_ns": 201 * MS,
        "end_ns": 211 * MS,
        "prompt_tokens": 20,
        "completion_tokens": 11,
        "chunks": 6,
        "token_reads": 6,
        "question_hash": number + 1,
        "cost_usd": 0.001,
        "think_s": 2.0,
        "think_planned_s": 2.0,
        "think_next_s": 2.0,
        "chunk_gaps_us": array("I", [20_000] * 5),
    }
    return RequestRecord(**(fields | changes))


def failure(number: int, kind: ErrorKind, **changes: Any) -> RequestRecord:
    """A request that ended in `kind` 50 ms after it was due."""
    nothing: dict[str, Any] = {
        "first_token_ns": -1,
        "first_output_ns": -1,
        "last_token_ns": -1,
        "end_ns": 50 * MS,
        "prompt_tokens": -1,
        "completion_tokens": -1,
        "chunks": 0,
        "token_reads": 0,
        "cost_usd": 0.0,
        "token_source": "",
        "finish_reason": "",
        "chunk_gaps_us": array("I"),
    }
    return record(number, error_type=kind, **(nothing | changes))


def plan_names() -> tuple[str, ...]:
    return tuple(tenant.name for tenant in _PLAN.tenants)


def batch(records: Iterable[RequestRecord]) -> WireBatch:
    builder = BatchBuilder()
    for row in records:
        builder.append(row)
    return decode_batch(builder.encode())


def rows(records: Iterable[RequestRecord]) -> pl.LazyFrame:
    return requests_frame([batch(records)]).lazy()


def lively(count: int = 600) -> list[RequestRecord]:
    """Requests that differ as real ones do; the same each time."""
    stream = Stream(7)
    records = []
    for number in range(count):
        first = 60 * MS + int(stream.random() ** 4 * 400 * MS)
        gaps = [8_000 + stream.below(9_000) for _ in range(20 + stream.below(60))]
        last = first + sum(gaps) * 1000
        tokens = len(gaps) + 1
        warm = number < count // 6
        records.append(
            record(
                number,
                org_id=plan_names()[number % 2],
                model=("gpt-4o", "gpt-4o-mini")[number % 3 == 0],
                due_unix_ns=STARTED * 1000 * MS + int(50_000 * MS * number / count),
                phase="warmup" if warm else "sustained",
                excluded=warm,
                first_token_ns=first,
                last_token_ns=last,
                end_ns=last + 200_000,
                completion_tokens=tokens,
                chunks=tokens,
                token_reads=tokens,
                prompt_tokens=40,
                cost_usd=40 * 2.5e-6 + tokens * 1e-5,
                think_s=1 + 2 * stream.random(),
                chunk_gaps_us=array("I", gaps),
            )
        )
    return records


_PLAN = plan()
