from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from raysim.cli.report import command
from raysim.core.errors import ConfigError
from raysim.results import open_run
from raysim.results.page import write_page
from tests.component.report.html.parsed import Page
from tests.component.report.sample_run import facts, lively
from tests.component.results.stored_run import store


def test_the_command_writes_the_page_of_a_run(tmp_path: Path) -> None:
    run, page = tmp_path / "run", tmp_path / "page.html"
    run.mkdir()
    store(run, lively(60), facts())
    said = CliRunner().invoke(command, [str(run), "--html", str(page)], standalone_mode=False)
    assert (said.return_value, said.output) == (0, f"{page}\n")
    found = Page(page.read_text(encoding="utf-8"))
    assert found.data["summary"] == open_run(run).summary
    assert "maxCostUsd: 5" in "".join(found.said)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["page.html", "run"]


def test_a_killed_run_has_a_page_that_says_so(tmp_path: Path) -> None:
    run, page = tmp_path / "run", tmp_path / "page.html"
    run.mkdir()
    store(run, lively(60), facts(), finished=False)
    said = CliRunner().invoke(command, [str(run), "--html", str(page)], standalone_mode=False)
    assert said.return_value == 0
    assert "PARTIAL" in said.stderr
    text = "".join(Page(page.read_text(encoding="utf-8")).said)
    assert "unfinished" in text
    assert "PARTIAL" in text


def test_a_page_that_cannot_be_written_is_one_problem(tmp_path: Path) -> None:
    store(tmp_path, lively(60), facts())
    with pytest.raises(ConfigError, match=r"nowhere/page\.html cannot be written: No such file or directory"):
        write_page(open_run(tmp_path), tmp_path / "nowhere" / "page.html")
