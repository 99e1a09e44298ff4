"""`raysim cleanup s3://…`: a run whose directory is lost is cleaned up by the ledger that it exported."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from raysim.cleanup.exported_run import QUIET_S, ExportedRun
from raysim.cli.cleanup import command
from raysim.core.errors import ConfigError, PreflightError
from raysim.sinks.export import Export, read_manifest
from raysim.sinks.store import MemoryStore
from raysim.tenancy.ledger import Resource
from tests.component.cli.test_cleanup import scenario_for, write_run

URL = "s3://bucket/run-1/"
ORG = Resource("org", "o-1", "o-1", "org-1", "org-1", "created")
LEDGER = orjson.dumps({"time": 1.0, **asdict(ORG)}) + b"\n"


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    root = write_run(tmp_path / "lost" / "run-1", scenario_for("", "embedded"), [])
    (root / "resources.jsonl").write_bytes(LEDGER)
    (root / "events.jsonl").write_text('{"kind": "preparing"}\n')
    kept = MemoryStore()
    Export(root, kept, run_id="run-1", url=URL).sync(early=True)
    monkeypatch.setattr("raysim.cli.cleanup.ExportedRun", lambda url: ExportedRun(url, lambda _: kept))
    return kept


def test_a_run_that_may_go_on_is_left_alone(exported: MemoryStore) -> None:
    manifest = read_manifest(exported)
    assert manifest is not None
    run = ExportedRun(URL, lambda _: exported)
    with pytest.raises(PreflightError, match="has not said that it has ended"):
        run.insist_on_its_end(manifest.written_at + QUIET_S - 1)
    run.insist_on_its_end(manifest.written_at + QUIET_S)


def test_the_ledger_is_brought_and_taken_back(exported: MemoryStore, tmp_path: Path) -> None:
    # the last lines before the node was lost are in the store, and not in the manifest yet
    exported.objects["resources.jsonl"] += LEDGER.replace(b"o-1", b"o-2")
    run = ExportedRun(URL, lambda _: exported)
    root = run.bring(tmp_path / "results")
    assert (root / "resources.jsonl").read_bytes() == LEDGER + LEDGER.replace(b"o-1", b"o-2")
    with pytest.raises(ConfigError, match="its ledger is the newer one"):
        run.bring(tmp_path / "results")
    with (root / "resources.jsonl").open("ab") as file:
        file.write(LEDGER.replace(b"created", b"deleted"))
    run.take_back(root)
    assert exported.objects["resources.jsonl"] == (root / "resources.jsonl").read_bytes()
    manifest = read_manifest(exported)
    assert manifest is not None
    assert manifest.objects["resources.jsonl"].bytes == len(exported.objects["resources.jsonl"])
    assert not manifest.ended


def test_the_command_says_what_it_did(exported: MemoryStore, tmp_path: Path) -> None:
    assert time.time() - orjson.loads(exported.objects["manifest.json"])["written_at"] < QUIET_S
    runner, options = CliRunner(), [URL, "--out", str(tmp_path / "results")]
    refused = runner.invoke(command, options)
    assert isinstance(refused.exception, PreflightError)
    done = runner.invoke(command, [*options, "--force"], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert f"the run's ledger was brought to {tmp_path / 'results' / 'run-1'}" in done.output
    assert "nothing to do: its simulated platform ended with it" in done.output
