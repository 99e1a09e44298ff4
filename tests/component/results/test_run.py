from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from raysim.core.errors import ConfigError, RaysimError
from raysim.results import open_run
from raysim.sinks.parquet import REQUESTS_SCHEMA
from tests.component.report.sample_run import facts, lively
from tests.component.results.stored_run import store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store(tmp_path, lively(60), facts())
    return tmp_path


def changed(root: Path, **changes: Any) -> None:
    path = root / "summary.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | changes))


def test_a_run_opens_with_its_frames_and_documents(root: Path) -> None:
    run = open_run(root)
    assert run.finished
    assert run.run_id == run.summary["run_id"] == run.plan["run_id"] == "run-20260714-091503-k3f9"
    assert run.requests().collect_schema() == REQUESTS_SCHEMA
    assert run.requests().select(pl.len()).collect().item() == 60
    assert run.users().collect().height == 6
    assert run.tenants().collect()["requests"].to_list() == [30, 30]
    assert run.phases().collect()["name"].to_list() == ["warmup", "sustained"]
    assert run.scenario["spec"] == {"limits": {"maxCostUsd": 5}}
    assert [event["kind"] for event in run.events] == ["run_started"]


def test_what_a_run_did_not_keep_is_none(root: Path) -> None:
    assert open_run(root).backends() is None
    assert open_run(root).windows() is None
    pl.DataFrame({"at_s": [1.0]}).write_parquet(root / "windows.parquet")
    found = open_run(str(root)).windows()
    assert found is not None
    assert found.collect().rows() == [(1.0,)]


def test_a_directory_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not a run's directory: it holds neither plan\.json nor summary\.json"):
        open_run(tmp_path)
    with pytest.raises(ConfigError, match=r"there is no directory .*nowhere"):
        open_run(tmp_path / "nowhere")


def test_an_unfinished_run_opens_only_on_purpose(tmp_path: Path) -> None:
    store(tmp_path, lively(60), facts(), finished=False)
    with pytest.raises(ConfigError, match=r"has no summary\.json: the run goes on, was killed"):
        open_run(tmp_path)
    run = open_run(tmp_path, unfinished=True)
    assert not run.finished
    assert run.run_id == "run-20260714-091503-k3f9"
    assert run.requests().select(pl.len()).collect().item() == 60
    # the last line was torn by the kill
    assert [event["kind"] for event in run.events] == ["run_started"]
    with pytest.raises(ConfigError, match=r"holds no summary\.json"):
        _ = run.summary
    with pytest.raises(ConfigError, match=r"holds no users\.parquet"):
        run.users()


@pytest.mark.parametrize("version", [2, None])
def test_a_newer_summary_is_refused(root: Path, version: int | None) -> None:
    changed(root, schema_version=version)
    with pytest.raises(ConfigError, match=f"schema version {version}, and this raysim reads version 1"):
        open_run(root)


def test_records_of_another_version_are_refused(root: Path) -> None:
    frame = open_run(root).requests().collect()
    frame.write_parquet(root / "requests" / "part-1-000000.parquet", metadata={"raysim_schema_version": "2"})
    with pytest.raises(RaysimError, match="schema version 2; this raysim reads version 1"):
        open_run(root).requests()


def test_a_broken_document_is_named(root: Path) -> None:
    (root / "plan.json").write_text("{")
    with pytest.raises(ConfigError, match=r"has a plan\.json that is not JSON"):
        _ = open_run(root).plan
