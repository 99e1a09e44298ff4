"""The forms in which `raysim report` gives a run to people and to other programs."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from raysim.core.goals.slo import Slo
from raysim.core.goals.threshold import Scope, Threshold
from raysim.core.records.outcome import ErrorKind
from raysim.report.console import render_summary
from raysim.report.facts import CleanupFacts, RunStatus
from raysim.report.junit import junit_text
from raysim.report.markdown import markdown_text
from raysim.report.metric_rows import COLUMNS, csv_text
from raysim.report.summary import summarise
from raysim.report.vllm import vllm_text
from tests.component.report.sample_run import facts, failure, lively, plan, record, rows

GOALS = (
    Threshold("ttft_p95 < 800ms"),
    Threshold("ttft_p95 < 1ms", Scope(org="org-1")),
    Threshold("tps_mean > 40", Scope(backend="nowhere")),
)
#: what a platform might say to steer whoever reads a report
HOSTILE = "]]> <script>alert(1)</script> | `x` [a](http://x)\x1b[2J\x00 & \ufffe"


def summary(**changes: Any) -> dict[str, Any]:
    run = facts(plan=replace(plan(), thresholds=GOALS, slo=Slo(ttft_s=0.3)), **changes)
    bad = failure(600, ErrorKind.HTTP_5XX, http_status=500, error_detail=HOSTILE, org_id=HOSTILE)
    return summarise(rows([*lively(), bad]), run)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text.split("\n", 1)[1])  # noqa: S314 - our own text


def outcomes(text: str) -> dict[str, str]:
    cases = parsed(text).iter("testcase")
    return {str(case.get("name")): next((child.tag for child in case), "") for case in cases}


def test_junit_fails_where_the_exit_status_does() -> None:
    found = outcomes(junit_text(summary()))
    assert found == {
        "ttft_p95 < 800ms": "system-out",
        "ttft_p95 < 1ms (org org-1)": "failure",
        "tps_mean > 40 (backend nowhere)": "failure",
        "completed": "system-out",
        "answers": "system-out",
        "load generator": "system-out",
        "clean-up": "system-out",
        "isolation": found["isolation"],
    }
    assert found["isolation"] in ("system-out", "skipped")
    stopped = facts(status=RunStatus.STOPPED, stop_message=HOSTILE, cleanup=CleanupFacts("incomplete", remaining=2))
    late = [record(number, lag_flagged=True) for number in range(20)]
    broken = outcomes(junit_text(summarise(rows(late), stopped)))
    assert [broken[name] for name in ("completed", "load generator", "clean-up")] == ["failure"] * 3
    silent = outcomes(junit_text(summarise(rows([failure(0, ErrorKind.TLS)]), facts())))
    assert silent["answers"] == "failure"


def test_junit_counts_what_it_holds() -> None:
    root = parsed(junit_text(summary()))
    (suite,) = root
    for element in (root, suite):
        assert element.get("tests") == str(len(list(suite.iter("testcase"))))
        assert element.get("failures") == str(len(list(suite.iter("failure")))) == "2"
        assert element.get("skipped") == str(len(list(suite.iter("skipped"))))
    assert suite.get("timestamp") == "2026-07-02T13:46:40"
    assert suite.get("time") == "51.500"


def test_csv_has_a_row_for_each_figure_and_scope() -> None:
    total = summary()
    found = list(csv.DictReader(io.StringIO(csv_text(total))))
    assert tuple(found[0]) == COLUMNS
    keys = [tuple(row[name] for name in ("scope", "name", "metric", "statistic")) for row in found]
    assert len(set(keys)) == len(keys)
    values = dict(zip(keys, (row["value"] for row in found), strict=True))
    assert float(values["run", "", "ttft", "p95"]) == total["ttft"]["p95"]
    assert float(values["model", "gpt-4o", "cost", ""]) == total["models"][0]["cost"]["usd"]
    assert values["phase", "warmup", "requests", "total"] == "100"
    assert values["tenant", HOSTILE, "ttft", "p95"] == ""
    assert float(values["run", "", "goodput", "requests"]) == total["goodput"]["requests"]
    units = {row["metric"]: row["unit"] for row in found if row["statistic"] in ("mean", "")}
    assert units["ttft"] == "s"
    assert units["tps"] == "1/s"
    assert units["error_rate"] == "share"


def test_vllms_block_agrees_with_itself_and_with_the_summary() -> None:
    total = summary()
    text = vllm_text(total)
    lines = text.splitlines()
    assert lines[0] == "============ Serving Benchmark Result ============"
    assert lines[-1] == "=" * 50
    assert "---------------Time to First Token----------------" in lines
    assert "-----Time per Output Token (excl. 1st token)------" in lines
    assert "---------------Inter-token Latency----------------" in lines
    assert {len(line) for line in lines} == {50}
    # as scripts read it
    found = {label: float(value) for label, value in re.findall(r"^(.+?):\s+([\d.]+)\s*$", text, re.MULTILINE)}
    assert found["Successful requests"] == 500
    assert found["Failed requests"] == 1
    over_s = found["Benchmark duration (s)"]
    assert found["Request throughput (req/s)"] == pytest.approx(500 / over_s, abs=0.01)
    assert found["Output token throughput (tok/s)"] == pytest.approx(found["Total generated tokens"] / over_s, abs=0.01)
    assert found["P99 TTFT (ms)"] == pytest.approx(total["ttft"]["p99"] * 1e3, abs=0.01)
    assert found["Median E2EL (ms)"] == pytest.approx(total["latency"]["p50"] * 1e3, abs=0.01)
    assert found["Request goodput (req/s)"] == pytest.approx(total["goodput"]["requests_per_s"], abs=0.01)


def test_what_is_not_known_is_nan_in_vllms_block() -> None:
    text = vllm_text(summarise(rows([]), facts()))
    assert re.search(r"^Mean TTFT \(ms\): +nan *$", text, re.MULTILINE)


def test_markdown_says_the_verdicts_first_and_is_not_steered() -> None:
    text = markdown_text(summary())
    lines = text.splitlines()
    assert lines[0] == "## ❌ sample: completed"
    verdicts = [line for line in lines if line.startswith(("| ❌", "| ✅", "| ⚠️"))]
    assert verdicts[0] == r"| ❌ | ttft\_p95 \< 1ms (org org-1) | ttft\_p95 is " + verdicts[0].split(" is ")[1]
    assert sum(line.startswith("| ❌") for line in verdicts) == 2
    assert "no data: nothing was measured" in text
    assert "Goodput: " in text
    assert "<script>" not in text
    assert r"](http" not in text.replace(r"\](", "")
    assert "\x1b" not in text
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")]
    assert set(widths) <= {4, 5, 8}
    assert markdown_text(summarise(rows([record(0)]), facts())).startswith("## ✅ sample: completed")


def test_the_console_names_failed_thresholds_first() -> None:
    out = io.StringIO()
    run = facts(plan=replace(plan(), thresholds=GOALS, slo=Slo(ttft_s=0.3)))
    render_summary(summarise(rows(lively()), run), Console(file=out, width=100))
    lines = out.getvalue().splitlines()
    first = lines.index(next(line for line in lines if line.startswith("threshold"))) + 2
    assert [line.split()[-1] for line in lines[first : first + 3]] == ["failed", "data", "held"]
    assert "backend nowhere" in lines[first + 1]
    assert any(line.startswith("goodput:") for line in lines)
    assert max(map(len, lines)) <= 100
