"""`/metrics`: the router's counters, and each backend's under the names that vLLM uses; GPUs as DCGM shows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from raysim.simplatform.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

    from raysim.simplatform.measured_engine import MeasuredEngine, ModelTimings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: tokens in a block of vLLM's KV cache, by default
_BLOCK_TOKENS = 16
#: vLLM's --gpu-memory-utilization, by default
_GPU_MEMORY_SHARE = 0.9
_DURATION_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(slots=True)
class RouterCounters:
    """What the router counts. Never reset."""

    #: (backend, organisation id, model, HTTP status)
    requests: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    #: (backend, model)
    durations: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    #: (backend, kind)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: kind of limit → organisation id
    denials: dict[str, Counter[str]] = field(
        default_factory=lambda: {kind: Counter() for kind in ("rate_limit", "budget", "quota")}
    )

    def observe(self, backend: str, org_id: str, model: str, status: str, seconds: float) -> None:
        """Count a request that a backend had."""
        self.requests[backend, org_id, model, status] += 1
        histogram = self.durations.get((backend, model))
        if histogram is None:
            histogram = self.durations[backend, model] = Histogram(_DURATION_BOUNDS)
        histogram.observe(seconds)


def render(backends: Iterable[MeasuredEngine], router: RouterCounters | None) -> bytes:
    """The exposition as text.

    Args:
        backends: whose series to show.
        router: with these counters; None leaves them out.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(tuple(backends), router))
    return generate_latest(registry)


def render_gpus(backend: MeasuredEngine) -> bytes:
    """What a DCGM exporter on the backend's node would show."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_GpuCollector(backend))
    return generate_latest(registry)


class _Collector:
    def __init__(self, backends: tuple[MeasuredEngine, ...], router: RouterCounters | None) -> None:
        self._backends = backends
        self._router = router

    def collect(self) -> Iterator[Metric]:
        if self._router is not None:
            yield from _router_metrics(self._router)
        yield from _engine_metrics(self._backends)


def _router_metrics(router: RouterCounters) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "api_router_backend_requests",
        "Requests routed to a backend",
        labels=("backend_id", "organization_id", "model", "status"),
    )
    for labels, value in router.requests.items():
        requests.add_metric(labels, value)
    yield requests
    durations = HistogramMetricFamily(
        "api_router_backend_request_duration_seconds", "Time in a backend", labels=("backend_id", "model")
    )
    for key, histogram in router.durations.items():
        durations.add_metric(key, histogram.buckets(), histogram.total)
    yield durations
    errors = CounterMetricFamily(
        "api_router_backend_errors", "Requests that a backend failed", labels=("backend_id", "error_type")
    )
    for error, value in router.errors.items():
        errors.add_metric(error, value)
    yield errors
    for kind, counts in router.denials.items():
        denials = CounterMetricFamily(
            f"api_router_{kind}_denials", f"Requests refused: {kind}", labels=("organization_id",)
        )
        for org_id, value in counts.items():
            denials.add_metric((org_id,), value)
        yield denials


_LABELS = ("model_name", "engine")

_GAUGES: tuple[tuple[str, str, Callable[[MeasuredEngine, str], float]], ...] = (
    ("vllm:num_requests_running", "Requests in the batch", lambda backend, model: backend.counts(model)[0]),
    ("vllm:num_requests_waiting", "Requests in the queue", lambda backend, model: backend.counts(model)[1]),
    ("vllm:kv_cache_usage_perc", "KV cache in use, 0 to 1", lambda backend, _: backend.engine.kv_cache_reserved),
)


def _prompts(backend: MeasuredEngine, model: str) -> float:
    return backend.timings[model].prompt_tokens


_COUNTERS: tuple[tuple[str, str, Callable[[MeasuredEngine, str], float]], ...] = (
    ("vllm:prompt_tokens", "Prompt tokens of ended requests", _prompts),
    ("vllm:generation_tokens", "Tokens generated", lambda backend, model: backend.generated(model)),
    ("vllm:prefix_cache_queries", "Tokens looked up", _prompts),
    ("vllm:prefix_cache_hits", "Tokens found in the prefix cache: none", lambda *_: 0.0),
    ("vllm:num_preemptions", "Preempted requests: none", lambda *_: 0.0),
    ("vllm:request_success", "Requests that ended", lambda backend, model: backend.timings[model].stopped),
)

_HISTOGRAMS: tuple[tuple[str, str, Callable[[ModelTimings], Histogram]], ...] = (
    ("vllm:time_to_first_token_seconds", "Time to first token", lambda timings: timings.time_to_first_token),
    ("vllm:inter_token_latency_seconds", "Mean gap of a request", lambda timings: timings.inter_token_latency),
    ("vllm:e2e_request_latency_seconds", "Whole request", lambda timings: timings.e2e),
    ("vllm:request_queue_time_seconds", "Waiting", lambda timings: timings.queue),
    ("vllm:request_prefill_time_seconds", "Prefill", lambda timings: timings.prefill),
    ("vllm:request_decode_time_seconds", "Decode", lambda timings: timings.decode),
    ("vllm:request_prompt_tokens", "Prompt tokens of a request", lambda timings: timings.prompt_lengths),
)


def _engine_metrics(backends: tuple[MeasuredEngine, ...]) -> Iterator[Metric]:
    series = _label(backends)
    yield _cache_info(backends)
    for name, text, gauge_of in _GAUGES:
        gauge = GaugeMetricFamily(name, text, labels=_LABELS)
        for labels, backend, model in series:
            gauge.add_metric(labels, gauge_of(backend, model))
        yield gauge
    for name, text, count_of in _COUNTERS:
        counter = CounterMetricFamily(name, text, labels=_LABELS)
        for labels, backend, model in series:
            counter.add_metric(labels, count_of(backend, model))
        yield counter
    for name, text, histogram_of in _HISTOGRAMS:
        family = HistogramMetricFamily(name, text, labels=_LABELS)
        for labels, backend, model in series:
            histogram = histogram_of(backend.timings[model])
            family.add_metric(labels, histogram.buckets(), histogram.total)
        yield family


def _cache_info(backends: tuple[MeasuredEngine, ...]) -> Metric:
    """How large the KV cache is, as vLLM tells it: in blocks."""
    labels = ("block_size", "engine", "num_gpu_blocks")
    info = GaugeMetricFamily("vllm:cache_config_info", "The cache's configuration", labels=labels)
    for number, backend in enumerate(backends):
        blocks = max(1, backend.engine.profile.kv_cache_tokens // _BLOCK_TOKENS)
        info.add_metric((str(_BLOCK_TOKENS), str(number), str(blocks)), 1)
    return info


class _GpuCollector:
    """The GPUs of a backend, as a DCGM exporter on its node shows them."""

    def __init__(self, backend: MeasuredEngine) -> None:
        self._backend = backend

    def collect(self) -> Iterator[Metric]:
        backend = self._backend
        # an engine reserves its share of the memory when it starts, whatever it then holds in it
        used = round(backend.gpu_memory_mib * _GPU_MEMORY_SHARE)
        busy = backend.engine.busy
        values = (
            ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", 100.0 * busy),
            ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Share of the time in which the graphics engine is active.", 1.0 * busy),
            ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", float(used)),
            ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", float(backend.gpu_memory_mib - used)),
        )
        for name, text, value in values:
            gauge = GaugeMetricFamily(name, text, labels=("gpu", "UUID", "device", "modelName", "Hostname"))
            for gpu in range(backend.gpus):
                identity = f"GPU-{backend.id}-{gpu}"
                gauge.add_metric((str(gpu), identity, f"nvidia{gpu}", "Simulated GPU", backend.id), value)
            yield gauge


def _label(backends: tuple[MeasuredEngine, ...]) -> list[tuple[tuple[str, str], MeasuredEngine, str]]:
    """Every (labels, backend, model); engines of one model are numbered from 0."""
    engines: Counter[str] = Counter()
    series = []
    for backend in backends:
        for model in backend.models:
            series.append(((model, str(engines[model])), backend, model))
            engines[model] += 1
    return series
