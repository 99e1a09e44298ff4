"""The page of a made-up run that has something of everything, with names that want to be a part of the page."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from raysim.core.goals.slo import Slo
from raysim.core.goals.threshold import Scope, Threshold
from raysim.core.records.outcome import ErrorKind
from raysim.report.facts import RunFacts
from raysim.report.html.page import html_text
from raysim.report.html.pieces import RunPieces
from raysim.report.summary import summarise
from raysim.report.tables import load_rows
from tests.component.report.html.parsed import Page
from tests.component.report.sample_run import facts, failure, lively, plan, rows

GOALS = (Threshold("ttft_p95 < 800ms"), Threshold("ttft_p95 < 1ms", Scope(org="org-1")))
#: what somebody might say to become a part of the page
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\" onclick='x' \x1b[2J\x00\u2028<!--"
BAD = failure(
    600, ErrorKind.HTTP_5XX, http_status=500, error_detail=HOSTILE, org_id=HOSTILE, model=HOSTILE, backend=HOSTILE
)


def pieces(run: RunFacts, requests: pl.LazyFrame, **more: Any) -> RunPieces:
    summary = json.loads(json.dumps(summarise(requests, run)))
    return RunPieces(summary, requests, load=pl.DataFrame(load_rows(run)), **more)


@cache
def sample() -> tuple[RunPieces, Page]:
    run = facts(plan=replace(plan(), thresholds=GOALS, slo=Slo(ttft_s=0.3), scenario=HOSTILE))
    events = [{"kind": "pack_lost", "run_s": 12.5, "time": 0, "detail": {}}, {"kind": "stopping", "run_s": None}]
    made = pieces(run, rows([*lively(), BAD]), events=events, scenario_text=f"name: {HOSTILE}\n")
    return made, Page(html_text(made))
