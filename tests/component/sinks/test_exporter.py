from __future__ import annotations

import threading
from pathlib import Path

import pytest

from raysim.core.config.cleanup import CleanupSpec
from raysim.core.control.messages import Event
from raysim.core.export.address import Destinations
from raysim.sinks import exporter as module
from raysim.sinks.exporter import Exporter
from raysim.sinks.run_exports import RunExports
from raysim.sinks.store import FolderStore, MemoryStore, MissingObjectError, Source, StoreError, read_object
from tests.component.sinks.test_export import DOWN, add_part, assert_readable, export, files, run_directory


class Hangs(MemoryStore):
    """Takes what it is given and never answers, until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.answers = threading.Event()

    def put(self, key: str, source: Source) -> None:
        self.asked.set()
        self.answers.wait()
        super().put(key, source)


class FailsOnce(MemoryStore):
    """Down at the first call, up afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.failed = False

    def put(self, key: str, source: Source) -> None:
        if not self.failed:
            self.failed = True
            raise DOWN
        super().put(key, source)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.01)
    monkeypatch.setattr(module, "_FIRST_PAUSE_S", 0.01)


def test_a_store_that_never_answers_does_not_hold_anybody(tmp_path: Path) -> None:
    store = Hangs()
    exporter = Exporter(export(run_directory(tmp_path), store))
    exporter.start()
    store.asked.wait()
    reason = exporter.flush(ended=True, patience_s=0.0)
    assert "has not answered for 0 s" in reason
    assert exporter.outcome(reason).status == "failed"
    exporter.close()
    store.answers.set()


def test_somebody_who_does_not_want_to_wait_need_not(tmp_path: Path) -> None:
    store = Hangs()
    exporter = Exporter(export(run_directory(tmp_path), store))
    exporter.start()
    assert exporter.flush(ended=True, hurried=lambda: True) == "interrupted"
    store.answers.set()
    exporter.close()


def test_an_outage_is_told_once_and_its_end_too(tmp_path: Path) -> None:
    store = FailsOnce()
    exporter = Exporter(export(run_directory(tmp_path), store), interval_s=0.01)
    exporter.start()
    assert exporter.flush(ended=True) == ""
    exporter.close()
    assert [news.event.kind for news in exporter.news()] == ["export_failing", "export_back"]
    assert_readable(store)


def wanted(**cleanup: object) -> Destinations:
    return Destinations.of(CleanupSpec.model_validate(cleanup), "run-1")


def end(
    exports: RunExports, root: Path, summary: dict[str, object], *, patience_s: float = 30.0
) -> tuple[dict[str, object], list[Event]]:
    events: list[Event] = []

    def write_event(event: Event) -> None:
        events.append(event)
        with (root / "events.jsonl").open("a") as file:
            file.write(event.kind + "\n")

    def write_summary(said: dict[str, object]) -> None:
        (root / "summary.json").write_text(repr(said))

    write_summary(summary)
    said = exports.end(
        summary, write_summary=write_summary, write_event=write_event, say=lambda _: None, patience_s=patience_s
    )
    return said, events


def test_results_without_logs_and_logs_elsewhere(tmp_path: Path) -> None:
    root = run_directory(tmp_path / "run-1")
    to = wanted(exportResultsTo=str(tmp_path / "copy"), logExportPath=str(tmp_path / "logs"), retainLogs=False)
    exports = RunExports.open(root, "run-1", to)
    exports.start()
    summary, events = end(exports, root, {"run_id": "run-1"})
    assert [event.kind for event in events] == ["exported", "exported"]
    assert summary["export"]["status"] == summary["log_export"]["status"] == "complete"  # type: ignore[index]
    copied = {k: v for k, v in files(tmp_path / "copy" / "run-1").items() if k != "manifest.json"}
    local = files(root)
    assert copied == {key: data for key, data in local.items() if not key.startswith("logs/")}
    logs = files(tmp_path / "logs" / "run-1")
    assert logs.pop("manifest.json")
    assert logs == {"logs/users-0.jsonl": local["logs/users-0.jsonl"]}
    # what the summary says of itself is what is there
    assert b"'complete'" in copied["summary.json"]


def test_a_store_that_goes_at_the_last_moment_is_not_called_complete(tmp_path: Path) -> None:
    class LosesTheSummary(MemoryStore):
        def put(self, key: str, source: Source) -> None:
            if key == "summary.json":
                raise DOWN
            super().put(key, source)

    root, store = run_directory(tmp_path), LosesTheSummary()
    exports = RunExports.open(root, "run-1", wanted(exportResultsTo="s3://bucket"), lambda _: store)
    exports.start()
    summary, events = end(exports, root, {"run_id": "run-1"}, patience_s=0.3)
    said = summary["export"]
    assert isinstance(said, dict)
    assert (said["status"], said["command"]) == ("partial", f"raysim upload {root}")
    assert "nobody answers" in said["reason"]
    assert [event.detail["status"] for event in events] == ["complete", "partial"]
    assert repr(summary) == (root / "summary.json").read_text()


def test_a_run_that_wants_no_export_has_none(tmp_path: Path) -> None:
    exports = RunExports.open(tmp_path, "run-1", wanted())
    exports.start()
    said, events = end(exports, tmp_path, {"export": None})
    assert (said, events, list(exports.news())) == ({"export": None}, [], [])


def test_a_run_that_broke_leaves_what_it_had(tmp_path: Path) -> None:
    root, store = run_directory(tmp_path), MemoryStore()
    exports = RunExports.open(root, "run-1", wanted(exportResultsTo="s3://bucket"), lambda _: store)
    exports.start()
    add_part(root, 2)
    exports.abandon()
    assert_readable(store)
    assert b'"ended": false' in store.objects["manifest.json"]
    assert "requests/part-0-000002.parquet" in store.objects


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_stores_keep_what_they_are_given(kind: str, tmp_path: Path) -> None:
    store = MemoryStore() if kind == "memory" else FolderStore(tmp_path / "store")
    assert store.keys() == []
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    for key in ("a/one", "a/two", "b"):
        with source.open("rb") as file:
            store.put(key, file)
    store.delete("a/two")
    store.delete("a/two")
    assert (store.keys(), store.keys("a/")) == (["a/one", "b"], ["a/one"])
    assert read_object(store, "a/one") == b"12345"
    store.delete("b")
    store.delete("a/one")
    assert not list(tmp_path.rglob("store/*"))
    with pytest.raises(MissingObjectError):
        read_object(store, "a/one")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "source").write_bytes(b"1")
    with (tmp_path / "source").open("rb") as source, pytest.raises(StoreError, match="cannot be written"):
        FolderStore(tmp_path / "file").put("key", source)
