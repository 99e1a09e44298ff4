"""Summaries that an earlier raysim wrote are read by everything that reads summaries."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from raysim.report.console import render_summary
from raysim.report.html.page import html_text
from raysim.report.html.pieces import RunPieces
from raysim.report.junit import junit_text
from raysim.report.markdown import markdown_text
from raysim.report.metric_rows import csv_text
from raysim.report.older import with_later_keys
from raysim.report.summary import summarise
from raysim.report.vllm import vllm_text
from raysim.results import open_run
from tests.component.report.sample_run import facts, lively, rows
from tests.component.results.stored_run import store

#: what the first summaries of the schema did not have
LATER = ("losses", "schedule", "endpoints", "prompts", "billing", "metrics", "reloads", "findings", "backends")
LATER_TOO = ("links", "diagnosis", "export", "log_export", "held", "isolation", "think_time", "thresholds", "goodput")
LATER_WITHIN = {
    "requests": ("unsent", "arrivals_due"),
    "users": ("replaced",),
    "cost": (
        "unverified_usd",
        "billed_beyond_reservation_usd",
        "reserved_unsettled_usd",
        "utilisation",
        "short_from_s",
    ),
    "throughput": ("success", "error", "prompt_tokens", "completion_tokens"),
    "questions": ("repeated_on_purpose",),
    "cleanup": ("gone", "command"),
}


def summary() -> dict[str, Any]:
    return dict(json.loads(json.dumps(summarise(rows(lively()), facts()))))


def older() -> dict[str, Any]:
    """The summary as the first raysim wrote it."""
    said = summary()
    for group in (said, *said["tenants"], *said["models"], *said["phases"]):
        for key in (*LATER, *LATER_TOO, "quota", "tps_efficiency", "target_mean_users"):
            group.pop(key, None)
        for block, keys in LATER_WITHIN.items():
            for key in keys if isinstance(group.get(block), dict) else ():
                group[block].pop(key, None)
    return said


def test_what_a_summary_says_itself_stays() -> None:
    said = summary()
    assert with_later_keys(said) == said


def test_no_key_is_missing_in_an_older_one() -> None:
    def keys(value: Any, path: str = "") -> set[str]:
        if isinstance(value, dict):
            return {path, *(found for key, entry in value.items() for found in keys(entry, f"{path}.{key}"))}
        return {path}

    # what is unknown has no parts; and the models' endpoints are none
    unknown = (".billing.total", ".isolation.", ".think_time.", ".prompts.", ".losses.", ".diagnosis.", ".metrics.")
    missing = keys(summary()) - keys(with_later_keys(older()))
    assert {path for path in missing if not path.startswith(unknown)} == set()


@pytest.mark.parametrize("text", [csv_text, vllm_text, junit_text, markdown_text])
def test_an_older_one_is_shown_in_every_form(text: Any) -> None:
    assert text(with_later_keys(older()))


def test_an_older_run_is_opened_with_all_keys(tmp_path: Path) -> None:
    store(tmp_path, lively(60), facts())
    (tmp_path / "summary.json").write_bytes(orjson.dumps(older()))
    found = open_run(tmp_path).summary
    assert found["backends"] == []
    screen = io.StringIO()
    render_summary(found, Console(file=screen, width=100))
    assert "not looked for" in screen.getvalue()
    assert "not looked for" in html_text(RunPieces(found, rows(lively(60))))
