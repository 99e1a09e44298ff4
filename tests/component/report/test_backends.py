from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from raysim.core.aggregation.live import LiveSnapshot
from raysim.core.aggregation.verdict import judge_generator
from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget
from raysim.core.control.messages import Totals
from raysim.core.control.progress import RunProgress
from raysim.core.control.situation import RunState
from raysim.report.backends import backend_parts
from raysim.report.console import render_summary
from raysim.report.facts import RunFacts
from raysim.report.progress import ProgressMeter
from raysim.report.summary import summarise
from tests.component.report.sample_run import STARTED, facts, plan, record, rows

OK = judge_generator(1000, 0)
MS = 1_000_000
TARGET = BackendTarget("a", "http://a/metrics", "vllm", gpu_type="H100", theoretical_tps=1000.0)


def readings(*, backend: str = "a", waiting: float = 0.0, queue_s: float = 0.0) -> tuple[BackendReading, ...]:
    """A look every two seconds: ten requests, 80 ms of prefill each; after second 12 requests wait, if they do."""
    return tuple(
        BackendReading(
            backend, "vllm", STARTED + at_s, up=True, interval_s=2.0, running=2.0 if at_s <= 12 else 8.0,
            waiting=waiting * (at_s > 12), kv_cache_ratio=0.1, queue_sum_s=10 * queue_s * (at_s > 12), queue_count=10.0,
            prefill_sum_s=0.8, prefill_count=10.0, ttft_sum_s=0.8 + 10 * queue_s * (at_s > 12), ttft_count=10.0,
            itl_sum_s=1.0, itl_count=100.0, e2e_sum_s=2.0, e2e_count=10.0, generation_tokens=200.0,
            saturation_ratio=1.0 if waiting and at_s > 12 else 0.1,
        )
        for at_s in range(2, 51, 2)
    )  # fmt: skip


def served(count: int = 200, **changes: Any) -> Any:
    """Ten requests in two seconds, from second 10 on."""
    due = STARTED * 1000 * MS + 10_000 * MS
    return rows([record(n, **({"due_unix_ns": due + n * 200 * MS} | changes)) for n in range(count)])


def run(**changes: Any) -> RunFacts:
    return facts(backends=(TARGET,), **changes)


def test_what_a_backend_says_beside_what_users_felt() -> None:
    parts = backend_parts(served(), run(readings=readings()), OK)
    assert parts["findings"] == []
    assert parts["diagnosis"]["sentence"] == "none found in 1 backend"
    (entry,) = parts["backends"]
    assert (entry["backend"], entry["kinds"], entry["model"], entry["gpu_type"]) == ("a", ["vllm"], "gpt-4o", "H100")
    assert entry["requests"] == 200
    assert entry["ttft_mean_s"] == pytest.approx(0.1)
    assert entry["output_tokens_per_s"] == pytest.approx(200 * 11 / 40)
    # of the looks after the warm-up alone
    assert entry["running"] == {"mean": 7.7, "max": 8.0}
    assert (entry["prefill_mean_s"], entry["itl_mean_s"]) == (pytest.approx(0.08), pytest.approx(0.01))
    assert entry["generation_tokens_per_s"] == pytest.approx(100.0)
    assert (entry["theoretical_tps"], entry["tps_efficiency"]) == (1000.0, pytest.approx(0.1))
    assert entry["up_share"] == 1.0


def test_a_finding_in_words_and_numbers() -> None:
    late = served(first_token_ns=501 * MS, last_token_ns=601 * MS, end_ns=611 * MS)
    parts = backend_parts(late, run(readings=readings(waiting=3.0, queue_s=0.4)), OK)
    (finding,) = parts["findings"]
    assert (finding["kind"], finding["severity"], finding["backends"]) == ("queueing", "critical", ["a"])
    assert finding["slowdown"] == pytest.approx(6.0)
    assert (finding["from_s"], finding["until_s"]) == (12.0, 50.0)
    assert finding["sentence"].startswith(
        "queueing (critical), on a: requests wait 400 ms in its queue (3.00 at a time behind 8.00 that run), "
        "with 10.0% of the KV cache in use; by itself it makes the first token come 6.00 times as late as unloaded, "
    )
    assert parts["diagnosis"]["sentence"] == "1 found"


def test_backends_that_answers_alone_name_are_listed() -> None:
    parts = backend_parts(served(backend="other"), run(readings=readings()), OK)
    assert [entry["backend"] for entry in parts["backends"]] == ["a", "other"]
    listed = parts["backends"][1]
    assert (listed["kinds"], listed["requests"], listed["up_share"]) == ([], 200, None)


@pytest.mark.parametrize(
    ("targets", "requests"),
    [
        ((TARGET,), [200]),
        ((replace(TARGET, model="gpt-4o"), replace(TARGET, id="b", model="gpt-4o-mini")), [200, 0]),
        # who answered what cannot be told
        ((replace(TARGET, model="gpt-4o"), replace(TARGET, id="b", model="gpt-4o")), [0, 0]),
    ],
)
def test_requests_of_a_platform_that_names_no_backends(targets: tuple[BackendTarget, ...], requests: list[int]) -> None:
    parts = backend_parts(served(backend=""), facts(backends=targets), OK)
    assert [entry["requests"] for entry in parts["backends"]] == requests


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "not looked for: no backend's metrics are read (targets.backends)"),
        ({"backends": (TARGET,)}, "cannot say: none of the backends' metrics pages could be read"),
        (
            {"backends": (TARGET, replace(TARGET, id="b")), "readings": readings()},
            "none found in 1 backend; 1 could not be read",
        ),
    ],
)
def test_why_nothing_is_found(changes: dict[str, Any], sentence: str) -> None:
    assert backend_parts(served(), facts(**changes), OK)["diagnosis"]["sentence"] == sentence


def test_the_console_shows_both() -> None:
    output = StringIO()
    late = served(first_token_ns=501 * MS, last_token_ns=601 * MS, end_ns=611 * MS)
    render_summary(
        summarise(late, run(readings=readings(waiting=3.0, queue_s=0.4))),
        Console(file=output, width=100, color_system=None),
    )
    text = output.getvalue()
    line = next(line for line in text.splitlines() if line.startswith("a "))
    assert line.split() == ["a", "200", "100", "7.70", "2.85", "380", "460", "10.0", "10.0%", "-"]
    assert "bottlenecks:    queueing (critical), on a: requests wait 400 ms" in text


def test_the_live_view_says_how_backends_are() -> None:
    up, waits = readings()[0], readings(backend="b", waiting=3.0)[-1]
    down = BackendReading("c", "vllm", float(STARTED), up=False, why="refused")
    gpu = BackendReading("a", "dcgm", float(STARTED), up=True, gpu="0", gpu_utilization_ratio=0.5)
    view = ProgressMeter(plan()).waiting("ready")
    assert view.backends == ""
    live = LiveSnapshot(backends=(up, waits, down, gpu))
    progress = RunProgress(RunState.RUNNING, 12.0, 2, 3, 6, 0, "sustained", 1, Totals(), None, "")
    shown = ProgressMeter(plan()).running(progress, live)
    assert shown.backends == "2 of 3 up, 10.0 running, 3.00 waiting, KV 10.0%"
