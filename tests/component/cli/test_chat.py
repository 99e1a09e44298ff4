"""`raysim chat` on the command line: what it prints, how it ends."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from raysim.cli.chat import command
from raysim.core.errors import ExitCode
from raysim.core.records.request import RequestRecord
from raysim.report.answer import answer_rows
from tests.unit.core.config.documents import document


def run(tmp_path: Path, *arguments: str, **spec: object) -> Result:
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(document(**spec)), encoding="utf-8")
    return CliRunner().invoke(command, [str(path), *arguments], standalone_mode=False, catch_exceptions=False)


def test_an_answer_is_shown_with_its_timings(tmp_path: Path) -> None:
    result = run(tmp_path, "--prompt", "Why [not]?", "--set", "userBehavior.maxTokensPerRequest.base=3")
    assert result.return_value == ExitCode.OK
    for part in ("asks gpt-4o-mini: Why [not]?", "TTFT", "ITL mean", "TPOT", "latency", "by usage", "cost"):
        assert part in result.output


def test_a_failed_request_says_why_and_ends_with_9(tmp_path: Path) -> None:
    result = run(tmp_path, targets={"platform": "static", "apiRouterUrl": "http://127.0.0.1:9"})
    assert result.return_value == ExitCode.NO_SUCCESS
    assert "failed: connection_refused: 127.0.0.1:9 refused the connection" in result.output


def record_of(**fields: Any) -> RequestRecord:
    names = ("request_id", "trace_id", "conversation_id", "org_id", "user_id", "worker", "phase", "endpoint", "model")
    texts: dict[str, Any] = dict.fromkeys((*names, "strategy"), "x")
    return RequestRecord(**texts, **fields)


def test_the_figures_follow_the_definitions() -> None:
    record = record_of(
        connect_ns=2_000_000, sent_ns=1_000_000, first_token_ns=51_000_000, first_output_ns=61_000_000,
        last_token_ns=91_000_000, end_ns=101_000_000, prompt_tokens=7, completion_tokens=9, token_source="usage",
        chunks=5, chunk_gaps_us=array("I", [10_000] * 4), cost_usd=0.5, backend="b-1", finish_reason="stop",
    )  # fmt: skip
    shown = {name: value for name, value, _ in answer_rows(record, priced=True)}
    assert shown == {
        "connect": "2.00 ms", "sent": "1.00 ms", "TTFT": "50.0 ms", "first output": "60.0 ms", "ITL mean": "5.00 ms",
        "TPOT": "5.00 ms", "TPS": "90.0", "latency": "100 ms", "tokens": "7 + 9", "finish": "stop", "backend": "b-1",
        "cost": "$0.500",
    }  # fmt: skip


def test_what_did_not_happen_has_no_figure() -> None:
    shown = {name: value for name, value, _ in answer_rows(record_of(), priced=False)}
    assert set(shown.values()) == {"-"}


@pytest.mark.parametrize("chunks", [0, 1])
def test_an_answer_in_one_piece_has_no_gaps(chunks: int) -> None:
    record = record_of(sent_ns=0, first_token_ns=5, last_token_ns=5, end_ns=10, completion_tokens=1, chunks=chunks)
    shown = {name: value for name, value, _ in answer_rows(record, priced=True)}
    assert (shown["ITL mean"], shown["TPOT"]) == ("-", "-")
