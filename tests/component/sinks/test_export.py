from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from raysim.core.export.manifest import Manifest
from raysim.sinks.export import Export, read_manifest
from raysim.sinks.store import MemoryStore, Source, StoreError

DOWN = StoreError("nobody answers")


def run_directory(root: Path, *, parts: int = 2) -> Path:
    (root / "requests").mkdir(parents=True)
    (root / "logs").mkdir()
    (root / "alive").write_text("{}")
    (root / "plan.json").write_text('{"run_id": "run-1"}')
    (root / "scenario.yaml").write_text("kind: LoadTestScenario\n")
    (root / "events.jsonl").write_text('{"kind": "preparing"}\n')
    (root / "resources.jsonl").write_text('{"kind": "run"}\n')
    (root / "logs" / "users-0.jsonl").write_text('{"level": "info"}\n')
    for number in range(parts):
        add_part(root, number)
    return root


def add_part(root: Path, number: int) -> None:
    (root / "requests" / f"part-0-{number:06d}.parquet").write_bytes(bytes([number]) * 1000)


def export(root: Path, store: MemoryStore) -> Export:
    return Export(root, store, run_id="run-1", url="s3://bucket/run-1/", command="raysim upload run-1")


def manifest_of(store: MemoryStore) -> Manifest:
    found = read_manifest(store)
    assert found is not None
    return found


def assert_readable(store: MemoryStore) -> None:
    """Whatever the manifest lists is there, with the bytes that it says."""
    for item in manifest_of(store).objects.values():
        content = store.objects[item.key][: item.bytes]
        assert (len(content), hashlib.sha256(content).hexdigest()) == (item.bytes, item.sha256)


def files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file() and path.name != "alive")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def test_a_run_that_goes_on_is_readable(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    export(root, store).sync(early=True)
    manifest = manifest_of(store)
    assert (manifest.run_id, manifest.ended) == ("run-1", False)
    parts = {"requests/part-0-000000.parquet", "requests/part-0-000001.parquet"}
    assert set(manifest.objects) == parts | {"plan.json", "scenario.yaml", "events.jsonl", "resources.jsonl"}
    assert store.put_keys[0] == "resources.jsonl"
    assert store.put_keys[-1] == "manifest.json"
    assert_readable(store)


def test_only_what_is_new_goes(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    copy = export(root, store)
    copy.sync(early=True)
    store.put_keys.clear()
    copy.sync(early=True)
    assert store.put_keys == []
    add_part(root, 2)
    with (root / "events.jsonl").open("a") as file:
        file.write('{"kind": "phase"}\n')
    copy.sync(early=True)
    assert store.put_keys == ["events.jsonl", "requests/part-0-000002.parquet", "manifest.json"]
    assert_readable(store)


def test_a_growing_file_that_is_ahead_of_the_manifest_is_still_attested(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    copy = export(root, store)
    copy.sync(early=True)
    # killed after the events went, before the manifest did
    with (root / "events.jsonl").open("a") as file:
        file.write('{"kind": "phase"}\n')
    store.objects["events.jsonl"] = (root / "events.jsonl").read_bytes()
    assert_readable(store)


def test_a_finished_run_is_there_byte_by_byte(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    copy = export(root, store)
    copy.sync(early=True)
    (root / "summary.json").write_text("{}")
    copy.sync(ended=True)
    assert manifest_of(store).ended
    assert {key: data for key, data in store.objects.items() if key != "manifest.json"} == files(root)
    outcome = copy.outcome()
    assert (outcome.status, outcome.pending, outcome.reason, outcome.command) == ("complete", 0, "", "")
    counted = {key: data for key, data in files(root).items() if key not in ("summary.json", "events.jsonl")}
    assert (outcome.objects, outcome.bytes) == (len(counted), sum(map(len, counted.values())))


def test_a_store_that_is_down_loses_nothing(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    copy = export(root, store)
    copy.sync(early=True)
    before = dict(store.objects)
    store.failure = DOWN
    add_part(root, 2)
    with pytest.raises(StoreError):
        copy.sync(early=True)
    outcome = copy.outcome("nobody answers")
    # the part, and the log that goes at the end
    assert (outcome.status, outcome.pending, outcome.reason) == ("partial", 2, "nobody answers")
    assert outcome.command == "raysim upload run-1"
    store.failure = None
    assert store.objects == before
    copy.sync(ended=True)
    assert copy.outcome().status == "complete"
    assert_readable(store)


def test_a_store_that_never_was_there(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    store.failure = DOWN
    copy = export(root, store)
    with pytest.raises(StoreError):
        copy.sync(ended=True)
    outcome = copy.outcome("nobody answers")
    assert (outcome.status, outcome.objects, outcome.pending) == ("failed", 0, len(files(root)))


def test_an_object_without_its_manifest_is_not_told_of(tmp_path: Path) -> None:
    class DiesAtTheManifest(MemoryStore):
        def put(self, key: str, source: Source) -> None:
            if key == "manifest.json":
                raise DOWN
            super().put(key, source)

    root, store = run_directory(tmp_path), DiesAtTheManifest()
    copy = export(root, store)
    with pytest.raises(StoreError):
        copy.sync(ended=True)
    assert copy.outcome("nobody answers").status == "failed"
    # the next attempt commits what is there already
    put, store.__class__ = list(store.put_keys), MemoryStore  # type: ignore[assignment]
    copy.sync(ended=True)
    assert store.put_keys == [*put, "manifest.json"]
    assert_readable(store)


def test_another_process_goes_on_by_the_manifest(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    export(root, store).sync(early=True)
    store.put_keys.clear()
    second = export(root, store)
    second.resume()
    second.sync(ended=True)
    assert store.put_keys == ["logs/users-0.jsonl", "manifest.json"]
    third = export(root, store)
    third.resume()
    third.sync(without=frozenset({"events.jsonl"}))
    third.sync(ended=True)
    assert (third.puts, store.put_keys) == (0, ["logs/users-0.jsonl", "manifest.json"])


@pytest.mark.parametrize("change", ["run_id", "plan"])
def test_results_of_another_run_are_left_alone(tmp_path: Path, change: str) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    export(root, store).sync(early=True)
    if change == "run_id":
        document = json.loads(store.objects["manifest.json"]) | {"run_id": "run-2"}
        store.objects["manifest.json"] = json.dumps(document).encode()
    else:
        (root / "plan.json").write_text('{"run_id": "run-1", "seed": 2}')
    with pytest.raises(StoreError, match="another run"):
        export(root, store).resume()


def test_a_long_backlog_is_committed_on_the_way(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path, parts=120), MemoryStore()
    export(root, store).sync(early=True)
    assert store.put_keys.count("manifest.json") == 3
