"""A chart as the page's script draws it: series of points with their meaning, no word of colours or of the library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Draw = Literal["line", "steps", "area", "bars", "points", "band"]
#: figures beyond this many digits cannot be seen
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one kind.

    `tone` is a number of the palette or a name that the script knows (`p50`, `p95`, `p99`, `error`, `limit`, …). `low`
    is the lower edge of a `band`. `sizes` is how many values are behind each point, where that matters.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    tone: int | str = 0
    draw: Draw = "line"
    low: Sequence[float | None] = ()
    sizes: Sequence[int] = ()
    dashed: bool = False

    @property
    def marks(self) -> int:
        """How many points have a value."""
        return sum(value is not None for value in self.y)

    def document(self) -> dict[str, Any]:
        """As the script reads it."""
        said: dict[str, Any] = {
            "name": self.name,
            "x": rounded(self.x),
            "y": rounded(self.y),
            "tone": self.tone,
            "draw": self.draw,
            "dashed": self.dashed,
        }
        if self.low:
            said["low"] = rounded(self.low)
        if self.sizes:
            said["sizes"] = list(self.sizes)
        return said


@dataclass(frozen=True, slots=True)
class Mark:
    """A value that a line across the chart stands for, at `value` of the axis `axis`."""

    value: float
    name: str
    tone: int | str = "limit"
    axis: Literal["x", "y"] = "x"


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart. `over` says what its x axis is: `time` (seconds after second 0) is shaded by phases.

    `unit` is the y axis': `s`, `usd`, `share`, or a word that stands beside the title.
    """

    id: str
    title: str
    unit: str
    series: tuple[Series, ...]
    over: Literal["time", "seconds", "tokens", "names"] = "time"
    note: str = ""
    marks: tuple[Mark, ...] = field(default=())
    stacked: bool = False
    bar_width_s: float | None = None
    names: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(series.marks for series in self.series)

    def document(self) -> dict[str, Any]:
        """As the script reads it."""
        return {
            "id": self.id,
            "title": self.title,
            "unit": self.unit,
            "over": self.over,
            "series": [series.document() for series in self.series if series.marks],
            "marks": [{"value": m.value, "name": m.name, "tone": m.tone, "axis": m.axis} for m in self.marks],
            "stacked": self.stacked,
            "bar_width_s": self.bar_width_s,
            "names": list(self.names),
        }


def rounded(values: Iterable[float | None]) -> list[float | None]:
    """Values with as many digits as can be seen; what is not finite is absent."""
    return [None if value is None or not math.isfinite(value) else _short(value) for value in values]


def _short(value: float) -> float:
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() else short
