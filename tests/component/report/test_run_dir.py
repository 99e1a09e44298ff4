from __future__ import annotations

import os
from pathlib import Path

import pytest

from raysim.report.run_dir import RunDir, read_json, write_json


def test_names_are_those_that_others_rely_on() -> None:
    paths = RunDir(Path("/results/run-1"))
    named = (paths.scenario, paths.plan, paths.events, paths.resources, paths.requests, paths.users, paths.tenants)
    assert [path.relative_to(paths.root).as_posix() for path in (*named, paths.phases, paths.summary, paths.logs)] == [
        "scenario.yaml",
        "plan.json",
        "events.jsonl",
        "resources.jsonl",
        "requests",
        "users.parquet",
        "tenants.parquet",
        "phases.parquet",
        "summary.json",
        "logs",
    ]


def test_json_is_indented_and_ends_its_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "summary.json"
    write_json(path, {"a": [1, float("nan")], "b": (2,)})
    assert path.read_text() == '{\n  "a": [\n    1,\n    null\n  ],\n  "b": [\n    2\n  ]\n}\n'
    assert read_json(path) == {"a": [1, None], "b": [2]}


def test_a_failed_write_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "summary.json"
    write_json(path, {"first": True})

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_json(path, {"second": True})
    assert read_json(path) == {"first": True}
    assert list(tmp_path.iterdir()) == [path]


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"x": object()})
    assert list(tmp_path.iterdir()) == []
