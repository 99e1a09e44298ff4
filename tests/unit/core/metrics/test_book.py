from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, replace
from typing import Any

import pytest

from raysim.core.metrics.book import MetricsBook, planned_series
from raysim.core.metrics.family import Group
from raysim.core.metrics.readings import PodReading, RunReadings, UserReading
from raysim.core.metrics.registry import FAMILIES, family
from raysim.core.plan.run_plan import RunPlan
from raysim.core.records.outcome import ErrorKind
from tests.unit.core.metrics.requests import MS, found, request, rows
from tests.unit.core.plan.scenarios import plan_of

POD = PodReading("node-1", running=2, drained=1, lost=0, active=3, memory_bytes=5e7, cpu_ratio=0.25, loop_lag_s=0.004)
MODEL = ("org-1", "gpt-4o", "gpu-1")
BACKEND = ("gpt-4o", "gpu-1")


@dataclass(frozen=True)
class Says:
    backend: str
    up: bool = True
    gpu: str = ""
    in_flight: float | None = None
    queue_seconds: float | None = None
    saturation_ratio: float | None = None
    kv_cache_ratio: float | None = None
    gpu_utilization_ratio: float | None = None
    gpu_memory_ratio: float | None = None


def plan(**spec: Any) -> RunPlan:
    chosen: dict[str, Any] = {
        "organizations": {"count": 1},
        "users": {"perOrg": {"min": 2, "max": 2}},
        "userBehavior": {"modelPreferences": [{"model": "gpt-4o"}], "questionStrategies": [{"name": "technical"}]},
        "metrics": {"pushgatewayUrl": "http://gateway:9091", "labels": {"team": "blue"}},
    }
    return plan_of(**(chosen | spec))


def book(**spec: Any) -> MetricsBook:
    return MetricsBook(plan(**spec), "1.2.3")


def readings(**fields: Any) -> RunReadings:
    users = tuple(UserReading(user.index, "node-1", 0.5 + user.index) for user in plan().users)
    common: dict[str, Any] = {
        "run_s": 30.0,
        "active": 2,
        "target": 2,
        "coordinator_pod": "node-0",
        "users": users,
        "pods": (POD,),
    }
    return RunReadings(**(common | fields))


def test_before_anything_counters_are_there_at_zero_and_what_is_not_known_is_not() -> None:
    snapshot = book().snapshot(1.0)
    assert found(snapshot, "run_requests_total") == {
        ("success",): 0.0, ("error",): 0.0, ("refused",): 0.0, ("cancelled",): 0.0
    }  # fmt: skip
    assert found(snapshot, "run_cost_usd_total") == {(): 0.0}
    assert found(snapshot, "question_generated_total") == {("technical",): 0.0}
    assert found(snapshot, "run_info") == {(plan().scenario, "embedded", "1.2.3"): 1.0}
    (zeros,) = found(snapshot, "llm_time_to_first_token_seconds").values()
    assert (set(zeros[0]), zeros[1:]) == ({0}, (0.0, 0))
    (unknown,) = found(snapshot, "llm_ttft_seconds_summary").values()
    assert all(math.isnan(part) for part in unknown[0])
    for absent in ("run_duration_seconds", "run_error_ratio", "run_requests_per_second", "limit_breached",
                   "limit_cost_utilization_ratio", "worker_memory_bytes", "question_uniqueness_ratio",
                   "llm_tps_efficiency_ratio", "user_requests_total"):  # fmt: skip
        if absent != "limit_breached":
            assert found(snapshot, absent) == {}, absent


def test_users_have_series_from_their_set_up_on() -> None:
    snapshot = book().snapshot(1.0, readings())
    (first, second) = plan().users
    label = (first.org_name, first.name, "node-1")
    assert found(snapshot, "user_requests_total")[(*label, "success")] == 0.0
    assert len(found(snapshot, "user_requests_total")) == 8
    assert found(snapshot, "user_session_completed") == {
        (*label, "finished"): 0.0,
        (second.org_name, second.name, "node-1", "finished"): 0.0,
    }
    assert found(snapshot, "user_errors_total") == {}
    assert math.isnan(found(snapshot, "user_latency_seconds")[label][0][0])


def test_a_users_requests_are_added_up() -> None:
    made = book()
    user = plan().users[0]
    mine: dict[str, Any] = {"org_id": user.org_name, "user_id": user.name}
    made.add(
        rows(
            request(**mine, think_s=2.0, session=1),
            request(**mine, session=3, end_ns=1001 * MS),
            request(ErrorKind.HTTP_5XX, **mine),
            request(ErrorKind.RATE_LIMITED, **mine),
        )
    )
    snapshot = made.snapshot(1.0, readings(users=(UserReading(user.index, "node-1", 0.5, gone="auth"),)))
    label = (user.org_name, user.name, "node-1")
    assert found(snapshot, "user_requests_total") == {
        (*label, "success"): 2.0, (*label, "error"): 1.0, (*label, "refused"): 1.0, (*label, "cancelled"): 0.0
    }  # fmt: skip
    assert found(snapshot, "user_errors_total") == {(*label, "http_5xx"): 1.0, (*label, "rate_limited"): 1.0}
    assert found(snapshot, "user_questions_total") == {label: 4.0}
    assert found(snapshot, "user_tokens_total") == {(*label, "prompt"): 200.0, (*label, "completion"): 42.0}
    assert found(snapshot, "user_cost_usd_total") == {label: 0.5}
    parts, total, count = found(snapshot, "user_latency_seconds")[label]
    assert (parts[0], total, count) == (pytest.approx(0.755, rel=0.01), pytest.approx(1.51), 2)
    assert found(snapshot, "user_think_time_seconds")[label][1:] == (2.0, 1)
    assert found(snapshot, "user_session_completed") == {(*label, "finished"): 2.0, (*label, "auth"): 1.0}


def test_what_a_model_and_its_backend_do() -> None:
    made = book()
    gaps = array("I", [20_000] * 20)
    made.snapshot(0.0)
    made.add(rows(request(chunk_gaps_us=gaps, queue_ns=40 * MS), request(finish_reason="length", prompt_tokens=3000)))
    snapshot = made.snapshot(10.0)
    parts, total, count = found(snapshot, "llm_time_to_first_token_seconds")[MODEL]
    assert (parts[3], count) == (2, 2)  # both within 0.1 s
    assert total == pytest.approx(0.2)
    assert found(snapshot, "llm_prompt_processing_seconds")[MODEL][1:] == (pytest.approx(0.06), 1)
    assert found(snapshot, "llm_generation_seconds")[MODEL][1:] == (pytest.approx(0.8), 2)
    assert found(snapshot, "llm_time_per_output_token_seconds")[MODEL][1:] == (pytest.approx(0.04), 2)
    assert found(snapshot, "llm_chunk_latency_seconds")[MODEL][1:] == (pytest.approx(0.4), 20)
    assert found(snapshot, "llm_prompt_tokens")[MODEL][1:] == (3100.0, 2)
    assert found(snapshot, "llm_completion_tokens")[MODEL][1:] == (42.0, 2)
    assert found(snapshot, "llm_tokens_per_second")[MODEL][1:] == (pytest.approx(2 * 21 / 0.51), 2)
    assert found(snapshot, "llm_chunks_per_second")[BACKEND][1:] == (pytest.approx(100.0), 2)
    assert found(snapshot, "llm_context_utilization_ratio")[BACKEND][1:] == (pytest.approx(3142 / 128_000), 2)
    assert set(found(snapshot, "llm_ttft_by_prompt_seconds")) == {("gpt-4o", "1-128"), ("gpt-4o", "2049-8192")}
    assert {key[-1]: value for key, value in found(snapshot, "llm_finish_reason_total").items() if value} == {
        "stop": 1.0, "length": 1.0
    }  # fmt: skip
    assert found(snapshot, "llm_tps_efficiency_ratio") == {BACKEND: pytest.approx(21 / 0.51 / 80)}
    assert found(snapshot, "llm_backend_tokens_per_second") == {("gpt-4o", ""): 0.0, BACKEND: pytest.approx(4.2)}
    assert found(snapshot, "llm_token_ratio") == {BACKEND: pytest.approx(42 / 3100)}
    total_usd = (3100 * 2.5 + 42 * 10) / 3142
    assert found(snapshot, "cost_usd_per_million_tokens") == {
        ("gpt-4o", "prompt"): 2.5, ("gpt-4o", "completion"): 10.0, ("gpt-4o", "total"): pytest.approx(total_usd)
    }  # fmt: skip
    assert found(snapshot, "cost_usd_per_generation_second") == {BACKEND: pytest.approx(0.5 / 0.8)}
    assert found(snapshot, "cost_tps_per_usd") == {BACKEND: pytest.approx(21 / 0.51 / total_usd)}


def test_first_tokens_have_the_promised_quantiles() -> None:
    made = book()
    made.add(rows(*(request(sent_ns=0, first_token_ns=n * MS, last_token_ns=900 * MS) for n in range(1, 101))))
    parts, _, count = found(made.snapshot(1.0), "llm_ttft_seconds_summary")[MODEL]
    assert family("loadtest_llm_ttft_seconds_summary").shares == (0.5, 0.9, 0.95, 0.99)
    assert parts == pytest.approx((0.0505, 0.0901, 0.09505, 0.09901), rel=0.02)
    assert count == 100


def test_backends_that_are_known_are_there_at_zero_for_their_models() -> None:
    known = MetricsBook(plan(), "", (("gpu-1", ""), ("gpu-2", "gpt-4o"), ("gpu-3", "another"))).snapshot(1.0)
    assert {key[2] for key in found(known, "llm_latency_seconds")} == {"", "gpu-1", "gpu-2"}
    assert set(found(known, "llm_cold_starts_total").values()) == {0.0}


def test_answers_that_broke_off_are_interruptions_and_others_are_not() -> None:
    made = book()
    broken = {"backend": "gpu-1", "first_token_ns": 50 * MS}
    made.add(
        rows(
            request(ErrorKind.STREAM_INTERRUPTED, **broken),
            request(ErrorKind.TIMEOUT_TOTAL, **broken),
            request(ErrorKind.CANCELLED, **broken),
            request(ErrorKind.STREAM_INTERRUPTED),
        )
    )
    counted = found(made.snapshot(1.0), "llm_stream_interruptions_total")
    assert {key[2:]: value for key, value in counted.items() if value} == {
        ("gpu-1", "stream_interrupted"): 1.0,
        ("gpu-1", "timeout_total"): 1.0,
    }


def test_requests_without_a_model_are_of_the_run_and_the_user_only() -> None:
    made = book()
    made.add(rows(request(model="", backend="", endpoint="orgs", strategy="", question_hash=0, first_token_ns=-1)))
    snapshot = made.snapshot(1.0)
    assert found(snapshot, "run_requests_total")["success",] == 1.0
    assert all(key[1] for key in found(snapshot, "llm_latency_seconds"))
    assert sum(count for _, _, count in found(snapshot, "llm_latency_seconds").values()) == 0
    assert found(snapshot, "question_generated_total") == {("technical",): 0.0}


def test_the_run() -> None:
    made = book(limits={"maxCostUsd": 4, "maxErrorRate": 0.5, "maxDuration": "60s"})
    made.snapshot(100.0, readings())
    made.add(rows(request(), request(question_hash=2), request(ErrorKind.HTTP_5XX, http_status=503)))
    snapshot = made.snapshot(110.0, readings(spent_usd=1.0, error_rate=0.25, stop_reason="errors"), dropped=3)
    assert found(snapshot, "run_requests_per_second") == {(): pytest.approx(0.3)}
    assert found(snapshot, "run_error_ratio") == {(): pytest.approx(1 / 3)}
    assert found(snapshot, "run_errors_total") == {("org-1", "gpt-4o", "chat", "http_5xx", "503"): 1.0}
    assert found(snapshot, "run_tokens_total") == {("prompt",): 200.0, ("completion",): 42.0}
    assert found(snapshot, "run_pushes_dropped_total") == {(): 3}
    assert found(snapshot, "question_generated_total") == {("technical",): 3.0}
    assert found(snapshot, "question_uniqueness_ratio") == {(): pytest.approx(2 / 3)}
    assert found(snapshot, "limit_cost_utilization_ratio") == {(): 0.25}
    assert found(snapshot, "limit_error_utilization_ratio") == {(): 0.5}
    assert found(snapshot, "limit_duration_utilization_ratio") == {(): 0.5}
    assert found(snapshot, "limit_breached") == {("cost",): 0.0, ("errors",): 1.0, ("duration",): 0.0}
    assert found(snapshot, "run_active_users") == {(): 2}


def test_limits_that_are_not_set_have_no_series() -> None:
    snapshot = book(limits={"maxCostUsd": None, "maxErrorRate": None, "maxDuration": None}).snapshot(1.0, readings())
    for name in ("cost_utilization_ratio", "error_utilization_ratio", "duration_utilization_ratio", "breached"):
        assert found(snapshot, f"limit_{name}") == {}


def test_the_load_generators_nodes() -> None:
    snapshot = book().snapshot(1.0, readings(orgs_created=1))
    assert found(snapshot, "worker_status") == {
        ("node-1", "running"): 2, ("node-1", "drained"): 1, ("node-1", "lost"): 0
    }  # fmt: skip
    assert found(snapshot, "worker_users_active") == {("node-1",): 3}
    assert found(snapshot, "worker_memory_bytes") == {("node-1",): 5e7}
    assert found(snapshot, "worker_cpu_ratio") == {("node-1",): 0.25}
    assert found(snapshot, "worker_loop_lag_seconds") == {("node-1",): 0.004}
    assert found(snapshot, "worker_orgs_created_total") == {("node-0",): 1}
    assert found(snapshot, "worker_bootstrap_seconds") == {("node-1",): (pytest.approx((1.0, 1.45, 1.5)), 2.0, 2)}


def test_what_backends_say_of_themselves() -> None:
    said = (
        Says("gpu-1", in_flight=3, queue_seconds=0.5, saturation_ratio=1.0, kv_cache_ratio=0.4),
        Says("gpu-1", gpu="0", gpu_utilization_ratio=0.9, gpu_memory_ratio=0.7),
        Says("gpu-2", up=False),
        # another page of the same backend
        Says("gpu-1", in_flight=9),
    )
    snapshot = book().snapshot(1.0, None, said)
    assert found(snapshot, "backend_scrape_up") == {("gpu-1",): 1.0, ("gpu-2",): 0.0}
    assert found(snapshot, "backend_requests_in_flight") == {("gpu-1",): 3}
    assert found(snapshot, "backend_queue_seconds") == {("gpu-1",): 0.5}
    assert found(snapshot, "backend_saturation_ratio") == {("gpu-1",): 1.0}
    assert found(snapshot, "backend_kv_cache_ratio") == {("gpu-1",): 0.4}
    assert found(snapshot, "backend_gpu_utilization_ratio") == {("gpu-1", "0"): 0.9}
    assert found(snapshot, "backend_gpu_memory_ratio") == {("gpu-1", "0"): 0.7}


def test_every_family_is_fed() -> None:
    made = book(limits={"maxCostUsd": 4, "maxErrorRate": 0.5, "maxDuration": "60s"})
    made.snapshot(0.0)
    gaps = array("I", [20_000])
    made.add(rows(request(chunk_gaps_us=gaps), request(ErrorKind.HTTP_5XX)))
    whole = Says("gpu-1", in_flight=1, queue_seconds=0.1, saturation_ratio=0.2, kv_cache_ratio=0.3)
    backends = (whole, Says("gpu-1", gpu="0", gpu_utilization_ratio=0.4, gpu_memory_ratio=0.5))
    snapshot = made.snapshot(5.0, readings(error_rate=0.5), backends)
    assert {each.family for each in snapshot.families} == set(FAMILIES)
    for each in snapshot.families:
        assert all(len(series.labels) == len(each.family.labels) for series in each.series), each.family.name
        assert len({series.labels for series in each.series}) == len(each.series), each.family.name
    assert snapshot.constants == (("team", "blue"),)
    assert {each.family.group for each in snapshot.shard} == {Group.USER}


def test_a_scenario_picks_groups_and_may_leave_users_out() -> None:
    some = {"pushgatewayUrl": "http://gateway:9091", "capture": ["run", "user"]}
    snapshot = book(metrics=some).snapshot(1.0, readings())
    assert {each.family.group for each in snapshot.families} == {Group.RUN, Group.USER}
    assert book(metrics=some | {"perUser": False}).snapshot(1.0, readings()).shard == ()


def test_the_plan_knows_how_many_series_there_will_be() -> None:
    planned = planned_series(plan())
    assert planned.users == 2 * (4 + 1 + 5 + 2 + 1 + 4 + 1)
    snapshot = book().snapshot(1.0, readings(error_rate=0.0))
    assert planned.others == sum(each.size for each in snapshot.run)
    named = MetricsBook(plan(), "", backends=(("gpu-1", ""),)).snapshot(1.0, readings(error_rate=0.0))
    assert planned.each_backend == named.size - snapshot.size > 0
    assert found(named, "llm_finish_reason_total")[(*MODEL, "stop")] == 0.0
    without = {"pushgatewayUrl": "http://gateway:9091", "perUser": False}
    assert planned_series(plan(metrics=without)) == replace(planned, users=0)
