"""`raysim platform serve` as a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

SERVE = [sys.executable, "-m", "raysim", "platform", "serve"]


@contextmanager
def served(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and what it prints up to its last line of advice."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RAYSIM_")} | environment
    command = [*SERVE, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as process:
        try:
            assert process.stdout is not None
            text = ""
            while "/sim/ledger" not in text:
                line = process.stdout.readline()
                assert line, text
                text += line
            yield process, text
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_cleanly(number: signal.Signals) -> None:
    with served() as (process, text):
        url = re.findall(r"http://\S+", text)[0]
        token = re.findall(r"bearer token (\S+) \(made up", text)[0]
        assert httpx.get(f"{url}/v1/orgs", headers={"Authorization": f"Bearer {token}"}).json() == []
        process.send_signal(number)
        assert process.wait(10) == 0


def test_a_given_token_is_not_printed() -> None:
    with served(RAYSIM_PLATFORM_ADMIN_TOKEN="very-private") as (_, text):
        url = re.findall(r"http://\S+", text)[0]
        assert "very-private" not in text
        assert "$RAYSIM_PLATFORM_ADMIN_TOKEN" in text
        assert httpx.get(f"{url}/v1/orgs", headers={"Authorization": "Bearer very-private"}).status_code == 200


def test_a_port_that_is_taken_is_an_error_with_advice() -> None:
    with served() as (_, text):
        port = re.findall(r"http://[\d.]+:(\d+)", text)[0]
        second = subprocess.run([*SERVE, "--port", port], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "--port 0" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_wrong_configuration_exits_2(tmp_path: Path) -> None:
    config = tmp_path / "platform.yaml"
    config.write_text("speed: 7\n")
    failed = subprocess.run([*SERVE, "--config", str(config)], capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert "speed" in failed.stderr
    assert "Traceback" not in failed.stderr
