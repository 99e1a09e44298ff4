from __future__ import annotations

import pytest

from raysim.core.config.cleanup import CleanupSpec
from raysim.core.export.address import Destinations, bucket_and_prefix, for_run
from raysim.core.export.files import goes_early, grows, in_order, is_exported


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("s3://bucket/{testRunId}/", "s3://bucket/run-1/"),
        ("s3://bucket/team/{testRunId}", "s3://bucket/team/run-1"),
        ("s3://bucket/runs-{testRunId}/x", "s3://bucket/runs-run-1/x"),
        ("s3://bucket", "s3://bucket/run-1/"),
        ("/mnt/results/", "/mnt/results/run-1/"),
    ],
)
def test_each_run_has_an_address_of_its_own(template: str, address: str) -> None:
    assert for_run(template, "run-1") == address


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("s3://bucket/run-1", "bucket", "run-1/"),
        ("s3://bucket/team//a/run-1/", "bucket", "team//a/run-1/"),
    ],
)
def test_bucket_and_prefix(url: str, bucket: str, prefix: str) -> None:
    assert bucket_and_prefix(url) == (bucket, prefix)


def test_what_a_scenario_wants() -> None:
    assert Destinations.of(CleanupSpec(), "run-1").named() == []
    spec = CleanupSpec.model_validate(
        {"logExportPath": "/logs", "objectStore": {"endpointUrl": "http://127.0.0.1:9"}, "retainLogs": False}
    )
    wanted = Destinations.of(spec, "run-1")
    assert [(name, store.url) for name, store in wanted.named()] == [("log store", "/logs/run-1/")]
    assert (wanted.results, wanted.with_logs) == (None, False)


def test_files_that_belong_to_this_machine_stay() -> None:
    keys = [
        "alive",
        "address",
        "manifest.json",
        "requests/.part-0-000000.parquet.tmp",
        "logs/users-0.jsonl",
        "plan.json",
    ]
    assert [key for key in keys if is_exported(key)] == ["logs/users-0.jsonl", "plan.json"]


def test_the_ledger_goes_first_and_the_summary_last() -> None:
    keys = ["summary.json", "users.parquet", "requests/part-0-000001.parquet", "events.jsonl", "resources.jsonl"]
    ordered = in_order(keys)
    assert (ordered[:2], ordered[-1]) == (["resources.jsonl", "events.jsonl"], "summary.json")
    assert {key for key in keys if goes_early(key)} == {
        "requests/part-0-000001.parquet",
        "events.jsonl",
        "resources.jsonl",
    }
    assert {key for key in keys if grows(key)} == {"events.jsonl", "resources.jsonl"}
