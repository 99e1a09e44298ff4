"""What one look at a backend's metrics page tells."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from raysim.core.backends.target import BackendKind
from raysim.core.records.request import Column


@dataclass(frozen=True, slots=True)
class BackendReading:
    """A backend, or one of its GPUs, at a moment. None is "not known", never 0. `COLUMNS` has units and meanings."""

    backend: str
    kind: BackendKind
    time_unix_s: float
    up: bool
    gpu: str = ""
    why: str = ""
    scrape_s: float | None = None
    running: float | None = None
    waiting: float | None = None
    kv_cache_ratio: float | None = None
    kv_cache_tokens: float | None = None
    saturation_ratio: float | None = None
    gpu_utilization_ratio: float | None = None
    gpu_memory_ratio: float | None = None
    interval_s: float | None = None
    restarted: bool = False
    queue_sum_s: float | None = None
    queue_count: float | None = None
    prefill_sum_s: float | None = None
    prefill_count: float | None = None
    decode_sum_s: float | None = None
    decode_count: float | None = None
    ttft_sum_s: float | None = None
    ttft_count: float | None = None
    itl_sum_s: float | None = None
    itl_count: float | None = None
    e2e_sum_s: float | None = None
    e2e_count: float | None = None
    overhead_sum_s: float | None = None
    overhead_count: float | None = None
    prompt_sum_tokens: float | None = None
    prompt_count: float | None = None
    prompt_tokens: float | None = None
    generation_tokens: float | None = None
    preemptions: float | None = None
    prefix_queries: float | None = None
    prefix_hits: float | None = None

    @property
    def in_flight(self) -> float | None:
        """Requests that it has and has not answered: running and waiting."""
        if self.running is None:
            return self.waiting
        return self.running + (self.waiting or 0.0)

    @property
    def queue_seconds(self) -> float | None:
        """Mean time in the queue of the requests that the interval counts."""
        return _ratio(self.queue_sum_s, self.queue_count)

    @property
    def prompt_tokens_per_s(self) -> float | None:
        """Prompt tokens a second over the interval."""
        return _ratio(self.prompt_tokens, self.interval_s)

    @property
    def generation_tokens_per_s(self) -> float | None:
        """Completion tokens a second over the interval."""
        return _ratio(self.generation_tokens, self.interval_s)

    @property
    def prefix_hit_ratio(self) -> float | None:
        """Share of the prompt tokens looked up in the prefix cache that were there."""
        return _ratio(self.prefix_hits, self.prefix_queries)


def _ratio(total: float | None, count: float | None) -> float | None:
    return total / count if total is not None and count else None


_SINCE = "since the previous reading"

#: columns of `backends.parquet`, in the order of the reading's fields; what a property derives stands behind them
COLUMNS: tuple[Column, ...] = (
    Column("backend", "str", "", "id of the backend, as `targets.backends[].id` and the records have it"),
    Column("kind", "str", "", "whose metrics page was read: `vllm`, `sglang`, … or `dcgm`"),
    Column("time_unix_s", "f64", "s", "when, wall time of the metrics actor's node"),
    Column("up", "bool", "", "whether the page could be read; what is not known is null then"),
    Column("gpu", "str", "", "index of the GPU on its node; empty where the row is about the whole backend"),
    Column("why", "str", "", "why the page could not be read; empty when it could"),
    Column("scrape_s", "f64", "s", "how long the page took"),
    Column("running", "f64", "", "requests that it works on"),
    Column("waiting", "f64", "", "requests in its queue"),
    Column("kv_cache_ratio", "f64", "", "share of the KV cache that is in use, 0 to 1; of several engines the fullest"),
    Column("kv_cache_tokens", "f64", "tokens", "size of the KV cache"),
    Column(
        "saturation_ratio",
        "f64",
        "",
        "1 while requests wait, else the larger of running/capacity and `kv_cache_ratio`, as far as known",
    ),
    Column("gpu_utilization_ratio", "f64", "", "share of the time in which the GPU worked, 0 to 1"),
    Column("gpu_memory_ratio", "f64", "", "share of the GPU's memory that is in use, 0 to 1"),
    Column("interval_s", "f64", "s", "since the previous reading of this page; null for the first"),
    Column("restarted", "bool", "", f"a counter went back {_SINCE}: the backend began anew"),
    Column("queue_sum_s", "f64", "s", f"time in the queue, of the requests counted {_SINCE}"),
    Column("queue_count", "f64", "", "how many requests that is"),
    Column("prefill_sum_s", "f64", "s", f"time from leaving the queue to the first token, counted {_SINCE}"),
    Column("prefill_count", "f64", "", "how many requests that is"),
    Column("decode_sum_s", "f64", "s", f"time from the first to the last token, counted {_SINCE}"),
    Column("decode_count", "f64", "", "how many requests that is"),
    Column("ttft_sum_s", "f64", "s", f"time to first token as the backend sees it, counted {_SINCE}"),
    Column("ttft_count", "f64", "", "how many requests that is"),
    Column("itl_sum_s", "f64", "s", f"gaps between tokens, counted {_SINCE}"),
    Column("itl_count", "f64", "", "how many gaps that is"),
    Column(
        "e2e_sum_s", "f64", "s", f"whole requests, counted {_SINCE}; of a `router` or `litellm`: waiting for backends"
    ),
    Column("e2e_count", "f64", "", "how many requests that is"),
    Column("overhead_sum_s", "f64", "s", f"what a gateway added by its own account, counted {_SINCE}"),
    Column("overhead_count", "f64", "", "how many requests that is"),
    Column("prompt_sum_tokens", "f64", "tokens", f"prompts of the requests that ended, counted {_SINCE}"),
    Column("prompt_count", "f64", "", "how many requests that is"),
    Column("prompt_tokens", "f64", "tokens", f"prompt tokens processed {_SINCE}"),
    Column("generation_tokens", "f64", "tokens", f"tokens generated {_SINCE}"),
    Column("preemptions", "f64", "", f"requests thrown out of the batch for want of KV cache {_SINCE}"),
    Column("prefix_queries", "f64", "tokens", f"prompt tokens looked up in the prefix cache {_SINCE}"),
    Column("prefix_hits", "f64", "tokens", f"of those, found {_SINCE}"),
    Column("in_flight", "f64", "", "`running` and `waiting` together"),
    Column("queue_seconds", "f64", "s", "`queue_sum_s` / `queue_count`: the mean"),
    Column("prompt_tokens_per_s", "f64", "1/s", "`prompt_tokens` / `interval_s`"),
    Column("generation_tokens_per_s", "f64", "1/s", "`generation_tokens` / `interval_s`"),
    Column("prefix_hit_ratio", "f64", "", "`prefix_hits` / `prefix_queries`"),
)

_DERIVED = ("in_flight", "queue_seconds", "prompt_tokens_per_s", "generation_tokens_per_s", "prefix_hit_ratio")
_OWN = tuple(field.name for field in fields(BackendReading))


def to_row(reading: BackendReading) -> dict[str, Any]:
    """The reading by column name, what is derived from it too."""
    return {name: getattr(reading, name) for name in (*_OWN, *_DERIVED)}


def from_row(row: dict[str, Any]) -> BackendReading:
    """The reading that `to_row` made a row of."""
    return BackendReading(**{name: row[name] for name in _OWN})
