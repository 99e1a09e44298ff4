"""The families about what answers: models and the backends that serve them, and what they cost."""

from __future__ import annotations

from raysim.core.metrics.family import PREFIX, Family, Group, Kind

_MODEL = ("test_run", "org_id", "model", "backend")
_BACKEND = ("test_run", "model", "backend")
_SHARES = (0.5, 0.9, 0.95, 0.99)
_FEW_SHARES = (0.5, 0.95)

#: from a cache hit on a local engine to a queue that nobody should wait in
_FIRST_TOKEN = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)
_GENERATION = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_PER_TOKEN = (0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0)
_RATES = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 250.0, 500.0)
_TOKENS = (16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0, 131072.0)

_NOT_STREAMED = "counts nothing where answers are not streamed"


def _histogram(name: str, unit: str, text: str, bounds: tuple[float, ...], absent: str = "") -> Family:
    return Family(f"{PREFIX}llm_{name}", Kind.HISTOGRAM, Group.LLM, unit, text, _MODEL, absent, bounds=bounds)


def _summary(
    name: str, unit: str, text: str, labels: tuple[str, ...], shares: tuple[float, ...], absent: str
) -> Family:
    return Family(f"{PREFIX}llm_{name}", Kind.SUMMARY, Group.LLM, unit, text, labels, absent, shares=shares)


def _gauge(name: str, group: Group, unit: str, text: str, labels: tuple[str, ...], absent: str) -> Family:
    return Family(f"{PREFIX}{group}_{name}", Kind.GAUGE, group, unit, text, labels, absent)


def _counter(name: str, text: str, labels: tuple[str, ...], absent: str = "") -> Family:
    return Family(f"{PREFIX}llm_{name}", Kind.COUNTER, Group.LLM, "", text, labels, absent)


LLM = (
    _histogram("time_to_first_token_seconds", "s", "first token - sent, of streamed successes", _FIRST_TOKEN),
    _summary(
        "ttft_seconds_summary",
        "s",
        "first token - sent, of streamed successes",
        _MODEL,
        _SHARES,
        "NaN before the first streamed success",
    ),
    _summary(
        "ttft_by_prompt_seconds",
        "s",
        "first token - sent, of streamed successes, by length of the prompt in tokens",
        ("test_run", "model", "prompt_bucket"),
        _FEW_SHARES,
        "before the first prompt of that length",
    ),
    _summary("latency_seconds", "s", "end - sent, of successes", _MODEL, _SHARES, "NaN before the first success"),
    _histogram("tokens_per_second", "1/s", "completion tokens / (end - sent), of successes", _RATES),
    _histogram(
        "generation_seconds", "s", "last token - first token, of streamed successes", _GENERATION, _NOT_STREAMED
    ),
    _histogram(
        "prompt_processing_seconds",
        "s",
        "first token - sent - queueing, of streamed successes whose platform states how long they were queued",
        _FIRST_TOKEN,
        "counts nothing where the platform does not say how long requests were queued",
    ),
    _histogram(
        "time_per_output_token_seconds",
        "s",
        "(last token - first token) / (completion tokens - 1), of streamed successes",
        _PER_TOKEN,
        _NOT_STREAMED,
    ),
    _histogram(
        "chunk_latency_seconds",
        "s",
        "gaps between arrivals of successive token chunks, of streamed successes",
        _PER_TOKEN,
        _NOT_STREAMED,
    ),
    _summary(
        "chunks_per_second",
        "1/s",
        "(token chunks - 1) / (last token - first token), of streamed successes",
        _BACKEND,
        _FEW_SHARES,
        "NaN before the first streamed success",
    ),
    _counter(
        "stream_interruptions_total",
        "answers that broke off after their first token, by kind of error",
        (*_MODEL, "reason"),
        "reasons other than `stream_interrupted` until they occur",
    ),
    _histogram("prompt_tokens", "tokens", "tokens of a success's prompt", _TOKENS),
    _histogram("completion_tokens", "tokens", "tokens of a success's answer, reasoning included", _TOKENS),
    _counter(
        "finish_reason_total",
        "successes by why generation ended, as the platform says",
        (*_MODEL, "reason"),
        "reasons other than `stop` and `length` until they occur",
    ),
    _counter(
        "cold_starts_total",
        "streamed successes that came first or after a minute without any, and whose first token took over three times "
        "the median",
        _BACKEND,
    ),
    _summary(
        "context_utilization_ratio",
        "ratio",
        "(prompt + completion tokens) / the model's context window, of successes",
        _BACKEND,
        _FEW_SHARES,
        "where the context window is not known; NaN before the first success",
    ),
    _gauge(
        "tps_efficiency_ratio",
        Group.LLM,
        "ratio",
        "mean of completion tokens / (end - sent), divided by the model's `theoreticalTps`",
        _BACKEND,
        "where `theoreticalTps` is not known; before the first success",
    ),
    _gauge(
        "backend_tokens_per_second",
        Group.LLM,
        "1/s",
        "completion tokens of all answers that ended in the time between the last two pushes",
        _BACKEND,
        "before the second push",
    ),
    _gauge(
        "token_ratio",
        Group.LLM,
        "ratio",
        "completion tokens / prompt tokens, of all successes so far",
        _BACKEND,
        "before the first success with both",
    ),
)

BACKEND = tuple(
    _gauge(name, Group.BACKEND, unit, text, ("test_run", "backend", *more), absent)
    for name, unit, text, more, absent in (
        ("requests_in_flight", "", "requests that the backend works on", (), "where it does not say"),
        (
            "queue_seconds",
            "s",
            "mean time that requests waited before the backend began, since the last scrape",
            (),
            "where it does not say; when none began",
        ),
        (
            "saturation_ratio",
            "ratio",
            "running / capacity, or 1 - free KV cache; 1 whenever requests wait",
            (),
            "where neither is known",
        ),
        ("kv_cache_ratio", "ratio", "share of the KV cache in use", (), "where it does not say"),
        ("gpu_utilization_ratio", "ratio", "how busy the GPU was", ("gpu",), "without an exporter for GPUs"),
        ("gpu_memory_ratio", "ratio", "share of the GPU's memory in use", ("gpu",), "without an exporter for GPUs"),
        ("scrape_up", "", "1 when the backend's metrics could be read, else 0", (), "without `targets.backends`"),
    )
)

COST = (
    _gauge(
        "usd_per_million_tokens",
        Group.COST,
        "USD",
        "price of all tokens of the type so far / their number x 1,000,000; `total` of both types",
        ("test_run", "model", "token_type"),
        "before the first tokens of the type",
    ),
    _gauge(
        "usd_per_generation_second",
        Group.COST,
        "USD/s",
        "price of all streamed successes so far / the sum of their (last token - first token)",
        _BACKEND,
        "before the first streamed success",
    ),
    _gauge(
        "tps_per_usd",
        Group.COST,
        "1/s/USD",
        "mean of completion tokens / (end - sent), divided by what a million tokens cost (`total`)",
        _BACKEND,
        "before the first success that cost anything",
    ),
)
