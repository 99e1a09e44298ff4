from __future__ import annotations

import math

import pytest

from raysim.dashboards.live_check import FakePrometheus, Found, answers
from raysim.dashboards.questions import Question

RUN = "r"


def bare(name: str) -> str:
    return f'{name}{{test_run="{RUN}"}}'


GPU = "loadtest_backend_gpu_memory_ratio"
USERS = "loadtest_run_requests_total"
BUCKETS = "loadtest_llm_prompt_processing_seconds_bucket"


@pytest.mark.parametrize(
    ("question", "given", "found", "why"),
    [
        (Question("p", USERS), {USERS: [0.0]}, Found.DATA, ""),
        (Question("p", USERS, rare=True), {}, Found.NOTHING, ""),
        (Question("p", USERS), {}, Found.MISSING, f"{USERS} is not there"),
        (Question("p", f"{USERS} > 5"), {bare(USERS): [1.0]}, Found.MISSING, f"its metrics are there: {USERS} > 5"),
        (Question("p", GPU), {}, Found.ABSENT, f"{GPU}: without an exporter for GPUs"),
        # buckets at zero: nothing was observed, so that a quantile is NaN
        (
            Question("p", f"f({BUCKETS})"),
            {f"f({BUCKETS})": [math.nan], bare(BUCKETS): [0.0, 0.0]},
            Found.ABSENT,
            f"{BUCKETS}: counts nothing where the platform does not say how long requests were queued",
        ),
        (
            Question("p", f"f({BUCKETS})"),
            {f"f({BUCKETS})": [math.nan], bare(BUCKETS): [0.0, 3.0]},
            Found.MISSING,
            f"its metrics are there: f({BUCKETS})",
        ),
        (Question("p", "push_time_seconds"), {}, Found.MISSING, "push_time_seconds is not there"),
    ],
)
def test_what_no_data_means(question: Question, given: dict[str, list[float]], found: Found, why: str) -> None:
    (answer,) = answers([question], FakePrometheus(given), RUN)
    assert (answer.found, answer.why) == (found, why)
    assert answer.wrong == (found is Found.MISSING)


def test_what_prometheus_refuses_is_wrong() -> None:
    (answer,) = answers([Question("p", "a b")], FakePrometheus({}, refused=("a b",)), RUN)
    assert answer.found is Found.REFUSED
    assert answer.wrong
    assert answer.why == "parse error: a b"
