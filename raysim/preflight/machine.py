"""What this machine offers to a Ray that is started here: memory that is free, processors, open files."""

from __future__ import annotations

import os
import resource
import socket
from dataclasses import dataclass
from pathlib import Path
from time import time

_KIB_PER_MIB = 1024
_MIB = 2**20
#: Ray raises the soft limit of its processes this far, if the hard one allows it
_RAY_OPEN_FILES = 65_536
#: (limit, usage) of a container's memory, in cgroup v2 and v1
_CGROUP_MEMORY = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
#: quota and period of a container's CPU time in us, in cgroup v2 and v1; v1 has a file for each
_CGROUP_CPU = (
    "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine as a process on it sees it. `memory_mib` is free for new processes; `unix_s` its clock."""

    name: str
    cpus: float
    memory_mib: float
    open_files: int
    unix_s: float


def look_around() -> Machine:
    """This machine, now. Its clock is read last, so that whoever waits for the answer gets it fresh."""
    memory_mib = free_memory_mib(_text("/proc/meminfo"), [(_text(a), _text(b)) for a, b in _CGROUP_MEMORY])
    return Machine(
        name=socket.gethostname(),
        cpus=usable_cpus(len(os.sched_getaffinity(0)), [_text(path) for path in _CGROUP_CPU]),
        memory_mib=memory_mib,
        open_files=ray_open_files(*resource.getrlimit(resource.RLIMIT_NOFILE)),
        unix_s=time(),
    )


def free_memory_mib(meminfo: str, cgroups: list[tuple[str, str]]) -> float:
    """MiB that new processes can have: what the machine has available, or what the container's limit leaves of it.

    Args:
        meminfo: the text of `/proc/meminfo`.
        cgroups: texts of a limit and of its usage in bytes; empty where there is none, `max` for no limit.
    """
    fields = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    available = _number(fields.get("MemAvailable", "0").removesuffix("kB")) or 0
    amounts = [available / _KIB_PER_MIB]
    for limit_text, usage_text in cgroups:
        limit, usage = _number(limit_text), _number(usage_text)
        if limit is not None and usage is not None:
            amounts.append(max(0, limit - usage) / _MIB)
    return min(amounts)


def usable_cpus(allowed: int, cgroup: list[str]) -> float:
    """Processors that this process can use: those it may run on, or the container's quota.

    Args:
        allowed: processors that it may run on.
        cgroup: the texts of v2's `cpu.max` and of v1's quota and period; empty where there is none.
    """
    both, quota_text, period_text = cgroup
    words = both.split() or [quota_text, period_text]
    quota, period = (_number(word) for word in words) if len(words) == 2 else (None, None)  # noqa: PLR2004 - a pair
    return min(float(allowed), quota / period) if quota and period else float(allowed)


def ray_open_files(soft: int, hard: int) -> int:
    """How many files a process that Ray starts may have open, by the limits of the process that starts Ray."""
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited:
        return _RAY_OPEN_FILES
    return max(soft, _RAY_OPEN_FILES if hard == unlimited else min(hard, _RAY_OPEN_FILES))


def _number(text: str) -> int | None:
    stripped = text.strip()
    return int(stripped) if stripped.isdecimal() else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
