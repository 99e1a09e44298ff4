"""`spec.metrics`: where live measurements go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import Field

from raysim.core.config.base import Flag, Part, Port, PositiveDuration, Url
from raysim.core.metrics.family import LABELS, Group

if TYPE_CHECKING:
    from collections.abc import Iterator

#: labels that raysim's own series carry
RESERVED_LABELS = LABELS | {"job", "instance", "shard"}
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class MetricsSpec(Part):
    """Where live measurements go. The run's directory always has them."""

    pushgateway_url: Url | None = Field(None, description="Pushgateway to push to; none by default")
    prometheus_url: Url | None = Field(
        None, description="Prometheus that links in the report lead to, as a browser reaches it"
    )
    export_interval: PositiveDuration = Field(
        10.0, description="time between exports, in seconds once read; a usual scrape interval"
    )
    capture: tuple[str, ...] = Field((), description="groups of metrics to export, see metrics.md; all by default")
    labels: dict[str, str] = Field(default_factory=dict, description="static labels added to every series")
    per_user: Flag = Field(
        default=True, description="whether each user has series of its own; off when there are too many"
    )
    otlp_url: Url | None = Field(None, description="OpenTelemetry collector to send to; none by default")
    listen: Port | None = Field(None, description="port of a metrics page to scrape; none by default")

    def groups(self) -> tuple[Group, ...]:
        """The groups that `capture` picks: all when it names none."""
        picked = tuple(group for group in Group if group in self.capture)
        return picked or tuple(Group)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Labels that are none, or raysim's own."""
        for label in self.labels:
            if not _LABEL.fullmatch(label) or label.startswith("__"):
                yield f"labels.{label}", "is no label name; use letters, digits and _"
            elif label in RESERVED_LABELS:
                yield f"labels.{label}", "is a label that raysim sets itself; choose another name"
