"""Made-up runs of two tenants whose load rises in steps until the platform is too slow for its objectives."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget
from raysim.core.config.reading import read_scenario
from raysim.core.plan.build import build_plan
from raysim.core.plan.run_plan import RunPlan
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.core.rng import Stream
from raysim.report.facts import LoadSample
from raysim.sinks.readings import ReadingStore
from tests.component.report.sample_run import MS, STARTED, facts, failure, record
from tests.component.results.stored_run import store

#: users of each step, and how long first tokens take there; the objective breaks in the last two
STEPS = {4: 100, 8: 110, 16: 140, 24: 600, 32: 900}
STEP_S = 12
SLO = {"ttft": "500ms", "latency": "5s"}
PRICES = {"gpt-4o": (2.5e-6, 10e-6), "gpt-4o-mini": (0.15e-6, 0.6e-6)}
SCENARIO: dict[str, Any] = {
    "apiVersion": "loadtest.ai-aas.dev/v1",
    "kind": "LoadTestScenario",
    "metadata": {"name": "ramp"},
    "spec": {
        "organizations": {"count": 2, "budgetUsd": 1.0},
        "users": {"perOrg": {"min": 16, "max": 16, "distribution": "uniform"}},
        "targets": {"platform": "embedded"},
        "userBehavior": {
            "thinkTimeSeconds": {"min": 1, "max": 3, "distribution": "uniform"},
            "modelPreferences": [{"model": model, "weight": 1} for model in PRICES],
        },
        "loadPattern": {
            "type": "custom",
            "phases": [
                {
                    "name": f"users-{users}",
                    "excludeFromResults": users == min(STEPS),
                    "duration": f"{STEP_S}s",
                    "targetActiveUsers": users,
                }
                for users in STEPS
            ],
        },
        "limits": {"maxCostUsd": 5.0},
        "slo": SLO,
    },
}


def ramp_run(root: Path, run_id: str, *, slower: float = 1.0, scraped: bool = False) -> dict[str, Any]:
    """Write a run whose first tokens take `slower` times as long; `scraped`: with a backend's readings. The summary."""
    root.mkdir()
    plan = build_plan(read_scenario(SCENARIO), run_id, started="20260714-091503")
    end_s = STEP_S * len(STEPS)
    told = replace(
        facts(plan=plan),
        duration_s=end_s + 1.5,
        load_s=float(end_s),
        samples=tuple(LoadSample(float(s), users, users) for s, users in enumerate(_users())),
    )
    if not scraped:
        return store(root, list(_requests(plan, slower)), told)
    watched = replace(told, backends=(BackendTarget("a", "http://a/metrics", "vllm"),), readings=tuple(_readings()))
    summary = store(root, list(_requests(plan, slower)), watched)
    kept = ReadingStore(root, run_id=run_id)
    kept.keep(watched.readings)
    kept.finish()
    return summary


def _users() -> Iterator[int]:
    for users in STEPS:
        yield from [users] * STEP_S


def _requests(plan: RunPlan, slower: float) -> Iterator[RequestRecord]:
    stream, number = Stream(5), 0
    for step, (users, ttft_ms) in enumerate(STEPS.items()):
        for at in range(STEP_S * users // 2):
            number += 1
            user = plan.users[at % users]
            model = tuple(PRICES)[user.index % 3 == 0]
            due_ns = round((STARTED + step * STEP_S + 2 * at / users) * 1000 * MS)
            first = MS + int(ttft_ms * slower * (0.8 + 0.4 * stream.random()) * MS)
            gaps = [8_000 + stream.below(9_000) for _ in range(20 + stream.below(40))]
            common: dict[str, Any] = {
                "org_id": user.org_name, "user_id": user.name, "model": model, "phase": f"users-{users}",
                "excluded": step == 0, "due_unix_ns": due_ns,
            }  # fmt: skip
            if number % 40 == 0:
                yield _interrupted(number, model, common)
            else:
                yield record(number, **common, **_answer(first, gaps, model))


def _answer(first_ns: int, gaps_us: list[int], model: str) -> dict[str, Any]:
    last, tokens = first_ns + sum(gaps_us) * 1000, len(gaps_us) + 1
    return {
        "first_byte_ns": first_ns, "first_token_ns": first_ns, "first_output_ns": first_ns, "last_token_ns": last,
        "end_ns": last + MS, "prompt_tokens": 40, "completion_tokens": tokens, "chunks": tokens, "token_reads": tokens,
        "cost_usd": 40 * PRICES[model][0] + tokens * PRICES[model][1], "chunk_gaps_us": array("I", gaps_us),
    }  # fmt: skip


def _interrupted(number: int, model: str, common: dict[str, Any]) -> RequestRecord:
    """Answers that broke off cost what had been generated; every third failure is none that costs."""
    if number % 120 == 0:
        return failure(number, ErrorKind.HTTP_5XX, http_status=503, error_detail="no healthy upstream", **common)
    spent = {"prompt_tokens": 40, "completion_tokens": 5, "unverified_usd": 1e-5}
    cost = 40 * PRICES[model][0] + 5 * PRICES[model][1]
    return failure(number, ErrorKind.STREAM_INTERRUPTED, cost_usd=cost, **spent, **common)


def _readings() -> Iterator[BackendReading]:
    for at_s, users in enumerate(_users()):
        full = users > 16  # where its queue begins
        yield BackendReading(
            "a", "vllm", STARTED + at_s, up=True, interval_s=1.0, running=float(min(users, 16)) / 2,
            waiting=float(users - 16) / 2 if full else 0.0, kv_cache_ratio=users / 40, queue_sum_s=4.0 if full else 0.0,
            queue_count=10.0, prefill_sum_s=0.8, prefill_count=10.0, ttft_sum_s=4.8 if full else 0.8, ttft_count=10.0,
            itl_sum_s=1.0, itl_count=100.0, e2e_sum_s=6.0 if full else 2.0, e2e_count=10.0, generation_tokens=200.0,
            saturation_ratio=1.0 if full else users / 40,
        )  # fmt: skip
