"""Where live metrics go, and which."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.metrics.family import Group


@dataclass(frozen=True, slots=True)
class MetricsPlan:
    """What is exported while a run goes on.

    `pushgateway_url` and `otlp_url` are empty for none, `listen` is 0 for no port; `prometheus_url` is where people
    look at them, "" for nowhere known; `interval_s` is the time between two exports; `labels` are put on every series;
    `per_user` is whether each user has series of its own; `retain` whether pushed metrics stay after the run.
    """

    pushgateway_url: str = ""
    otlp_url: str = ""
    prometheus_url: str = ""
    listen: int = 0
    interval_s: float = 10.0
    groups: tuple[Group, ...] = tuple(Group)
    labels: tuple[tuple[str, str], ...] = ()
    per_user: bool = True
    retain: bool = True

    @property
    def exports(self) -> bool:
        """Whether anything leaves the run's directory."""
        return bool(self.pushgateway_url or self.otlp_url or self.listen)
