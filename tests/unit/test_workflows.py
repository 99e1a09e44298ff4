"""The workflows run the commands of a developer's machine, with as few rights as they need."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.unit.test_prose import ROOT, names

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
workflows = pytest.mark.parametrize("path", WORKFLOWS, ids=names)


def jobs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return found


@workflows
def test_actions_are_pinned_to_a_commit_with_its_version(path: Any) -> None:
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/[\w-]+\.yaml")
    assert [action for action in used if not pinned.fullmatch(action)] == []


@workflows
def test_nothing_may_write_by_default(path: Any) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    # what is only called has the rights that its caller gives
    called_only = document[True].keys() == {"workflow_call"}
    assert document.get("permissions") == (None if called_only else {"contents": "read"})


@workflows
def test_every_job_ends(path: Any) -> None:
    for name, job in jobs(path.read_text(encoding="utf-8")).items():
        assert "uses" in job or job["timeout-minutes"] <= 120, name


def test_what_is_run_by_make_is_there() -> None:
    rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    run = {target for path in WORKFLOWS for target in re.findall(r"run: make (.+)", path.read_text(encoding="utf-8"))}
    assert {"check", "test", "e2e", "site"} <= run <= set(rules)
