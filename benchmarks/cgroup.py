"""A control group of a pod's size, of either version. Linux only, and only for who may write there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
_MIB = 2**20


class NoCgroupError(Exception):
    """Groups cannot be made here; the text says why."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a group took: memory in MiB (the peak with page cache), CPU and throttled time in s, processes killed."""

    peak_mib: float
    anonymous_mib: float
    shared_mib: float
    cache_mib: float
    cpu_s: float
    throttled_s: float
    killed: int


class Cgroup:
    """A group with limits.

    Args:
        folders: one by controller; the same one for all with version 2.
        version: 1 or 2.
    """

    def __init__(self, folders: dict[str, Path], version: int) -> None:
        self._folders = folders
        self._two = version == 2

    def limit(self, memory_mib: int, cpus: float) -> None:
        """Let its processes have no more than this together."""
        memory, quota = str(memory_mib * _MIB), int(cpus * _PERIOD_US)
        if self._two:
            self._write("memory", "memory.max", memory)
            self._write("cpu", "cpu.max", f"{quota} {_PERIOD_US}")
        else:
            self._write("memory", "memory.limit_in_bytes", memory)
            self._write("cpu", "cpu.cfs_period_us", str(_PERIOD_US))
            self._write("cpu", "cpu.cfs_quota_us", str(quota))

    def take(self, pid: int) -> None:
        """Move a process here: what it and its children take from now on counts here."""
        for folder in self._each():
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def usage(self) -> Usage:
        """What was taken so far."""
        stat, cpu = self._table("memory", "memory.stat"), self._table("cpu", "cpu.stat")
        if self._two:
            return Usage(
                peak_mib=self._number("memory", "memory.peak") / _MIB,
                anonymous_mib=stat.get("anon", 0) / _MIB,
                shared_mib=stat.get("shmem", 0) / _MIB,
                cache_mib=stat.get("file", 0) / _MIB,
                cpu_s=cpu.get("usage_usec", 0) / 1e6,
                throttled_s=cpu.get("throttled_usec", 0) / 1e6,
                killed=self._table("memory", "memory.events").get("oom_kill", 0),
            )
        return Usage(
            peak_mib=self._number("memory", "memory.max_usage_in_bytes") / _MIB,
            anonymous_mib=stat.get("total_rss", 0) / _MIB,
            shared_mib=stat.get("total_shmem", 0) / _MIB,
            cache_mib=stat.get("total_cache", 0) / _MIB,
            cpu_s=self._number("cpuacct", "cpuacct.usage") / 1e9,
            throttled_s=cpu.get("throttled_time", 0) / 1e9,
            killed=self._table("memory", "memory.oom_control").get("oom_kill", 0),
        )

    def remove(self) -> None:
        """End the group, which has no processes any more."""
        for folder in self._each():
            with suppress(OSError):
                folder.rmdir()

    def _each(self) -> list[Path]:
        return list(dict.fromkeys(self._folders.values()))

    def _write(self, controller: str, name: str, value: str) -> None:
        (self._folders[controller] / name).write_text(value, encoding="ascii")

    def _number(self, controller: str, name: str) -> int:
        return int((self._folders[controller] / name).read_text(encoding="ascii"))

    def _table(self, controller: str, name: str) -> dict[str, int]:
        lines = (self._folders[controller] / name).read_text(encoding="ascii").splitlines()
        return {key: int(value) for key, _, value in (line.partition(" ") for line in lines) if value.isdigit()}


@contextmanager
def pod_group(memory_mib: int, cpus: float) -> Iterator[Cgroup]:
    """A group of this size, which is removed afterwards.

    Raises:
        NoCgroupError: there are none here, or they cannot be written.
    """
    name, two = f"raysim-pod-{os.getpid()}", (_ROOT / "cgroup.controllers").exists()
    folders = {what: _ROOT / name if two else _ROOT / what / name for what in ("memory", "cpu", "cpuacct")}
    group = Cgroup(folders, 2 if two else 1)
    try:
        for folder in dict.fromkeys(folders.values()):
            folder.mkdir()
        group.limit(memory_mib, cpus)
    except OSError as error:
        group.remove()
        raise NoCgroupError(f"control groups cannot be written here: {error}") from error
    try:
        yield group
    finally:
        group.remove()
