"""A run in progress as `raysim status` shows it."""

from __future__ import annotations

from dataclasses import replace

from raysim.core.aggregation.live import LiveSnapshot
from raysim.core.control.messages import Totals
from raysim.core.control.progress import RunProgress, Standing
from raysim.core.control.situation import RunState
from raysim.report.status import status_block, status_document, status_line

PROGRESS = RunProgress(
    state=RunState.RUNNING,
    run_s=65.04,
    active=28,
    target=30,
    ready=29,
    lost=1,
    phase="sustained",
    phase_index=1,
    totals=Totals(
        requests=4211, success=4196, error=3, refused=12, cost_usd=0.42, prompt_tokens=7, completion_tokens=9
    ),
    error_rate=0.0125,
    stop_reason="",
)
STANDING = Standing("nightly-1", "nightly", "/data/nightly-1", "running", 300.0, 3, 30, 5.0, 30.0, PROGRESS)
LIVE = LiveSnapshot(ttft_p50_s=0.212, ttft_p95_s=0.8)


def test_a_line_says_where_the_run_is() -> None:
    assert status_line(STANDING) == (
        "nightly-1  running, sustained 2/3, 1m05s of 5m00s  users 28/30  4,211 requests  errors 3  "
        "$0.420 of $5.00 (8.4%)"
    )


def test_a_block_says_everything() -> None:
    shown = dict(line.split(maxsplit=1) for line in status_block(STANDING, LIVE).splitlines())
    assert shown == {
        "run": "nightly-1 (nightly)",
        "state": "running, sustained 2/3, 1m05s of 5m00s",
        "users": "28/30 active, 29 of 30 ready, 1 lost",
        "requests": "4,211, 3 failed (1.2% lately), 12 refused",
        "TTFT": "p50 212 ms, p95 800 ms",
        "cost": "$0.420 of $5.00 (8.4%)",
        "results": "/data/nightly-1",
    }


def test_what_nobody_knows_is_not_made_up() -> None:
    fresh = replace(PROGRESS, phase="", phase_index=-1, run_s=0.0, totals=Totals(), error_rate=None)
    standing = replace(STANDING, stage="preparing", progress=fresh, limit_usd=None)
    assert "TTFT      not known" in status_block(standing, None)
    assert status_line(standing) == "nightly-1  preparing  users 28/30  0 requests  errors 0  $0.00"
    document = status_document(standing, None)
    assert (document["phase"], document["error_rate"], document["ttft"]["p50"]) == (None, None, None)


def test_a_stopping_run_says_why() -> None:
    progress = replace(PROGRESS, state=RunState.DRAINING, stop_reason="cost")
    standing = replace(STANDING, stage="draining", progress=progress)
    assert "draining (cost), sustained 2/3" in status_line(standing)
    assert status_document(standing, LIVE)["stop_reason"] == "cost"


def test_programs_get_numbers() -> None:
    document = status_document(STANDING, LIVE)
    assert document["users"] == {"planned": 30, "ready": 29, "target": 30, "active": 28, "lost": 1}
    assert document["requests"] == {"total": 4211, "success": 4196, "error": 3, "refused": 12, "cancelled": 0}
    assert (document["cost"], document["ttft"]["p95"]) == ({"usd": 0.42, "limit_usd": 5.0}, 0.8)
    assert (document["state"], document["run_s"], document["duration_s"]) == ("running", 65.04, 300.0)
