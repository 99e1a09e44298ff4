"""How a pack's process is doing."""

from __future__ import annotations

import os
from time import monotonic, process_time

from raysim.core.control.messages import PackHealth
from raysim.users.lag import LagMeter

_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


class HealthMeter:
    """Looks at this process; CPU counts from the meter's making.

    Args:
        pack: the pack's name.
        node: the node's.
        lag: how late the event loop is.
    """

    def __init__(self, pack: str, node: str, lag: LagMeter) -> None:
        self._pack = pack
        self._node = node
        self._lag = lag
        self._from_s, self._cpu_from_s = monotonic(), process_time()

    def look(self) -> PackHealth:
        """Its health now."""
        wall_s = monotonic() - self._from_s
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - once a second in every actor
            resident = int(statm.read().split()[1])
        return PackHealth(
            pack=self._pack,
            node=self._node,
            loop_lag_p99_ms=self._lag.p99_ms(),
            cpu_ratio=(process_time() - self._cpu_from_s) / wall_s if wall_s > 0 else 0.0,
            rss_mib=resident * _PAGE_MIB,
        )
