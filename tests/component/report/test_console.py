from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from raysim.core.metrics.export_state import ExportState
from raysim.core.records.outcome import ErrorKind
from raysim.core.records.request import RequestRecord
from raysim.report.console import render_summary
from raysim.report.facts import CleanupFacts, LostUser, RunFacts
from raysim.report.summary import summarise
from tests.component.report.sample_run import facts, failure, lively, record, rows


def rendered(records: list[RequestRecord], run: RunFacts | None = None, width: int = 100) -> str:
    out = io.StringIO()
    render_summary(summarise(rows(records), run or facts()), Console(file=out, width=width))
    return out.getvalue()


def test_the_main_rows_are_there() -> None:
    text = rendered(lively())
    for name in ("TTFT, time", "ITL, inter", "TPOT, time", "Request latency", "Output tokens/s per user", "Requests/s"):
        assert name in text
    assert "load generator: ok" in text
    assert "completed (every phase is over)" in text
    assert "500 requests due in phases other than warmup" in text


@pytest.mark.parametrize("width", [80, 100, 200])
def test_lines_stay_within_the_console_and_numbers_stay_whole(width: int) -> None:
    text = rendered(lively(), width=width)
    assert max(map(len, text.splitlines())) <= min(width, 100)
    assert "…" not in text
    assert "\x1b" not in text


def test_a_value_stands_under_its_column() -> None:
    text = rendered([record(0)])
    row = next(line for line in text.splitlines() if line.startswith("TTFT, time to first token (ms)"))
    assert row.split()[-7:] == ["100"] * 7


def test_endpoints_have_a_table_where_there_are_several() -> None:
    records = [record(0), record(1, endpoint="embeddings"), failure(2, ErrorKind.HTTP_5XX, endpoint="embeddings")]
    row = next(line for line in rendered(records).splitlines() if line.startswith("embeddings"))
    assert row.split()[1:3] == ["2", "50.0%"]
    assert "Endpoints" not in rendered([record(0)])


def test_failures_are_grouped_with_a_sample() -> None:
    records = [record(0), failure(1, ErrorKind.HTTP_5XX, http_status=503, error_detail="[red]GPU\n\x1b[2Jlost[/red]")]
    text = rendered(records)
    row = next(line for line in text.splitlines() if line.startswith("http_5xx"))
    assert row.split() == ["http_5xx", "error", "1", "503", "[red]GPU", "[2Jlost[/red]"]
    assert "Requests that did not succeed" not in rendered([record(0)])


def test_names_are_not_markup() -> None:
    text = rendered([record(0, org_id="[bold]acme[/bold]", model="a[/b]")])
    assert "[bold]acme[/bold]" in text
    assert "a[/b]" in text


def test_losses_leftovers_and_doubts_are_shown() -> None:
    run = facts(
        lost=tuple(LostUser(f"user-{i}", 31.0 + i, "its actor died") for i in range(7)),
        cleanup=CleanupFacts("incomplete", 2.0, deleted=3, remaining=2),
    )
    text = rendered([record(i, lag_flagged=True) for i in range(5)], run)
    assert "7 lost" in text
    assert "user-4 at 35s: its actor died" in text
    assert "user-5" not in text
    assert "and 2 more in summary.json" in text
    assert "incomplete in 2.0s: 3 deleted, 2 remaining" in text
    assert "load generator: invalid" in text


def test_money_against_its_limit() -> None:
    text = rendered([record(i, cost_usd=2.0) for i in range(3)])
    assert "$6.00 of $5.00 (120%), overspent by $1.00" in text


def test_many_tenants_are_cut_off() -> None:
    text = rendered([record(i, org_id=f"tenant-{i:02d}") for i in range(30)])
    assert "tenant-17" in text
    assert "tenant-18" not in text
    assert "and 12 more in summary.json" in text


def test_a_run_without_requests() -> None:
    text = rendered([], facts(bootstrap_s=(), samples=(), packs=(), load_s=0.0))
    assert "0 requests" in text
    assert "0 of 6 set up, none lost" in text
    assert not {"nan", "None", "null"} & set(re.findall(r"\w+", text))


def test_pushes_that_were_dropped_are_shown() -> None:
    trouble = "Pushgateway: http://gateway:9091 did not answer within 5 s"
    text = rendered([record(0)], facts(exports=(ExportState(10, 3, trouble),)))
    assert "10 pushes arrived, 3 were dropped" in text
    assert trouble in text
    assert "pushes" not in rendered([record(0)], facts(exports=(ExportState(10),)))
    assert "pushes" not in rendered([record(0)])
