"""What a coordinator finds that its predecessor left; real files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from raysim.actors.checkpoints import Checkpoints, Memory
from raysim.actors.user import Bootstrapped
from raysim.core.control.treasury import Grant
from tests.unit.core.control.course import Course, plan

Opened = Callable[[], Checkpoints]


def memory(run_s: float, *, cleaned: bool = False) -> Memory:
    course = Course(plan()).begin()
    course.everyone_reports(run_s)
    return Memory(course.control.checkpoint(course.start_s + run_s), cleaned, 1)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens the files as the next process would."""
    ever: list[Checkpoints] = []

    def open_files() -> Checkpoints:
        ever.append(Checkpoints(tmp_path / "state"))
        return ever[-1]

    yield open_files
    for files in ever:
        files.close()


def test_the_first_of_a_run_finds_nothing(opened: Opened) -> None:
    assert opened().recall() is None


def test_what_was_kept_last_is_found_with_all_that_came_after(opened: Opened) -> None:
    files = opened()
    files.add(bootstraps=[Bootstrapped(0, 1.5, ""), Bootstrapped(1, 0.5, "refused")])
    files.keep(memory(1.0))
    files.grant([Grant(0, "0.0", 10)])
    files.add(samples=[(1.0, 6, 5)])
    files.keep(memory(2.0, cleaned=True))
    files.grant([Grant(0, "0.0", 20)])
    files.grant([Grant(1, "1.0", 30)])
    files.add(samples=[(2.0, 6, 6)])
    found = opened().recall()
    assert found is not None
    assert found.memory == memory(2.0, cleaned=True)
    # those before are in the checkpoint
    assert found.grants == [Grant(0, "0.0", 20), Grant(1, "1.0", 30)]
    assert found.samples == [(1.0, 6, 5), (2.0, 6, 6)]
    assert found.bootstraps == [Bootstrapped(0, 1.5, ""), Bootstrapped(1, 0.5, "refused")]


@pytest.mark.parametrize("name", ["grants.jsonl", "history.jsonl"])
def test_a_line_that_a_killed_process_left_half_written_is_left_out(opened: Opened, tmp_path: Path, name: str) -> None:
    files = opened()
    files.keep(memory(1.0))
    files.grant([Grant(0, "0.0", 10)])
    files.add(samples=[(1.0, 6, 5)])
    with (tmp_path / "state" / name).open("ab") as file:
        file.write(b'{"pack":0,"acc')
    next_ones = opened()
    next_ones.grant([Grant(1, "1.0", 5)])
    next_ones.add(samples=[(2.0, 6, 5)])
    found = next_ones.recall()
    assert found is not None
    assert found.grants == [Grant(0, "0.0", 10), Grant(1, "1.0", 5)]
    assert found.samples == [(1.0, 6, 5), (2.0, 6, 5)]


def test_nothing_is_left_when_the_run_is_over(opened: Opened, tmp_path: Path) -> None:
    files = opened()
    files.keep(memory(1.0))
    files.forget()
    assert list(tmp_path.iterdir()) == []
