"""The metrics actor without Ray: where a run's metrics go, and what a second process of it goes on from."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import polars as pl

from raysim.actors.metrics import MetricsActor
from raysim.core.records.batch import BatchBuilder
from tests.component.sinks.metrics_run import metrics_plan, metrics_readings
from tests.unit.core.metrics.requests import request


def rows(count: int) -> bytes:
    builder = BatchBuilder()
    for _ in range(count):
        builder.append(request())
    return builder.encode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def successes(text: str) -> float:
    (line,) = (
        line
        for line in text.splitlines()
        if line.startswith("loadtest_run_requests_total") and 'status="success"' in line
    )
    return float(line.rpartition(" ")[2])


async def scraped(port: int, at_least: float) -> str:
    """The page, once it shows so many successes."""
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                answer = await client.get(f"http://127.0.0.1:{port}/metrics")
            except httpx.ConnectError:
                continue
            if answer.status_code == 200 and successes(answer.text) >= at_least:
                return answer.text


async def test_metrics_are_on_the_page_and_in_the_directory_and_survive_the_process(tmp_path: Path) -> None:
    port = free_port()
    plan = metrics_plan(pushgatewayUrl=None, listen=port, exportInterval="0.05s")
    readings = metrics_readings(plan)
    first = MetricsActor(plan, 0, str(tmp_path))
    await first.ready()
    await first.observe(readings)
    await first.ingest("pack", 1, 1, rows(2), b"")
    await first.store("pack")
    async with asyncio.timeout(30):
        await scraped(port, 2)
        end = await first.finish(readings)
    assert (end.rows, end.exports.sent, end.exports.trouble) == (2, 0, "")
    assert successes((tmp_path / "metrics.prom").read_text()) == 2
    windows = pl.read_parquet(tmp_path / "windows.parquet")
    counted = windows.filter(name="loadtest_run_requests_total", status="success")
    assert counted.height == counted["time_unix_s"].n_unique() >= 2
    assert (counted["value"].is_sorted(), counted["value"][-1]) == (True, 2)
    # asked again of a process that was started after the end: what there is stays
    second = MetricsActor(plan, 0, str(tmp_path))
    assert (await second.finish(readings)).rows == 2
    assert pl.read_parquet(tmp_path / "windows.parquet").equals(windows)
    assert successes((tmp_path / "metrics.prom").read_text()) == 2
