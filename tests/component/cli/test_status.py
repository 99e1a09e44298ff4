"""`raysim status` and `raysim stop` where there is nothing to ask; with a run they are tested on Ray."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from raysim.actors.address import show_token
from raysim.core.errors import ExitCode
from tests.component.cli.test_commands import run_main


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_ADDRESS", "RAYSIM_RESULTS", "RAY_JOB_CONFIG_JSON_ENV_VAR"):
        monkeypatch.delenv(name, raising=False)


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def directory(name: str, file: str, text: str) -> None:
    folder = Path("results") / name
    folder.mkdir(parents=True)
    (folder / file).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("command", ["status", "stop"])
def test_a_run_without_a_cluster(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, command, "nightly-1") == ExitCode.PREFLIGHT_FAILED
    assert "no Ray cluster was found that nightly-1 could be on" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "stop"])
@pytest.mark.parametrize("name", ["nightly-1", "results/nightly-1"])
def test_a_run_that_is_over(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    directory("nightly-1", "summary.json", "{}")
    assert run_main(monkeypatch, command, name) == ExitCode.BAD_CONFIG
    assert "RUN: nightly-1 is over; its results are in results/nightly-1" in capsys.readouterr().err


def test_a_run_whose_cluster_died_with_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    directory("nightly-1", "address", closed_port())
    assert run_main(monkeypatch, "stop", "nightly-1") == ExitCode.PREFLIGHT_FAILED
    assert "no Ray cluster was found that nightly-1 could be on" in capsys.readouterr().err


def test_a_path_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, "status", "elsewhere/nightly-1") == ExitCode.BAD_CONFIG
    assert "RUN: elsewhere/nightly-1 is no directory" in capsys.readouterr().err


def test_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    address = closed_port()
    assert run_main(monkeypatch, "status", "--address", address) == ExitCode.PREFLIGHT_FAILED
    assert f"no Ray cluster answers at {address}" in capsys.readouterr().err


def test_rays_token_is_shown_where_nobody_said_otherwise(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    show_token(environ, "auto")
    assert environ == {}
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("token", encoding="utf-8")
    show_token(environ, "10.0.0.1:6379")
    assert environ == {}
    show_token(environ, "auto")
    assert environ == {"RAY_AUTH_MODE": "token"}
    disabled = {"RAY_AUTH_MODE": "disabled"}
    show_token(disabled, "auto")
    assert disabled == {"RAY_AUTH_MODE": "disabled"}


def test_nothing_is_in_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, "status") == ExitCode.OK
    assert capsys.readouterr().out == "no run is in progress\n"
    assert run_main(monkeypatch, "status", "--json") == ExitCode.OK
    assert capsys.readouterr().out == "[]\n"
