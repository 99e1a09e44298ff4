"""Which metric of which server is which field of a reading.

Names as of vLLM 0.33 (and 0.6 to 0.10, where they differ), SGLang 0.5.23, TGI 3, llama.cpp's server, LiteLLM 1.109, the
AI-AAS router and the DCGM exporter 4. Where a field has several names, the first that a page has is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from raysim.core.backends.target import BackendKind


@dataclass(frozen=True, slots=True)
class Term:
    """One metric: its name, what to multiply it by, and the labels that its series must have."""

    name: str
    scale: float = 1.0
    where: tuple[tuple[str, str], ...] = ()


Terms = Mapping[str, tuple[Term, ...]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How to read the page of one kind of server.

    Args:
        role: `engine` generates tokens, `gateway` passes requests on, `gpu` is what an engine runs on.
        gauges: field → metrics, added up over their series.
        ratios: field → metrics from 0 to 1, of which the largest series counts.
        counters: field → metrics that only grow, added up over their series.
        histograms: beginning of a field → histograms; their `_sum` and `_count` are counters.
        model_labels: labels that name the model of a series.
        kv_blocks: an information metric whose labels tell the number and the size of the KV cache's blocks.
    """

    role: Literal["engine", "gateway", "gpu"]
    gauges: Terms = field(default_factory=dict)
    ratios: Terms = field(default_factory=dict)
    counters: Terms = field(default_factory=dict)
    histograms: Terms = field(default_factory=dict)
    model_labels: tuple[str, ...] = ("model_name",)
    kv_blocks: tuple[str, str, str] | None = None

    def every_counter(self) -> Iterator[tuple[str, tuple[Term, ...]]]:
        """Counters, and the sums and counts of histograms, by field."""
        yield from self.counters.items()
        for start, terms in self.histograms.items():
            sum_field = f"{start}_sum_tokens" if start == "prompt" else f"{start}_sum_s"
            yield sum_field, tuple(Term(f"{t.name}_sum", t.scale, t.where) for t in terms)
            yield f"{start}_count", tuple(Term(f"{t.name}_count", 1.0, t.where) for t in terms)

    def names(self) -> frozenset[str]:
        """Every metric that is looked for."""
        tables = (*self.gauges.items(), *self.ratios.items(), *self.every_counter())
        more = () if self.kv_blocks is None else (self.kv_blocks[0],)
        return frozenset([*(term.name for _, terms in tables for term in terms), *more])


def _t(*names: str, scale: float = 1.0, where: tuple[tuple[str, str], ...] = ()) -> tuple[Term, ...]:
    return tuple(Term(name, scale, where) for name in names)


_VLLM = Vocabulary(
    role="engine",
    gauges={"running": _t("vllm:num_requests_running"), "waiting": _t("vllm:num_requests_waiting")},
    ratios={"kv_cache_ratio": _t("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")},
    counters={
        "prompt_tokens": _t("vllm:prompt_tokens_total"),
        "generation_tokens": _t("vllm:generation_tokens_total"),
        "preemptions": _t("vllm:num_preemptions_total"),
        "prefix_queries": _t("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"),
        "prefix_hits": _t("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"),
    },
    histograms={
        "queue": _t("vllm:request_queue_time_seconds"),
        "prefill": _t("vllm:request_prefill_time_seconds"),
        "decode": _t("vllm:request_decode_time_seconds"),
        "ttft": _t("vllm:time_to_first_token_seconds"),
        "itl": _t("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
        "e2e": _t("vllm:e2e_request_latency_seconds"),
        "prompt": _t("vllm:request_prompt_tokens"),
    },
    kv_blocks=("vllm:cache_config_info", "num_gpu_blocks", "block_size"),
)

_SGLANG = Vocabulary(
    role="engine",
    gauges={
        "running": _t("sglang:num_running_reqs"),
        "waiting": _t("sglang:num_queue_reqs"),
        "kv_cache_tokens": _t("sglang:max_total_num_tokens"),
    },
    ratios={"kv_cache_ratio": _t("sglang:token_usage")},
    counters={
        "prompt_tokens": _t("sglang:prompt_tokens_total"),
        "generation_tokens": _t("sglang:generation_tokens_total"),
        "preemptions": _t("sglang:num_retracted_requests_total"),
        "prefix_queries": _t("sglang:prompt_tokens_total"),
        "prefix_hits": _t("sglang:cached_tokens_total"),
    },
    histograms={
        "queue": _t("sglang:queue_time_seconds"),
        "ttft": _t("sglang:time_to_first_token_seconds"),
        "itl": _t("sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"),
        "e2e": _t("sglang:e2e_request_latency_seconds"),
        "prompt": _t("sglang:prompt_tokens_histogram"),
    },
)

_TGI = Vocabulary(
    role="engine",
    gauges={"running": _t("tgi_batch_current_size"), "waiting": _t("tgi_queue_size")},
    counters={
        "prompt_tokens": _t("tgi_request_input_length_sum"),
        "generation_tokens": _t("tgi_request_generated_tokens_sum"),
        # the mean time per token is told once a request: weighted by tokens it is the time in inference over the tokens
        "itl_sum_s": _t("tgi_request_inference_duration_sum"),
        "itl_count": _t("tgi_request_generated_tokens_sum"),
    },
    histograms={
        "queue": _t("tgi_request_queue_duration"),
        "e2e": _t("tgi_request_duration"),
        "prompt": _t("tgi_request_input_length"),
    },
    model_labels=(),
)

_LLAMACPP = Vocabulary(
    role="engine",
    gauges={"running": _t("llamacpp:requests_processing"), "waiting": _t("llamacpp:requests_deferred")},
    # removed in 2025, and not replaced
    ratios={"kv_cache_ratio": _t("llamacpp:kv_cache_usage_ratio")},
    counters={
        "prompt_tokens": _t("llamacpp:prompt_tokens_total"),
        "generation_tokens": _t("llamacpp:tokens_predicted_total"),
        "prefill_sum_s": _t("llamacpp:prompt_seconds_total"),
        "itl_sum_s": _t("llamacpp:tokens_predicted_seconds_total"),
        "itl_count": _t("llamacpp:tokens_predicted_total"),
    },
    model_labels=("model",),
)

_LITELLM = Vocabulary(
    role="gateway",
    gauges={"running": _t("litellm_in_flight_requests")},
    counters={
        "prompt_tokens": _t("litellm_input_tokens_metric_total"),
        "generation_tokens": _t("litellm_output_tokens_metric_total"),
    },
    histograms={
        "queue": _t("litellm_request_queue_time_seconds"),
        "ttft": _t("litellm_llm_api_time_to_first_token_metric"),
        "e2e": _t("litellm_llm_api_latency_metric"),
        "overhead": _t("litellm_overhead_latency_metric"),
    },
    model_labels=("requested_model", "model"),
)

_ROUTER = Vocabulary(
    role="gateway",
    histograms={"e2e": _t("api_router_backend_request_duration_seconds")},
    model_labels=("model",),
)

_DCGM = Vocabulary(
    role="gpu",
    ratios={
        "gpu_utilization_ratio": (Term("DCGM_FI_PROF_GR_ENGINE_ACTIVE"), Term("DCGM_FI_DEV_GPU_UTIL", 0.01)),
    },
    gauges={
        "used": _t("DCGM_FI_DEV_FB_USED"),
        "free": _t("DCGM_FI_DEV_FB_FREE"),
        "reserved": _t("DCGM_FI_DEV_FB_RESERVED"),
    },
    model_labels=(),
)

VOCABULARIES: Mapping[BackendKind, Vocabulary] = {
    "vllm": _VLLM,
    "sglang": _SGLANG,
    "tgi": _TGI,
    "llamacpp": _LLAMACPP,
    "litellm": _LITELLM,
    "router": _ROUTER,
    "dcgm": _DCGM,
}
