from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from raysim.core.metrics.family import LABELS
from raysim.core.metrics.windows import COLUMNS, LABEL_COLUMNS
from raysim.sinks import windows as module
from raysim.sinks.exposition import exposition
from raysim.sinks.exposition_file import ExpositionFile
from raysim.sinks.live_metrics import open_exporter
from raysim.sinks.metrics_sink import SinkError
from raysim.sinks.windows import WindowStore
from tests.component.sinks.metrics_run import metrics_plan, metrics_readings, metrics_snapshot
from tests.unit.core.metrics.requests import batch, request

NAMES = [column.name for column in LABEL_COLUMNS]


def store(root: Path, *, users: bool = True) -> WindowStore:
    return WindowStore(root, run_id="run-1", users=users)


def test_there_is_a_column_for_every_label() -> None:
    assert set(NAMES) == LABELS - {"test_run"}
    assert len(NAMES) == len(set(NAMES))


def test_every_series_of_the_exposition_is_a_row(tmp_path: Path) -> None:
    snapshot = metrics_snapshot()
    kept = store(tmp_path)
    kept.send(snapshot)
    kept.finish()
    frame = pl.read_parquet(tmp_path / "windows.parquet")
    assert frame.columns == [column.name for column in COLUMNS]
    assert set(frame["time_unix_s"]) == {snapshot.unix_s}
    found = {
        (row["name"], *((name, row[name]) for name in NAMES if row[name])): row["value"]
        for row in frame.iter_rows(named=True)
    }
    expected = {
        (sample.name, *((name, sample.labels[name]) for name in NAMES if name in sample.labels)): sample.value
        for family in text_string_to_metric_families(exposition(snapshot.families).decode())
        for sample in family.samples
    }
    assert len(found) == frame.height == snapshot.size
    assert found == {key: None if value != value else value for key, value in expected.items()}  # noqa: PLR0124 - NaN
    assert pl.read_parquet_metadata(tmp_path / "windows.parquet")["run_id"] == "run-1"
    assert [path.name for path in tmp_path.iterdir()] == ["windows.parquet"]


def test_large_runs_are_written_in_pieces_that_make_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = []
    for rows in (1, 1_000_000):
        monkeypatch.setattr(module, "_ROWS_AT_ONCE", rows)
        kept = store(tmp_path / str(rows), users=False)
        for requests in (0, 2, 3):
            kept.send(metrics_snapshot(requests=requests))
        kept.finish()
        tables.append(pl.read_parquet(tmp_path / str(rows) / "windows.parquet"))
    assert tables[0].equals(tables[1])
    total = tables[0].filter(pl.col("name") == "loadtest_run_requests_total", pl.col("status") == "success")
    assert total["value"].to_list() == [0, 2, 3]


def test_what_a_killed_process_kept_is_gone_on_with(tmp_path: Path) -> None:
    first = store(tmp_path)
    assert first.first_unix_s is None
    first.send(metrics_snapshot(requests=1))
    with (tmp_path / ".windows.jsonl").open("a") as file:
        file.write('{"t": 17')
    second = store(tmp_path)
    assert second.first_unix_s == metrics_snapshot().unix_s
    second.send(metrics_snapshot(requests=2))
    second.finish()
    count = pl.col("name") == "loadtest_run_cost_usd_total"
    assert pl.read_parquet(tmp_path / "windows.parquet").filter(count).height == 2
    # one that is started after the end leaves it alone
    third = store(tmp_path)
    third.send(metrics_snapshot())
    third.finish()
    assert pl.read_parquet(tmp_path / "windows.parquet").filter(count).height == 2


def test_users_of_large_runs_are_left_out(tmp_path: Path) -> None:
    kept = store(tmp_path, users=False)
    kept.send(metrics_snapshot())
    kept.finish()
    frame = pl.read_parquet(tmp_path / "windows.parquet")
    assert set(frame["user_id"]) == {""}
    assert "loadtest_llm_time_to_first_token_seconds_bucket" in set(frame["name"])


def test_a_run_without_any_exports_has_its_metrics_in_its_directory(tmp_path: Path) -> None:
    plan = metrics_plan(pushgatewayUrl=None)
    assert not plan.metrics.exports
    made = open_exporter(plan, 0, tmp_path)
    made.observe(metrics_readings(plan))
    made.start()
    made.take(batch(request(), request()))
    made.finish()
    assert (made.state.sent, made.state.dropped, made.state.trouble) == (0, 0, "")
    frame = pl.read_parquet(tmp_path / "windows.parquet")
    total = frame.filter(pl.col("name") == "loadtest_run_requests_total", pl.col("status") == "success")
    assert total["value"].to_list()[-1] == 2
    (line,) = (
        line
        for line in (tmp_path / "metrics.prom").read_text().splitlines()
        if line.startswith("loadtest_run_requests_total") and 'status="success"' in line
    )
    assert line.endswith(" 2.0")
    assert "blue" in line


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"metrics\.prom cannot be written: No such file"):
        ExpositionFile(tmp_path / "gone").send(metrics_snapshot())


def test_the_journal_is_small(tmp_path: Path) -> None:
    snapshot = metrics_snapshot()
    store(tmp_path).send(snapshot)
    (line,) = (tmp_path / ".windows.jsonl").read_bytes().splitlines()
    assert json.loads(line)["t"] == snapshot.unix_s
    assert len(line) < len(exposition(snapshot.families)) / 3
