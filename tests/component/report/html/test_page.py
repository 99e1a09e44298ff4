from __future__ import annotations

import base64
import gzip
import hashlib
import re

import pytest

from raysim.report.facts import RunStatus
from raysim.report.html.page import html_text
from raysim.report.html.pieces import RunPieces
from raysim.report.html.shown import FORMS, value_at
from raysim.report.html.verdicts import verdicts
from raysim.report.html.windows import Windows
from raysim.report.summary import summarise
from tests.component.report.html.parsed import Page
from tests.component.report.html.sample import HOSTILE, sample
from tests.component.report.sample_run import MS, STARTED, facts, record, rows


def test_every_figure_on_the_page_is_the_summarys() -> None:
    made, page = sample()
    assert page.data["summary"] == made.summary
    assert len(page.figures) > 150
    for figure in page.figures:
        assert figure.text == FORMS[figure.form](value_at(made.summary, figure.path)), figure.path
    shown = {figure.path for figure in page.figures}
    wanted = {f"{block}.{key}" for block in ("ttft", "itl", "tpot", "latency") for key in ("mean", "p50", "p99", "max")}
    assert wanted | {"models.0.tps_per_usd", "models.0.cost.usd_per_million_tokens", "errors.0.count"} <= shown
    assert {"load_generator.loop_lag_p99_ms", "cost.limit_usd", "tenants.1.ttft.p95"} <= shown


def test_what_others_said_stays_text() -> None:
    _, page = sample()
    assert set(page.names) & {"img", "iframe", "object", "link", "base", "form"} == set()
    assert page.names.count("script") == 3
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "</script" not in page.text.replace("</script>", "", 3)
    assert not {"\x00", "\x1b", "\u2028"} & set(page.text)
    said = "".join(page.said)
    assert said.count("<script>alert(1)</script>") >= 5
    assert HOSTILE in page.data["summary"]["tenants"][-1]["org_id"]


def test_the_page_loads_nothing_and_runs_only_its_own_scripts() -> None:
    _, page = sample()
    assert {
        value for _, name, value in page.attributes if name in ("src", "href") and not str(value).startswith("#")
    } == set()
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [str(v) for _, name, v in page.attributes if name == "content" and "default-src" in str(v)]
    library = gzip.decompress(base64.b64decode(page.scripts["library"]))
    allowed = {
        base64.b64encode(hashlib.sha256(source).digest()).decode() for source in (library, page.scripts[""].encode())
    }
    assert policy.startswith("default-src 'none'; ")
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == allowed
    assert "connect-src" not in policy
    assert len(page.text) < 2_600_000


def test_charts_hold_the_runs_phases_events_and_limits() -> None:
    _, page = sample()
    charts = {chart["id"]: chart for chart in page.data["charts"]}
    assert {f"chart-{name}" for name in charts} == {
        str(value) for tag, name, value in page.attributes if tag == "div" and name == "id"
    }
    assert {"users", "requests", "ttft-time", "itl-time", "tpot-time", "latency-time", "ttft-spread"} < set(charts)
    assert {"prompt-ttft", "tenants-ttft", "models-ttft", "models-tps-usd", "errors", "cost", "send-lag"} < set(charts)
    assert [series["name"] for series in charts["users"]["series"]] == ["target", "active", "requests under way"]
    assert charts["users"]["series"][0]["y"][:8] == [0, 1, 2, 3, 4, 5, 6, 6]
    assert charts["cost"]["marks"] == [{"value": 5.0, "name": "limit", "tone": "limit", "axis": "y"}]
    assert charts["cost"]["series"][0]["y"][-1] == pytest.approx(page.data["summary"]["cost"]["usd"], rel=1e-4)
    assert [phase["name"] for phase in page.data["phases"]] == ["warmup", "sustained"]
    assert page.data["events"] == [{"at_s": 12.5, "name": "users lost"}]
    shares = [sum(series["y"]) for series in charts["latency-spread"]["series"]]
    assert shares == [pytest.approx(1, abs=1e-3)] * len(shares)


def test_verdicts_come_worst_first() -> None:
    found = verdicts(sample()[0].summary)
    outcomes = [verdict.outcome for verdict in found]
    assert outcomes == sorted(outcomes, key=["failed", "noted", "unknown", "passed"].index)
    assert found[0].name == "ttft_p95 < 1ms (org org-1)"
    assert {"cost limit", "load generator", "clean-up", "goodput", "bottlenecks"} <= {v.name for v in found}


def test_a_run_without_a_request_has_a_page() -> None:
    run = facts(status=RunStatus.FAILED, stop_reason="bootstrap", started_at=0.0, duration_s=0.0, samples=())
    page = Page(html_text(RunPieces(summarise(rows([]), run), rows([]))))
    assert page.data["charts"][-1]["id"] == "cost"
    assert "failed" in "".join(page.said)


def test_windows_count_what_was_due_and_what_was_under_way_in_them() -> None:
    at_ns = STARTED * 1000 * MS
    times = [(0.0, 100, 0.01), (0.2, 200, 0.02), (7.0, 300, 0.04)]
    records = [
        record(
            number,
            due_unix_ns=at_ns + int(due * 1000) * MS,
            first_token_ns=(ttft + 1) * MS,
            end_ns=2001 * MS,
            cost_usd=usd,
        )
        for number, (due, ttft, usd) in enumerate(times)
    ]
    windows = Windows.of(rows(records), float(STARTED), 10.0)
    assert (windows.width_s, windows.count) == (1, 10)
    assert windows.per_second(windows.rows) == [2, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    found = windows.quantiles(windows.rows, "ttft_s")
    assert found[0.5][:2] == [pytest.approx(0.15), None]
    assert found[0.95][0] == pytest.approx(0.195)
    # two of 2 s each that were sent 1 ms after they were due
    assert windows.in_flight()[:3] == [
        pytest.approx(0.999 + 0.799),
        pytest.approx(2),
        pytest.approx(0.201 + 0.001, abs=1e-3),
    ]
    assert windows.spent("cost_usd")[:3] == [0, 0, pytest.approx(0.03)]
    assert windows.spent("cost_usd")[-1] == pytest.approx(0.07)
    # chunks of two tokens 20 ms apart: gaps of 10 ms
    assert windows.gap_quantiles()[0.5][0] == pytest.approx(0.01, rel=0.01)
