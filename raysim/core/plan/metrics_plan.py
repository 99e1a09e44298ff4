"""Where live metrics go, and which."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.metrics.family import Group


@dataclass(frozen=True, slots=True)
class MetricsPlan:
    """What is exported while a run goes on.

    `pushgateway_url` is empty for none; `interval_s` the time between two exports; `labels` are put on every series;
    `per_user` is whether each user has series of its own; `retain` whether pushed metrics stay after the run.
    """

    pushgateway_url: str = ""
    interval_s: float = 10.0
    groups: tuple[Group, ...] = tuple(Group)
    labels: tuple[tuple[str, str], ...] = ()
    per_user: bool = True
    retain: bool = True

    @property
    def exports(self) -> bool:
        """Whether anything is exported at all."""
        return bool(self.pushgateway_url)
