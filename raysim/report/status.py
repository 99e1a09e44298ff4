"""A run in progress, as `raysim status` shows it: a line, a block of lines, or JSON."""

from __future__ import annotations

from typing import Any

from raysim.core.aggregation.live import LiveSnapshot
from raysim.core.control.progress import Standing
from raysim.report.numbers import count, elapsed, seconds, share, usd


def status_line(standing: Standing) -> str:
    """One line: which run, where it is, what it has done."""
    totals = standing.progress.totals
    parts = [
        standing.run_id,
        _place(standing),
        f"users {_active(standing)}",
        f"{count(totals.requests)} requests",
        f"errors {count(totals.error)}",
        _money(standing),
    ]
    return "  ".join(parts)


def status_block(standing: Standing, live: LiveSnapshot | None) -> str:
    """A few lines with everything that a person may want to know of a run in progress."""
    progress = standing.progress
    totals = progress.totals
    lost = f", {count(progress.lost)} lost" if progress.lost else ""
    failed = f"{count(totals.error)} failed"
    if progress.error_rate is not None:
        failed += f" ({share(progress.error_rate)} lately)"
    rows = [
        ("run", f"{standing.run_id} ({standing.scenario})"),
        ("state", _place(standing)),
        (
            "users",
            f"{_active(standing)} active, {count(progress.ready)} of {count(standing.users_planned)} ready{lost}",
        ),
        ("requests", f"{count(totals.requests)}, {failed}, {count(totals.refused)} refused"),
        ("TTFT", f"p50 {seconds(live.ttft_p50_s)}, p95 {seconds(live.ttft_p95_s)}" if live else "not known"),
        ("cost", _money(standing)),
        ("results", standing.directory),
    ]
    return "\n".join(f"{name:<9} {text}" for name, text in rows)


def status_document(standing: Standing, live: LiveSnapshot | None) -> dict[str, Any]:
    """The same for programs. Times in seconds, money in USD, shares 0 to 1; null is what is not known."""
    progress = standing.progress
    totals = progress.totals
    return {
        "run_id": standing.run_id,
        "scenario": standing.scenario,
        "directory": standing.directory,
        "state": standing.stage,
        "stop_reason": progress.stop_reason or None,
        "phase": progress.phase or None,
        "phase_index": progress.phase_index,
        "phase_count": standing.phase_count,
        "run_s": round(progress.run_s, 3),
        "duration_s": standing.duration_s,
        "users": {
            "planned": standing.users_planned,
            "ready": progress.ready,
            "target": progress.target,
            "active": progress.active,
            "lost": progress.lost,
        },
        "requests": {
            "total": totals.requests,
            "success": totals.success,
            "error": totals.error,
            "refused": totals.refused,
            "cancelled": totals.cancelled,
        },
        "error_rate": progress.error_rate,
        "tokens": {"prompt": totals.prompt_tokens, "completion": totals.completion_tokens},
        "cost": {"usd": totals.cost_usd, "limit_usd": standing.limit_usd},
        "ttft": {"p50": live.ttft_p50_s if live else None, "p95": live.ttft_p95_s if live else None, "unit": "s"},
    }


def _place(standing: Standing) -> str:
    progress = standing.progress
    stage = standing.stage + (f" ({progress.stop_reason})" if progress.stop_reason else "")
    if not progress.phase:
        return stage
    phase = f"{progress.phase} {progress.phase_index + 1}/{standing.phase_count}"
    return f"{stage}, {phase}, {elapsed(max(0.0, progress.run_s))} of {elapsed(standing.duration_s)}"


def _active(standing: Standing) -> str:
    return f"{count(standing.progress.active)}/{count(standing.progress.target)}"


def _money(standing: Standing) -> str:
    spent = standing.progress.totals.cost_usd
    if not standing.limit_usd:
        return usd(spent)
    return f"{usd(spent)} of {usd(standing.limit_usd)} ({share(spent / standing.limit_usd)})"
