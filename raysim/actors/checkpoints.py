"""The coordinator's memory on disk: what its next process goes on from. Lies in the run's directory while it is on.

Three files. The checkpoint is replaced as a whole. Grants of money since then are a line each, written before the pack
hears of them. What only ever grows, and would make the checkpoint longer every second, is appended to the third. All of
it is to survive a process, not a machine: the run does not outlive the machine that it is written on.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from raysim.actors.user import Bootstrapped
from raysim.core.control.checkpoint import Checkpoint
from raysim.core.control.treasury import Grant
from raysim.json_lines import whole_lines
from raysim.sinks.journal import Journal
from raysim.whole_file import whole_file

T = TypeVar("T")
Sample = tuple[float, int, int]


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept beside the run's course.

    Args:
        course: the run's.
        cleaned: whether clean-up has ended.
        stop_asked: how urgently a person has asked for the end, see `RunProgress`.
    """

    course: Checkpoint
    cleaned: bool
    stop_asked: int


@dataclass(frozen=True, slots=True)
class _Line:
    sample: Sample | None = None
    bootstrapped: Bootstrapped | None = None


@dataclass(frozen=True, slots=True)
class Recalled:
    """Everything that a coordinator before this one left."""

    memory: Memory
    grants: list[Grant]
    samples: list[Sample]
    bootstraps: list[Bootstrapped]


class Checkpoints:
    """Writes and reads the files; every call returns when the system has what was written.

    Args:
        folder: theirs, which is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checkpoint = folder / "checkpoint.json"
        self._grants_path, self._history_path = folder / "grants.jsonl", folder / "history.jsonl"
        self._grants, self._history = Journal(self._grants_path), Journal(self._history_path)
        self._encode = msgspec.json.Encoder().encode

    def recall(self) -> Recalled | None:
        """What was kept; None when nothing ever was. Raises msgspec.DecodeError: that is not what `keep` wrote."""
        try:
            kept = self._checkpoint.read_bytes()
        except FileNotFoundError:
            return None
        history = _lines(self._history_path, _Line)
        return Recalled(
            msgspec.json.decode(kept, type=Memory),
            _lines(self._grants_path, Grant),
            [line.sample for line in history if line.sample is not None],
            [line.bootstrapped for line in history if line.bootstrapped is not None],
        )

    def keep(self, memory: Memory) -> None:
        """Replace the checkpoint, whole or not at all; it holds all grants so far."""
        with whole_file(self._checkpoint, synced=False) as file:
            file.write(self._encode(memory))
        # a process that ends between these two lines leaves old grants behind, which change nothing
        os.truncate(self._grants_path, 0)

    def grant(self, grants: Iterable[Grant]) -> None:
        """Note grants that no checkpoint holds yet."""
        self._grants.append(grants, sync=False)

    def add(self, samples: Sequence[Sample] = (), bootstraps: Sequence[Bootstrapped] = ()) -> None:
        """Note what is not in the checkpoint itself."""
        lines = [*(_Line(sample=s) for s in samples), *(_Line(bootstrapped=b) for b in bootstraps)]
        self._history.append(lines, sync=False)

    def close(self) -> None:
        """Close the files; what they hold stays."""
        self._grants.close()
        self._history.close()

    def forget(self) -> None:
        """The run is over."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _lines(path: Path, kind: type[T]) -> list[T]:
    """The lines of a file, but for those that are cut off, as a killed writer's last one may be: nobody acted on it."""
    return list(whole_lines(path.read_bytes().splitlines(), msgspec.json.Decoder(kind).decode))
