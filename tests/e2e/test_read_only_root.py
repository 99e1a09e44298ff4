"""The container's user and its read-only root, imitated: a run completes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.e2e.read_only_root import SKIPPED

pytestmark = pytest.mark.e2e


def test_a_run_completes_as_a_plain_user_with_a_read_only_root() -> None:
    command = [sys.executable, "-m", "tests.e2e.read_only_root"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    print(done.stdout, done.stderr)
    if done.returncode == SKIPPED:
        pytest.skip(done.stdout.strip())
    assert done.returncode in (0, 7)
    writable = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("writable")]
    assert writable == ["/tmp", "/mnt", "/dev/shm"]  # noqa: S108 - where a pod has empty volumes
