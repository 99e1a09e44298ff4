"""A run's directory, made from the made-up run without running anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from raysim.core.records.request import RequestRecord
from raysim.report.facts import RunFacts
from raysim.report.run_dir import RunDir, write_json
from raysim.report.summary import summarise
from raysim.report.tables import phase_rows, tenant_rows, user_rows
from raysim.sinks.parquet import ParquetParts, read_requests, write_table
from tests.component.report.sample_run import batch

SCENARIO = """apiVersion: loadtest.ai-aas.dev/v1
kind: LoadTestScenario
metadata: {name: sample}
spec: {limits: {maxCostUsd: 5}}
"""


def store(root: Path, records: Iterable[RequestRecord], facts: RunFacts, *, finished: bool = True) -> dict[str, Any]:
    """Write what a run with these records leaves in `root`; without `finished`, one that was killed. The summary."""
    paths = RunDir(root)
    parts = ParquetParts(root, 0, run_id=facts.plan.run_id)
    parts.write([batch(records)])
    paths.scenario.write_text(SCENARIO)
    write_json(paths.plan, facts.plan)
    event = f'{{"time": {facts.started_at}, "run_s": 0, "kind": "run_started", "detail": {{}}}}\n'
    paths.events.write_text(event + ("" if finished else '{"time": 17'))
    requests = read_requests(root)
    summary = summarise(requests, facts)
    if finished:
        write_json(paths.summary, summary)
        write_table(paths.tenants, tenant_rows(summary, facts, {}))
        write_table(paths.users, user_rows(requests, facts, {}, {}))
        write_table(paths.phases, phase_rows(summary))
    return summary
