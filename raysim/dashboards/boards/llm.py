"""LLM: how do the models answer? First token, speed, gaps between tokens, sizes."""

from __future__ import annotations

from raysim.dashboards.dashboard import MODEL, Dashboard, Section
from raysim.dashboards.panel import Panel, Query, Steps
from raysim.dashboards.terms import per_second, quantile

_TTFT = "loadtest_llm_time_to_first_token_seconds"
_TPS = "loadtest_llm_tokens_per_second"
_BY = "test_run, model"
_LEGEND = "{{test_run}} {{model}}"


def _quantiles(histogram: str, *shares: float) -> tuple[Query, ...]:
    return tuple(Query(quantile(share, histogram, _BY), f"{_LEGEND} p{share * 100:g}") for share in shares)


_FIRST = (
    Panel(
        "Time to first token, all answers",
        "How many answers began how long after they were sent, over time; of everything that is chosen above.",
        "Two bands: two kinds of answer, such as cached and not, or one slow backend. A band that rises: queueing.",
        (Query(f'sum by (le) (increase({_TTFT}_bucket{{{MODEL}, org_id=~"$org"}}[$__rate_interval]))', "{{le}}"),),
        "s",
        "heatmap",
        height=9,
    ),
    Panel(
        "Time to first token, by model",
        "First token - sent, of streamed successes.",
        "Red: users wait. p95 far above p50: requests queue behind others; see Backends.",
        _quantiles(_TTFT, 0.5, 0.95),
        "s",
        height=9,
        steps=Steps(1, 2),
    ),
    Panel(
        "Processing of prompts",
        "First token - sent - queueing: only where the platform states how long a request was queued.",
        "It grows with the prompt's length. When it grows with load, prompts compete with generation (prefill-bound).",
        _quantiles("loadtest_llm_prompt_processing_seconds", 0.5, 0.95),
        "s",
    ),
    Panel(
        "Cold starts",
        "Answers so far that came first or after a minute without any, and took over three times the median to begin.",
        "More than the first few: the model is unloaded between requests; keep it warm, or expect this in production.",
        (
            Query(
                f"sum by (test_run, model, backend) (loadtest_llm_cold_starts_total{{{MODEL}}})",
                "{{test_run}} {{model}} {{backend}}",
            ),
        ),
    ),
)

_SPEED = (
    Panel(
        "Tokens per second of an answer",
        "Completion tokens / (end - sent); p5 is what only one answer in twenty is slower than.",
        "Red: slower than people read. Reasoning tokens count, although nobody reads them.",
        _quantiles(_TPS, 0.5, 0.05),
        "short",
        steps=Steps(40, 20, falling=True),
    ),
    Panel(
        "Time per output token",
        "(Last token - first token) / (completion tokens - 1): generation alone, without the wait before it.",
        "Grows with load: batches are full (decode-bound). Grows at once: the backend was changed or throttled.",
        _quantiles("loadtest_llm_time_per_output_token_seconds", 0.5, 0.95),
        "s",
        steps=Steps(0.05, 0.1),
    ),
    Panel(
        "Gaps between tokens",
        "Time between the arrivals of successive chunks: what makes a stream stutter.",
        "p99 far above p50: generation pauses for other requests' prompts, or a proxy buffers.",
        _quantiles("loadtest_llm_chunk_latency_seconds", 0.5, 0.95, 0.99),
        "s",
        steps=Steps(0.2, 0.5),
    ),
    Panel(
        "Generation",
        "Last token - first token.",
        "Grows with the length of answers: read it beside completion tokens.",
        _quantiles("loadtest_llm_generation_seconds", 0.5, 0.95),
        "s",
    ),
    Panel(
        "Chunks per second",
        "Median and 95th percentile of a stream's chunks a second, of the whole run so far.",
        "Far below tokens per second: several tokens come at once, and their gaps are coarser than they seem.",
        (
            Query(
                f"max by (test_run, model, backend, quantile) (loadtest_llm_chunks_per_second{{{MODEL}}})",
                "{{test_run}} {{model}} {{backend}} {{quantile}}",
            ),
        ),
    ),
    Panel(
        "Share of the possible speed",
        "Mean tokens per second / the model's `theoreticalTps`.",
        "Low at low load: the way to the model costs more than the model. Low at high load: as expected.",
        (
            Query(
                f"max by (test_run, model, backend) (loadtest_llm_tps_efficiency_ratio{{{MODEL}}})",
                "{{test_run}} {{model}} {{backend}}",
            ),
        ),
        "percentunit",
    ),
)

_SIZE = (
    Panel(
        "Prompt tokens",
        "Tokens of a success's prompt.",
        "They grow with the turns of a conversation. Not what the scenario asks for: see promptTokens there.",
        _quantiles("loadtest_llm_prompt_tokens", 0.5, 0.95),
        width=8,
    ),
    Panel(
        "Completion tokens",
        "Tokens of a success's answer, reasoning included.",
        "Runs whose answers differ in length cannot be compared by latency.",
        _quantiles("loadtest_llm_completion_tokens", 0.5, 0.95),
        width=8,
    ),
    Panel(
        "Context used",
        "95th percentile of (prompt + completion tokens) / the model's context window, so far.",
        "Red: long conversations will be cut or refused; lower contextLimitTokens.",
        (
            Query(
                "max by (test_run, model, backend) "
                f'(loadtest_llm_context_utilization_ratio{{{MODEL}, quantile="0.95"}})',
                "{{test_run}} {{model}} {{backend}}",
            ),
        ),
        "percentunit",
        width=8,
        steps=Steps(0.8, 0.95),
    ),
    Panel(
        "Completion tokens for each of the prompt",
        "Completion tokens / prompt tokens of all successes so far.",
        "It says whether prompts or answers are the load; a benchmark with another ratio says little about yours.",
        (
            Query(
                f"max by (test_run, model, backend) (loadtest_llm_token_ratio{{{MODEL}}})",
                "{{test_run}} {{model}} {{backend}}",
            ),
        ),
    ),
    Panel(
        "Why generation ended",
        "Successes a second by finish reason, as the platform says.",
        "Much `length`: answers are cut off by maxTokensPerRequest.",
        (Query(per_second("loadtest_llm_finish_reason_total", f"{_BY}, reason"), f"{_LEGEND} {{{{reason}}}}"),),
        "reqps",
    ),
)

LLM = Dashboard(
    "llm",
    "LLM",
    "How do the models answer? First token, speed, gaps between tokens, sizes.",
    (
        Section("Until the first token", _FIRST),
        Section("From the first token on", _SPEED),
        Section("Sizes and ends", _SIZE),
    ),
)
