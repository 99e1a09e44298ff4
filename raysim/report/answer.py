"""One request's timings as a small table."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from raysim.core.records.request import ABSENT, RequestRecord
from raysim.report.numbers import UNKNOWN, count, digits, seconds, usd

_NS = 1e-9
_US = 1e-6


def render_answer(record: RequestRecord, console: Console, *, priced: bool) -> None:
    """Print when what happened, how many tokens came at which pace, and what they cost (when they have a price)."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for row in answer_rows(record, priced=priced):
        table.add_row(*row)
    console.print(table)


def answer_rows(record: RequestRecord, *, priced: bool) -> list[tuple[str, str, str]]:
    """Each figure as (name, value, what it is), by the definitions of all reports."""
    latency_s = _between(record.sent_ns, record.end_ns)
    return [
        ("connect", seconds(_known(record.connect_ns, _NS)), "DNS + TCP + TLS, before the request"),
        ("sent", seconds(_known(record.sent_ns, _NS)), "last byte handed to the socket, after it was due"),
        ("TTFT", seconds(_between(record.sent_ns, record.first_token_ns)), "first token - sent"),
        ("first output", seconds(_between(record.sent_ns, record.first_output_ns)), "first visible token - sent"),
        ("ITL mean", seconds(_mean_gap_s(record)), "between tokens"),
        ("TPOT", seconds(_per_token_s(record)), "(last - first token) / (generated tokens - 1)"),
        ("TPS", _tps(record, latency_s), "generated tokens / latency, in tokens/s"),
        ("latency", seconds(latency_s), "end - sent"),
        ("tokens", _tokens(record), f"prompt + generated, by {record.token_source or 'nobody'}"),
        ("finish", record.finish_reason or UNKNOWN, "why generation ended"),
        ("backend", record.backend or UNKNOWN, "as the platform's headers say"),
        ("cost", usd(record.cost_usd) if priced else UNKNOWN, "by the price table" if priced else "no price is known"),
    ]


def _known(value: int, unit: float) -> float | None:
    return None if value == ABSENT else value * unit


def _between(earlier_ns: int, later_ns: int) -> float | None:
    return None if ABSENT in (earlier_ns, later_ns) else (later_ns - earlier_ns) * _NS


def _mean_gap_s(record: RequestRecord) -> float | None:
    """The mean over tokens: a chunk of k tokens counts as k gaps of gap/k."""
    gaps = len(record.chunk_gaps_us)
    if not gaps:
        return None
    counted = record.token_source in ("usage", "tokenizer") and record.completion_tokens > 1
    return sum(record.chunk_gaps_us) * _US / (record.completion_tokens - 1 if counted else gaps)


def _per_token_s(record: RequestRecord) -> float | None:
    if not record.streamed or record.completion_tokens <= 1:
        return None
    span_s = _between(record.first_token_ns, record.last_token_ns)
    return None if span_s is None else span_s / (record.completion_tokens - 1)


def _tps(record: RequestRecord, latency_s: float | None) -> str:
    if not latency_s or record.completion_tokens < 1:
        return UNKNOWN
    return digits(record.completion_tokens / latency_s)


def _tokens(record: RequestRecord) -> str:
    if not record.token_source:
        return UNKNOWN
    return f"{count(record.prompt_tokens)} + {count(record.completion_tokens)}"
