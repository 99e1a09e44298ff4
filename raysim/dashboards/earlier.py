"""Names of metrics that the platform team's earlier harness had, and what they are here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_MS = 1000
#: labels here and what they were called
LABELS = {"test_run": "test_run_id", "worker_pod": "worker_id", "backend": "backend_id"}


class As(StrEnum):
    """How an earlier name is had."""

    #: raysim exports that name
    SAME = "same name"
    #: a rule records it
    RECORDED = "recorded"
    #: there is something else to look at
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier name.

    Args:
        name: in full.
        had: how.
        here: the family of raysim's; what to use instead when there is none.
        differs: what is not as it was; empty when only the labels that all have are called otherwise.
        factor: earlier value / value here.
        picked: by which labels of the series here.
        labels: further labels here, and what they were called.
        fixed: labels that are always the same.
    """

    name: str
    had: As
    here: str
    differs: str = ""
    factor: int = 1
    picked: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()


_NO_MODEL = "no `model`: a user has one, and models have metrics of their own"
_SUMMARY = "a summary with quantiles instead of a histogram"

_WORKER = (
    Earlier(
        "loadtest_worker_status",
        As.SAME,
        "loadtest_worker_status",
        "counts actors for each `status` (running, drained, lost) instead of a number that stands for a state",
    ),
    Earlier("loadtest_worker_users_active", As.SAME, "loadtest_worker_users_active"),
    Earlier("loadtest_worker_orgs_created_total", As.SAME, "loadtest_worker_orgs_created_total"),
    Earlier("loadtest_worker_bootstrap_seconds", As.SAME, "loadtest_worker_bootstrap_seconds", _SUMMARY),
    Earlier("loadtest_worker_memory_bytes", As.SAME, "loadtest_worker_memory_bytes"),
)

_USER = (
    Earlier(
        "loadtest_user_requests_total",
        As.SAME,
        "loadtest_user_requests_total",
        f"{_NO_MODEL}; `status` also refused, cancelled",
    ),
    Earlier("loadtest_user_latency_seconds", As.SAME, "loadtest_user_latency_seconds", f"{_NO_MODEL}; no quantile 0.9"),
    Earlier(
        "loadtest_user_tokens_total",
        As.SAME,
        "loadtest_user_tokens_total",
        f"{_NO_MODEL}; `total` is the sum of the two",
    ),
    Earlier("loadtest_user_cost_usd", As.RECORDED, "loadtest_user_cost_usd_total", f"a counter; {_NO_MODEL}"),
    Earlier(
        "loadtest_user_errors_total",
        As.SAME,
        "loadtest_user_errors_total",
        "`http_status` is on `loadtest_run_errors_total`; refusals and cancellations count, too",
    ),
    Earlier("loadtest_user_think_time_seconds", As.SAME, "loadtest_user_think_time_seconds", _SUMMARY),
    Earlier(
        "loadtest_user_session_completed",
        As.SAME,
        "loadtest_user_session_completed",
        "counts the user's sessions; `completion_reason` is `reason`",
    ),
)

_RUN = (
    Earlier("loadtest_run_duration_seconds", As.SAME, "loadtest_run_duration_seconds"),
    Earlier("loadtest_run_cost_total_usd", As.RECORDED, "loadtest_run_cost_usd_total", "a counter"),
    Earlier(
        "loadtest_run_requests_per_second",
        As.SAME,
        "loadtest_run_requests_per_second",
        "no `phase`: see `loadtest_run_phase`",
    ),
    Earlier("loadtest_run_error_rate", As.RECORDED, "loadtest_run_error_ratio"),
    Earlier("loadtest_run_active_users", As.SAME, "loadtest_run_active_users", "no `phase`: see `loadtest_run_phase`"),
    Earlier(
        "loadtest_run_tokens_total",
        As.SAME,
        "loadtest_run_tokens_total",
        "no `model`: see `loadtest_llm_prompt_tokens_sum`; `total` is the sum of the two",
    ),
    Earlier(
        "loadtest_question_generation_milliseconds", As.OTHERWISE, "nothing: questions are made ahead, in microseconds"
    ),
    Earlier("loadtest_question_uniqueness_ratio", As.SAME, "loadtest_question_uniqueness_ratio", "of the whole run"),
    Earlier("loadtest_question_generated_total", As.SAME, "loadtest_question_generated_total", "of the whole run"),
    Earlier("loadtest_limit_cost_utilization_ratio", As.SAME, "loadtest_limit_cost_utilization_ratio"),
    Earlier("loadtest_limit_error_rate_utilization_ratio", As.RECORDED, "loadtest_limit_error_utilization_ratio"),
    Earlier(
        "loadtest_limit_breached",
        As.SAME,
        "loadtest_limit_breached",
        "`limit_type` is `reason`, and its `error_rate` is `errors`",
    ),
)

_LLM = (
    Earlier(
        "loadtest_llm_time_to_first_token_milliseconds",
        As.RECORDED,
        "loadtest_llm_time_to_first_token_seconds",
        "raysim's buckets; no `user_id`, no `prompt_tokens` (see `loadtest_llm_ttft_by_prompt_seconds`)",
        _MS,
    ),
    Earlier(
        "loadtest_llm_ttft_summary_milliseconds",
        As.RECORDED,
        "loadtest_llm_ttft_seconds_summary",
        "also by `org_id`; no quantile 0.75",
        _MS,
    ),
    Earlier(
        "loadtest_llm_tokens_per_second",
        As.SAME,
        "loadtest_llm_tokens_per_second",
        "completion tokens / (end - sent); no `user_id`, no `completion_tokens`",
    ),
    Earlier(
        "loadtest_llm_backend_avg_tps",
        As.OTHERWISE,
        "the mean of `loadtest_llm_tokens_per_second`: `rate(…_sum[5m]) / rate(…_count[5m])`",
    ),
    Earlier("loadtest_llm_tps_efficiency_ratio", As.SAME, "loadtest_llm_tps_efficiency_ratio", "no `gpu_type`"),
    Earlier(
        "loadtest_llm_generation_total_seconds",
        As.OTHERWISE,
        "`loadtest_llm_latency_seconds`, a summary; `loadtest_llm_generation_seconds` begins with the first token",
    ),
    Earlier(
        "loadtest_llm_prompt_processing_milliseconds",
        As.RECORDED,
        "loadtest_llm_prompt_processing_seconds",
        "raysim's buckets; only where the platform says how long requests were queued",
        _MS,
    ),
    Earlier(
        "loadtest_llm_decoding_time_per_token_milliseconds",
        As.RECORDED,
        "loadtest_llm_time_per_output_token_seconds",
        "raysim's buckets; divided by completion tokens - 1",
        _MS,
    ),
    Earlier("loadtest_llm_prompt_tokens", As.SAME, "loadtest_llm_prompt_tokens", "raysim's buckets"),
    Earlier(
        "loadtest_llm_completion_tokens",
        As.SAME,
        "loadtest_llm_completion_tokens",
        "raysim's buckets; no `finish_reason`: see `loadtest_llm_finish_reason_total`",
    ),
    Earlier(
        "loadtest_llm_token_ratio", As.SAME, "loadtest_llm_token_ratio", "one number for all, instead of a histogram"
    ),
    Earlier(
        "loadtest_llm_streaming_chunk_latency_milliseconds",
        As.RECORDED,
        "loadtest_llm_chunk_latency_seconds",
        "raysim's buckets",
        _MS,
    ),
    Earlier(
        "loadtest_llm_streaming_chunks_per_second",
        As.RECORDED,
        "loadtest_llm_chunks_per_second",
        "the median of the run so far",
        picked='quantile="0.5"',
    ),
    Earlier(
        "loadtest_llm_streaming_interruptions_total",
        As.RECORDED,
        "loadtest_llm_stream_interruptions_total",
        "reasons are raysim's kinds of error",
        labels=(("reason", "interruption_reason"),),
    ),
    Earlier(
        "loadtest_llm_cold_start_detections_total",
        As.RECORDED,
        "loadtest_llm_cold_starts_total",
        "three times the median after a minute without answers, instead of twice the median",
    ),
    Earlier(
        "loadtest_llm_context_window_utilization_percent",
        As.OTHERWISE,
        "`loadtest_llm_context_utilization_ratio`, a summary from 0 to 1",
    ),
    Earlier(
        "loadtest_llm_finish_reason_total", As.SAME, "loadtest_llm_finish_reason_total", "`finish_reason` is `reason`"
    ),
)

_BACKEND = (
    Earlier(
        "loadtest_llm_backend_requests_in_flight", As.RECORDED, "loadtest_backend_requests_in_flight", "no `model`"
    ),
    Earlier(
        "loadtest_llm_backend_queue_time_milliseconds",
        As.OTHERWISE,
        "`loadtest_backend_queue_seconds`: the mean, as backends say it",
    ),
    Earlier("loadtest_llm_backend_saturation_ratio", As.RECORDED, "loadtest_backend_saturation_ratio", "no `model`"),
    Earlier(
        "loadtest_llm_gpu_memory_utilization_percent",
        As.RECORDED,
        "loadtest_backend_gpu_memory_ratio",
        "no `model`",
        100,
        labels=(("gpu", "gpu_index"),),
    ),
)

_COST = (
    Earlier(
        "loadtest_llm_cost_per_million_tokens_usd", As.RECORDED, "loadtest_cost_usd_per_million_tokens", "also `total`"
    ),
    Earlier("loadtest_llm_cost_per_generation_second_usd", As.RECORDED, "loadtest_cost_usd_per_generation_second"),
    Earlier(
        "loadtest_llm_cost_efficiency_tps_per_usd",
        As.RECORDED,
        "loadtest_cost_tps_per_usd",
        "per USD of a million tokens",
    ),
    Earlier("loadtest_llm_performance_score", As.OTHERWISE, "the dashboard Model comparison: no weights are made up"),
    Earlier(
        "loadtest_llm_performance_vs_baseline_percent", As.OTHERWISE, "[`raysim compare`](compare.md), with statistics"
    ),
)

_WORKERS_OWN = (
    Earlier(
        "loadtest_requests_total",
        As.RECORDED,
        "loadtest_user_requests_total",
        f'successes only, with `success="true"`; {_NO_MODEL}',
        picked='status="success"',
        fixed=(("success", "true"),),
    ),
    Earlier("loadtest_request_latency_seconds", As.OTHERWISE, "`loadtest_llm_latency_seconds`, a summary"),
    Earlier(
        "loadtest_tokens_total", As.RECORDED, "loadtest_user_tokens_total", f"prompt and completion apart; {_NO_MODEL}"
    ),
    Earlier(
        "loadtest_cost_usd", As.RECORDED, "loadtest_user_cost_usd_total", f"by the scenario's price table; {_NO_MODEL}"
    ),
    Earlier("loadtest_errors_total", As.RECORDED, "loadtest_user_errors_total", "kinds are raysim's"),
)

#: by what they are about
NAMES: dict[str, tuple[Earlier, ...]] = {
    "Workers": _WORKER,
    "Users": _USER,
    "Run, questions, limits": _RUN,
    "Models": _LLM,
    "Backends": _BACKEND,
    "Cost and comparison": _COST,
    "Names without `user` that its workers used": _WORKERS_OWN,
}
