from __future__ import annotations

import pytest

from raysim.core.config.metrics import RESERVED_LABELS
from raysim.core.metrics.family import LABELS, PREFIX, Family, Group, Kind
from raysim.core.metrics.page import metrics_page
from raysim.core.metrics.registry import BY_GROUP, FAMILIES, family, family_of

#: what dashboards and other people's rules rely on
PROMISED = """
worker_status worker_users_active worker_orgs_created_total worker_bootstrap_seconds worker_memory_bytes
worker_cpu_ratio worker_loop_lag_seconds
user_requests_total user_questions_total user_latency_seconds user_tokens_total user_cost_usd_total user_errors_total
user_think_time_seconds user_session_completed
run_duration_seconds run_cost_usd_total run_requests_total run_requests_per_second run_error_ratio run_active_users
run_target_users run_tokens_total run_info
llm_time_to_first_token_seconds llm_ttft_seconds_summary llm_tokens_per_second llm_generation_seconds
llm_prompt_processing_seconds llm_time_per_output_token_seconds llm_chunk_latency_seconds llm_chunks_per_second
llm_stream_interruptions_total llm_prompt_tokens llm_completion_tokens llm_finish_reason_total llm_cold_starts_total
llm_context_utilization_ratio llm_tps_efficiency_ratio llm_backend_tokens_per_second llm_token_ratio
backend_requests_in_flight backend_queue_seconds backend_saturation_ratio backend_kv_cache_ratio
backend_gpu_utilization_ratio backend_gpu_memory_ratio backend_scrape_up
cost_usd_per_million_tokens cost_usd_per_generation_second cost_tps_per_usd
question_generated_total question_uniqueness_ratio
limit_cost_utilization_ratio limit_error_utilization_ratio limit_duration_utilization_ratio limit_breached
"""

SUFFIX_OF_UNIT = {
    "s": "_seconds",
    "bytes": "_bytes",
    "ratio": "_ratio",
    "1/s": "_per_second",
    "USD/s": "_per_generation_second",
}


@pytest.mark.parametrize("name", PROMISED.split())
def test_every_promised_name_is_there(name: str) -> None:
    assert family(f"{PREFIX}{name}").name == f"loadtest_{name}"


def test_names_are_given_once_and_say_group_and_type() -> None:
    exported = [name for found in FAMILIES for name in found.exported_names]
    assert len(exported) == len(set(exported))
    for group, families in BY_GROUP.items():
        for found in families:
            assert found.group is group
            assert found.name.startswith(f"loadtest_{group}_")
            assert (found.kind is Kind.COUNTER) == found.name.endswith("_total")
            assert bool(found.bounds) == (found.kind is Kind.HISTOGRAM)
            assert bool(found.shares) == (found.kind is Kind.SUMMARY)
            assert list(found.bounds) == sorted(set(found.bounds))


def test_names_tell_the_unit() -> None:
    for found in FAMILIES:
        suffix = SUFFIX_OF_UNIT.get(found.unit)
        if suffix is not None:
            # one name is older than the rule
            assert found.name.removesuffix("_summary").endswith(suffix), found.name


def test_labels_are_those_that_may_be_and_that_a_scenario_may_not_take() -> None:
    used = {label for found in FAMILIES for name in found.exported_names for label in found.labels_of(name)}
    assert used <= LABELS <= RESERVED_LABELS
    assert all("test_run" in found.labels for found in FAMILIES)
    assert all(set(found.labels) >= {"org_id", "user_id", "worker_pod"} for found in BY_GROUP[Group.USER])
    assert not any("user_id" in found.labels for found in FAMILIES if found.group is not Group.USER)


@pytest.mark.parametrize(
    ("name", "exported", "extra"),
    [
        ("llm_time_to_first_token_seconds", ("_bucket", "_sum", "_count"), "le"),
        ("llm_ttft_seconds_summary", ("", "_sum", "_count"), "quantile"),
        ("run_duration_seconds", ("",), None),
        ("run_cost_usd_total", ("",), None),
    ],
)
def test_what_a_family_exports(name: str, exported: tuple[str, ...], extra: str | None) -> None:
    found = family(f"loadtest_{name}")
    assert found.exported_names == tuple(f"loadtest_{name}{suffix}" for suffix in exported)
    first, *others = found.exported_names
    assert found.labels_of(first) - set(found.labels) == ({extra} if extra else set())
    assert all(found.labels_of(other) == set(found.labels) for other in others)
    assert all(family_of(each) is found for each in found.exported_names)


def test_what_is_not_exported_has_no_family() -> None:
    assert family_of("loadtest_llm_time_to_first_token_seconds") is None
    assert family_of("up") is None


def test_series_of_one_combination_of_labels() -> None:
    histogram = Family("loadtest_x", Kind.HISTOGRAM, Group.LLM, "s", "x", ("test_run",), bounds=(1.0, 2.0))
    assert histogram.series_each == 5  # two buckets, +Inf, sum, count
    assert family("loadtest_llm_ttft_seconds_summary").series_each == 6
    assert family("loadtest_run_info").series_each == 1


def test_the_page_has_a_row_for_every_family() -> None:
    page = metrics_page()
    rows = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `loadtest_")]
    assert rows == [found.name for found in FAMILIES]
