"""Each cause on readings made by hand; whole runs in virtual time are in tests/component/backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from raysim.core.aggregation.verdict import judge_generator
from raysim.core.backends.causes import Cause
from raysim.core.backends.findings import Finding, diagnose
from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendKind, BackendTarget
from raysim.core.backends.trace import BackendTrace, ClientRequests

OK = judge_generator(1000, 0)
#: ten requests in two seconds, each 0.2 s of prefill and 50 gaps of 10 ms; two at work
LIGHT: dict[str, Any] = {
    "running": 2.0, "waiting": 0.0, "kv_cache_ratio": 0.1, "kv_cache_tokens": 100_000.0,
    "queue_sum_s": 0.0, "queue_count": 10.0, "prefill_sum_s": 2.0, "prefill_count": 10.0,
    "ttft_sum_s": 2.0, "ttft_count": 10.0, "itl_sum_s": 5.0, "itl_count": 500.0, "e2e_sum_s": 7.0, "e2e_count": 10.0,
    "prompt_sum_tokens": 5000.0, "prompt_count": 10.0, "preemptions": 0.0,
}  # fmt: skip
BUSY = LIGHT | {"running": 20.0, "kv_cache_ratio": 0.4}
#: windows are of three looks: light and busy ones never share one
LOOKS = 36


def trace(
    *parts: dict[str, Any], kind: BackendKind = "vllm", users_wait_s: float = 0.0, capacity: int | None = None,
    tps: float | None = None, counted: float = 1.0,
) -> BackendTrace:  # fmt: skip
    """A third of the looks light, the others as `parts` say; each look is answered to ten users."""
    looks = [LIGHT] * (LOOKS // 3) + [parts[i % len(parts)] for i in range(LOOKS * 2 // 3)]
    readings = tuple(
        BackendReading("b", kind, 2.0 * (i + 1), up=True, interval_s=2.0, **look) for i, look in enumerate(looks)
    )
    ends = np.concatenate([2.0 * i + np.linspace(0.1, 1.9, round(10 * counted)) for i in range(LOOKS)])
    ttft = np.concatenate(
        [np.full(round(10 * counted), (look["ttft_sum_s"] or 2.0) / 10 + users_wait_s) for look in looks]
    )
    same = np.full(ends.size, 500.0)
    requests = ClientRequests(ends, ends, ttft, ttft + 0.5, same, same / 10)
    return BackendTrace(BackendTarget("b", "http://b", kind, capacity=capacity), readings, requests, tps)


def found(*traces: BackendTrace) -> dict[Cause, Finding]:
    findings = diagnose(traces, 0.0, 2.0 * LOOKS, OK).findings
    return {finding.cause: finding for finding in findings}


def queue(seconds: float, **more: Any) -> dict[str, Any]:
    took = {"queue_sum_s": 10 * seconds, "ttft_sum_s": 2.0 + 10 * seconds, "e2e_sum_s": 7.0 + 10 * seconds}
    return BUSY | {"waiting": 5.0} | took | more


def test_a_healthy_backend_raises_nothing() -> None:
    assert found(trace(BUSY)) == {}
    assert found(trace(BUSY | {"itl_sum_s": 7.0, "prefill_sum_s": 2.7, "ttft_sum_s": 2.7})) == {}


def test_queueing() -> None:
    finding = found(trace(queue(0.6)))[Cause.QUEUEING]
    assert finding.slowdown == pytest.approx(4.0, rel=0.05)
    assert (finding.severity, finding.backends) == ("major", ("b",))
    assert (finding.from_unix_s, finding.until_unix_s) == (24.0, 72.0)
    assert finding.request_share == pytest.approx(2 / 3)
    values = {evidence.what: evidence for evidence in finding.evidence}
    assert values["queue_time"].value == pytest.approx(0.6)
    assert values["waiting"].value == 5.0
    assert values["prefill_time"].unloaded == pytest.approx(0.2)


@pytest.mark.parametrize(("seconds", "severity"), [(0.04, None), (0.15, "minor"), (0.4, "major"), (2.0, "critical")])
def test_severity_follows_the_slowdown(seconds: float, severity: str | None) -> None:
    findings = found(trace(queue(seconds)))
    assert [finding.severity for finding in findings.values()] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("usage", "running", "capacity", "cause"),
    [
        ((0.95, 0.97), (20.0, 18.0), None, Cause.KV_FULL),
        ((0.4, 0.4), (20.0, 18.0), None, Cause.QUEUEING),
        # not full by far, but the next one does not fit: nine of ten requests need 550 tokens of 1000
        ((0.6, 0.6), (20.0, 18.0), None, Cause.KV_FULL),
        # as many as ever: it is their number that is the limit
        ((0.6, 0.6), (20.0, 20.0), None, Cause.QUEUEING),
        ((0.6, 0.6), (20.0, 18.0), 18, Cause.QUEUEING),
        ((0.6, 0.6), (20.0, 18.0), 40, Cause.KV_FULL),
    ],
)
def test_the_cache_or_the_number(
    usage: tuple[float, float], running: tuple[float, float], capacity: int | None, cause: Cause
) -> None:
    parts = [
        queue(0.6, kv_cache_ratio=full, running=at_work, kv_cache_tokens=1000.0)
        for full, at_work in zip(usage, running, strict=True)
    ]
    assert list(found(trace(*parts, capacity=capacity))) == [cause]


def test_preemptions_without_a_queue_are_the_cache() -> None:
    finding = found(trace(BUSY | {"preemptions": 1.0}))[Cause.KV_FULL]
    assert finding.severity == "minor"
    assert finding.slowdown == pytest.approx(1.1)


def test_prefill_beyond_that_of_a_light_moment() -> None:
    slow = BUSY | {"prefill_sum_s": 8.0, "ttft_sum_s": 8.0, "e2e_sum_s": 13.0}
    assert found(trace(slow))[Cause.PREFILL].slowdown == pytest.approx(4.0)
    # prompts four times as long explain it
    assert found(trace(slow | {"prompt_sum_tokens": 20_000.0})) == {}


def test_decoding_that_slows_is_not_taken_for_prefill() -> None:
    slow = BUSY | {"itl_sum_s": 40.0, "prefill_sum_s": 3.4, "ttft_sum_s": 3.4, "e2e_sum_s": 43.0}
    findings = found(trace(slow))
    assert list(findings) == [Cause.DECODE]
    assert findings[Cause.DECODE].slowdown == pytest.approx(8.0)
    assert findings[Cause.DECODE].evidence[0].unloaded == pytest.approx(0.01)


def test_the_gateway_is_what_users_wait_longer() -> None:
    findings = found(trace(BUSY, users_wait_s=0.3))
    assert list(findings) == [Cause.GATEWAY]
    assert findings[Cause.GATEWAY].slowdown == pytest.approx(2.5)
    values = {evidence.what: evidence.value for evidence in findings[Cause.GATEWAY].evidence}
    assert values == pytest.approx({"client_time_to_first_token": 0.5, "backend_time_to_first_token": 0.2})
    # others ask it as well: their requests are not ours
    assert found(trace(BUSY, users_wait_s=0.3, counted=0.5)) == {}


def test_two_at_once_are_two() -> None:
    both = queue(2.0, itl_sum_s=20.0)
    assert set(found(trace(both, users_wait_s=1.0))) == {Cause.QUEUEING, Cause.DECODE, Cause.GATEWAY}


def test_once_is_never() -> None:
    assert found(trace(*[BUSY] * 23, queue(0.6))) == {}


def test_theory_stands_in_for_a_light_moment() -> None:
    readings = tuple(
        BackendReading("b", "vllm", 2.0 * (i + 1), up=True, interval_s=2.0, **(BUSY | {"itl_sum_s": 15.0}))
        for i in range(LOOKS)
    )
    target = BackendTarget("b", "http://b", "vllm")
    without = diagnose([BackendTrace(target, readings, ClientRequests.none())], 0.0, 60.0, OK)
    assert (without.findings, without.without_baseline) == ((), ("b",))
    held = diagnose([BackendTrace(target, readings, ClientRequests.none(), 100.0)], 0.0, 60.0, OK)
    assert [f.cause for f in held.findings] == [Cause.DECODE]
    assert held.findings[0].slowdown == pytest.approx(3.0)


def test_a_queue_without_a_histogram_by_littles_law() -> None:
    part = dict.fromkeys(LIGHT) | {
        "running": 4.0, "waiting": 10.0, "prefill_sum_s": 2.0, "itl_sum_s": 5.0, "itl_count": 500.0,
    }  # fmt: skip
    finding = found(trace(part, kind="llamacpp"))[Cause.QUEUEING]
    # ten wait and five leave a second
    assert {e.what: e.value for e in finding.evidence}["queue_time"] == pytest.approx(2.0, rel=0.05)


def test_the_generators_verdict_is_a_finding() -> None:
    diagnosis = diagnose([], 0.0, 60.0, judge_generator(100, 20))
    assert [(f.cause, f.severity) for f in diagnosis.findings] == [(Cause.CLIENT, "critical")]
    assert "20 of 100 requests" in diagnosis.findings[0].reasons[0]


def test_the_worst_comes_first_and_the_gateway_is_told_once() -> None:
    mild = trace(queue(0.15), users_wait_s=1.5)
    findings = diagnose([mild, mild], 0.0, 60.0, OK).findings
    assert [f.cause for f in findings] == [Cause.GATEWAY, Cause.QUEUEING, Cause.QUEUEING]
    assert findings[0].backends == ("b", "b")
