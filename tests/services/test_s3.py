"""Exports to a real S3 server, that is away for a while, stays away, or refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from raysim.cli.report import command as report
from raysim.cli.upload import command as upload
from raysim.core.errors import ConfigError, ExitCode, RaysimError
from raysim.core.export.address import Destinations, StoreSettings
from raysim.preflight.store import check_stores
from raysim.results import open_run
from raysim.sinks.export import Export, read_manifest
from raysim.sinks.exporter import Exporter, News
from raysim.sinks.store import StoreError
from tests.component.notebooks.execution import executed
from tests.component.report.sample_run import facts, lively
from tests.component.results.stored_run import store as store_run
from tests.services.s3 import BUCKET, S3Server, serve_s3

pytestmark = pytest.mark.xdist_group("s3")

RUN_ID = "run-20260714-091503-k3f9"
#: more than one part of a multipart upload
LARGE = os.urandom(9_000_000)


@pytest.fixture(scope="module")
def served_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with serve_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3(served_s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> S3Server:
    """The server, up, with its credentials in the environment and an empty cache."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in served_s3.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAYSIM_CACHE", str(tmp_path / "cache"))
    if not served_s3.door.is_open:
        served_s3.door.open()
    return served_s3


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / RUN_ID
    root.mkdir()
    store_run(root, lively(60), facts())
    (root / "logs").mkdir()
    (root / "logs" / "users-0.jsonl").write_bytes(LARGE)
    (root / "resources.jsonl").write_text('{"kind": "run", "mark": "x"}\n')
    return root


def export(s3: S3Server, root: Path, path: str) -> Export:
    url = s3.destination(path).url
    return Export(root, s3.store(path), run_id=RUN_ID, url=url, command=f"raysim upload {root}")


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def add_part(root: Path, number: int) -> None:
    first = root / "requests" / "part-0-000000.parquet"
    (root / "requests" / f"part-0-{number:06d}.parquet").write_bytes(first.read_bytes())


def until(exporter: Exporter, kind: str) -> News:
    while True:
        found = [news for news in exporter.news() if news.event.kind == kind]
        if found:
            return found[0]
        exporter._wake.wait(0.01)


def test_a_run_is_read_back_byte_by_byte(s3: S3Server, root: Path) -> None:
    copy = export(s3, root, "whole")
    copy.sync(early=True)
    assert "summary.json" not in s3.objects("whole")
    copy.sync(ended=True)
    assert copy.outcome().status == "complete"
    there = s3.objects("whole")
    manifest = there.pop("manifest.json")
    assert there == files(root)
    assert not any(secret.encode() in manifest for secret in (s3.access_key, s3.secret_key))
    run, local = open_run(f"s3://{BUCKET}/whole/", settings=StoreSettings(s3.url)), open_run(root)
    assert (run.run_id, run.summary, run.events) == (RUN_ID, local.summary, local.events)
    for name in ("requests", "users", "tenants", "phases"):
        assert_frame_equal(getattr(run, name)().collect(), getattr(local, name)().collect())


def test_it_is_reported_from_there(s3: S3Server, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(s3, root, "told").sync(ended=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    there = CliRunner().invoke(report, [f"s3://{BUCKET}/told/", "--format", "json"], standalone_mode=False)
    here = CliRunner().invoke(report, [str(root), "--format", "json"], standalone_mode=False)
    assert (there.return_value, there.output) == (0, here.output)
    assert RUN_ID in there.output


def test_a_notebook_reads_it_from_there(s3: S3Server, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(s3, root, "notebook").sync(ended=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("RAYSIM_RUN", f"s3://{BUCKET}/notebook/")
    names, summary = executed("cost"), open_run(root).summary
    assert names["run"].where == f"s3://{BUCKET}/notebook/"
    assert names["rows"].height == summary["requests"]["total"]
    assert names["total_usd"] == pytest.approx(summary["cost"]["usd"])


def test_what_was_changed_in_the_store_is_not_taken_for_the_run(s3: S3Server, root: Path) -> None:
    export(s3, root, "changed").sync(ended=True)
    s3.client().put_object(Bucket=BUCKET, Key="changed/summary.json", Body=b'{"run_id": "forged"}')
    with pytest.raises(StoreError, match=r"another summary.json than its manifest says"):
        open_run(f"s3://{BUCKET}/changed/", settings=StoreSettings(s3.url))
    with pytest.raises(ConfigError, match=r"holds no manifest.json"):
        open_run(f"s3://{BUCKET}/never/", settings=StoreSettings(s3.url))


def test_a_server_that_is_away_for_a_while_costs_nothing(s3: S3Server, root: Path) -> None:
    exporter = Exporter(export(s3, root, "away"), interval_s=0.02)
    exporter.start()
    s3.door.shut()
    add_part(root, 1)
    reason = until(exporter, "export_failing").event.detail["reason"]
    assert "nobody answers there" in str(reason)
    s3.door.open()
    assert exporter.flush(ended=True) == ""
    assert until(exporter, "export_back").event.detail["url"] == s3.destination("away").url
    exporter.close()
    assert exporter.outcome().status == "complete"
    there = s3.objects("away")
    del there["manifest.json"]
    assert there == files(root)


def test_a_server_that_stays_away_is_told_of_and_upload_finishes(s3: S3Server, root: Path) -> None:
    scenario = root / "scenario.yaml"
    cleanup = f"cleanup: {{exportResultsTo: 's3://{BUCKET}/later/', objectStore: {{endpointUrl: '{s3.url}'}}}}"
    scenario.write_text(scenario.read_text().replace("spec: {", f"spec: {{{cleanup}, "))
    exporter = Exporter(export(s3, root, f"later/{RUN_ID}"), interval_s=0.02)
    exporter.start()
    # the beginning got through
    exporter.flush(ended=False, without=frozenset({"summary.json", "logs/users-0.jsonl"}))
    s3.door.shut()
    add_part(root, 1)
    reason = exporter.flush(ended=True, patience_s=0.0)
    exporter.close()
    outcome = exporter.outcome(reason)
    assert (outcome.status, outcome.pending) == ("partial", 3)
    assert reason

    down = CliRunner().invoke(upload, [str(root)])
    assert isinstance(down.exception, RaysimError)
    assert down.exception.exit_code == ExitCode.PREFLIGHT_FAILED
    s3.door.open()
    done = CliRunner().invoke(upload, [str(root)], standalone_mode=False)
    assert done.return_value == 0, done.output
    manifest = read_manifest(s3.store(f"later/{RUN_ID}"))
    assert manifest is not None
    assert manifest.ended
    there = s3.objects(f"later/{RUN_ID}")
    assert there.pop("manifest.json") == manifest.encode()
    assert there == files(root)
    again = CliRunner().invoke(upload, [str(root)], standalone_mode=False)
    assert (again.return_value, s3.objects(f"later/{RUN_ID}")["manifest.json"]) == (0, manifest.encode())
    summary = open_run(root).summary
    assert (summary["export"]["status"], summary["export"]["pending"]) == ("complete", 0)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-mine", "the secret key is not the right one"),
        ("AWS_ACCESS_KEY_ID", "AKunknownofmine", "the access key is not known there"),
        ("AWS_ACCESS_KEY_ID", "", "there are no credentials"),
    ],
)
def test_preflight_says_what_is_wrong_with_credentials(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    (check,) = check_stores(Destinations(s3.destination("probe"), None))
    assert check.verdict == "failed"
    assert said in check.found
    assert "AWS_SECRET_ACCESS_KEY" in check.advice
    assert not any(secret in str(check) for secret in (s3.secret_key, s3.access_key, value) if secret)


def test_preflight_leaves_nothing_in_the_store(s3: S3Server, root: Path) -> None:
    wanted = Destinations(s3.destination("fresh"), None)
    (check,) = check_stores(wanted)
    assert (check.verdict, check.found) == ("passed", f"s3://{BUCKET}/fresh can be written and read")
    assert s3.objects("fresh") == {}
    export(s3, root, "fresh").sync(early=True)
    (taken,) = check_stores(wanted)
    assert (taken.verdict, "holds the results of a run already" in taken.found) == ("failed", True)
    away = replace(s3.destination("fresh"), settings=StoreSettings("http://127.0.0.1:9"))
    (nobody,) = check_stores(Destinations(None, away))
    assert (nobody.name, nobody.verdict, "nobody answers" in nobody.found) == ("log store", "failed", True)
