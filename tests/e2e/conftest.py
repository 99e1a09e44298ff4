"""These tests take minutes: they run when `-m e2e` asks for them, and not otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    asked = "e2e" in str(config.getoption("markexpr", ""))
    return None if asked or collection_path.is_dir() else True
