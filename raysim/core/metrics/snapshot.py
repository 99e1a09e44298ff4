"""The values of metrics at one moment: what every sink gets, and all that it gets."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from raysim.core.metrics.family import Family


class Point(msgspec.Struct, frozen=True):
    """A series of a counter or gauge. `labels` are the values of the family's labels, in their order."""

    labels: tuple[str, ...]
    value: float


class Spread(msgspec.Struct, frozen=True):
    """The series of a summary or histogram that have all labels but `quantile` or `le` in common.

    `parts` are a summary's quantiles (NaN when not known), or how many values are at most each of a histogram's bounds;
    in the order of the family's `shares` or `bounds`.
    """

    labels: tuple[str, ...]
    parts: tuple[float, ...]
    sum: float
    count: int


@dataclass(frozen=True, slots=True)
class FamilyValues:
    """A family with all its series at one moment."""

    family: Family
    series: tuple[Point | Spread, ...]

    @property
    def size(self) -> int:
        """How many series these are for Prometheus."""
        return len(self.series) * self.family.series_each


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """All values of a run at one moment.

    Args:
        run_id: which run.
        unix_s: when.
        constants: labels and values that every series has besides.
        shard: families of which each shard has a part.
        run: families of the run as a whole.
        operations: what only OpenTelemetry has a name for; not among `families`.
    """

    run_id: str
    unix_s: float
    constants: tuple[tuple[str, str], ...]
    shard: tuple[FamilyValues, ...]
    run: tuple[FamilyValues, ...]
    operations: tuple[FamilyValues, ...] = ()

    @property
    def families(self) -> tuple[FamilyValues, ...]:
        """All of them."""
        return self.run + self.shard

    @property
    def size(self) -> int:
        """How many series these are for Prometheus."""
        return sum(values.size for values in self.families)
