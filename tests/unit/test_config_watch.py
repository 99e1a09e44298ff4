"""Noticing that a scenario's file has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from raysim.config_watch import ConfigWatch

HEAD = "apiVersion: loadtest.ai-aas.dev/v1\nkind: LoadTestScenario\n"


def text(limit: object) -> str:
    return f"{HEAD}spec: {{limits: {{maxCostUsd: {limit}}}}}\n"


class Mount:
    """A folder as kubelet mounts a ConfigMap: names link to `..data`, which links to a dated folder."""

    def __init__(self, root: Path, content: str) -> None:
        self.root = root
        self._count = 0
        root.mkdir()
        self.publish(content)
        (root / "scenario.yaml").symlink_to("..data/scenario.yaml")

    def publish(self, content: str) -> None:
        self._count += 1
        folder = self.root / f"..2026_{self._count}"
        folder.mkdir()
        (folder / "scenario.yaml").write_text(content, encoding="utf-8")
        (self.root / "..tmp").symlink_to(folder.name)
        (self.root / "..tmp").replace(self.root / "..data")


def limit_of(watch: ConfigWatch) -> float | None:
    """What is found once the file has been the same for two looks."""
    assert watch.look() is None
    found = watch.look()
    assert found is not None
    assert found.scenario is not None, found.errors
    assert watch.look() is None
    return found.scenario.spec.limits.max_cost_usd


@pytest.mark.parametrize("inside", ["", "scenario.yaml"])
def test_a_config_map_is_read_again_when_its_link_moves(tmp_path: Path, inside: str) -> None:
    mount = Mount(tmp_path / "mount", text(1))
    watch = ConfigWatch(mount.root / inside)
    assert watch.look() is None
    mount.publish(text(2))
    assert limit_of(watch) == 2
    mount.publish(text(3))
    assert limit_of(watch) == 3
    # the same content under another link is no change
    mount.publish(text(3))
    assert [watch.look() for _ in range(3)] == [None] * 3


def test_a_plain_file_is_read_again_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text(1), encoding="utf-8")
    watch = ConfigWatch(path)
    path.write_text(text(25), encoding="utf-8")
    assert limit_of(watch) == 25
    os.utime(path, ns=(1, 1))
    assert [watch.look() for _ in range(3)] == [None] * 3


def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text(1), encoding="utf-8")
    watch = ConfigWatch(path)
    path.write_text("apiVersion: load", encoding="utf-8")
    assert watch.look() is None
    path.write_text(text(7), encoding="utf-8")
    assert limit_of(watch) == 7


def test_overrides_stay_on_top(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text(1), encoding="utf-8")
    environ = {"RAYSIM_SET__limits__maxCostUsd": "8", "RAYSIM_SET__limits__drain": "7s"}
    watch = ConfigWatch(path, overrides=["limits.maxCostUsd=9"], environ=environ)
    path.write_text(text(25), encoding="utf-8")
    assert watch.look() is None
    found = watch.look()
    assert found is not None
    assert found.scenario is not None
    limits = found.scenario.spec.limits
    assert (limits.max_cost_usd, limits.drain) == (9, 7)


def test_what_is_wrong_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text(1), encoding="utf-8")
    watch = ConfigWatch(path)
    for content, message in ((text("much"), "spec.limits.maxCostUsd: found"), (None, "does not exist")):
        if content is None:
            path.unlink()
        else:
            path.write_text(content, encoding="utf-8")
        assert watch.look() is None
        found = watch.look()
        assert found is not None
        assert found.scenario is None
        assert message in str(found.errors[0])
        assert watch.look() is None
    path.write_text(text(4), encoding="utf-8")
    assert limit_of(watch) == 4
