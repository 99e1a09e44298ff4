"""A summary in the layout of `vllm bench serve`, which people paste into issues and their scripts read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_WIDTH = 50
_LABEL = 40
_MS = 1e3

#: block of the summary → the section's title, what its lines call it
_SECTIONS = {
    "ttft": ("Time to First Token", "TTFT"),
    "tpot": ("Time per Output Token (excl. 1st token)", "TPOT"),
    "itl": ("Inter-token Latency", "ITL"),
    "latency": ("End-to-end Latency", "E2EL"),
}
_PERCENTILES = {"mean": "Mean", "p50": "Median", "p90": "P90", "p95": "P95", "p99": "P99"}


def vllm_text(summary: Mapping[str, Any]) -> str:
    """The figures of the headline alone, counts too, so that they agree with its rates and its duration.

    Tokens are those of successes, as there. What is not known (an older summary lacks some counts) is `nan`.
    """
    throughput = summary["throughput"]
    lines = [
        _title("Serving Benchmark Result", "="),
        _whole("Successful requests:", throughput.get("success")),
        _whole("Failed requests:", throughput.get("error")),
        _decimal("Benchmark duration (s):", throughput["over_s"]),
        _whole("Total input tokens:", throughput.get("prompt_tokens")),
        _whole("Total generated tokens:", throughput.get("completion_tokens")),
        _decimal("Request throughput (req/s):", throughput["requests_per_s"]),
    ]
    if summary["goodput"] is not None:
        lines.append(_decimal("Request goodput (req/s):", summary["goodput"]["requests_per_s"]))
    lines.append(_decimal("Output token throughput (tok/s):", throughput["output_tokens_per_s"]))
    lines.append(_decimal("Total token throughput (tok/s):", _total_rate(throughput)))
    for name, (title, short) in _SECTIONS.items():
        lines += _section(summary[name], title, short)
    lines.append("=" * _WIDTH)
    return "\n".join(lines) + "\n"


def _total_rate(throughput: Mapping[str, Any]) -> float | None:
    over_s = float(throughput["over_s"])
    if throughput.get("prompt_tokens") is None or over_s <= 0:
        return None
    return float(throughput["prompt_tokens"] + throughput["completion_tokens"]) / over_s


def _section(block: Mapping[str, Any], title: str, short: str) -> Iterator[str]:
    yield _title(title, "-")
    for key, name in _PERCENTILES.items():
        value = block[key]
        yield _decimal(f"{name} {short} (ms):", None if value is None else value * _MS)


def _title(text: str, line: str) -> str:
    return f" {text} ".center(_WIDTH, line) if line == "=" else text.center(_WIDTH, line)


def _whole(label: str, value: int | None) -> str:
    return f"{label:<{_LABEL}}{'nan' if value is None else value:<10}"


def _decimal(label: str, value: float | None) -> str:
    return f"{label:<{_LABEL}}{'nan' if value is None else f'{value:.2f}':<10}"
