"""What a user actor's process imports: its memory is counted in single MiB, and there may be a thousand of them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"numpy", "polars", "pydantic", "httpx", "boto3", "rich", "prometheus_client", "yaml"}


def test_user_actors_stay_lean() -> None:
    # a process that holds an actor's handle imports that actor's module, too; what Ray itself imports is there anyway
    modules = "raysim.actors.user, raysim.actors.metrics, raysim.actors.coordinator"
    code = f"import ray, sys; rays = set(sys.modules); import {modules}; print(*(set(sys.modules) - rays), sep='\\n')"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    added = set(printed.split())
    assert "raysim.users.pack" in added
    assert HEAVY & added == set()
