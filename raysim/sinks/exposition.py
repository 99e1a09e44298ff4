"""Snapshots in Prometheus's text format, version 0.0.4.

Written by hand: nothing is faster in Python. Tests hold the text against prometheus_client's parser and against a real
Pushgateway.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from raysim.core.metrics.family import Family, Kind
from raysim.core.metrics.snapshot import FamilyValues, Point, Spread

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(families: Iterable[FamilyValues], constants: Sequence[tuple[str, str]] = ()) -> bytes:
    """All series of `families` as text; `constants` are labels that each of them carries besides."""
    ends = [_pair(name, value) for name, value in constants if value]
    return "".join(line for values in families for line in _lines(values, ends)).encode()


def _lines(values: FamilyValues, ends: list[str]) -> Iterator[str]:
    family = values.family
    yield f"# HELP {family.name} {_help(family)}\n# TYPE {family.name} {family.kind}\n"
    names = family.labels
    apart = _steps(family)
    for series in values.series:
        # an empty label is the same as none
        pairs = [_pair(name, value) for name, value in zip(names, series.labels, strict=True) if value]
        labels = ",".join(pairs + ends)
        if isinstance(series, Point):
            yield f"{family.name}{{{labels}}} {_number(series.value)}\n"
        else:
            yield _spread(family, series, labels, apart)


def _spread(family: Family, series: Spread, labels: str, apart: tuple[str, ...]) -> str:
    name, parts = family.name, series.parts
    if family.kind is Kind.HISTOGRAM:
        body = "".join(
            f"{name}_bucket{{{labels},{step}}} {_number(part)}\n"
            for step, part in zip(apart, (*parts, series.count), strict=True)
        )
    else:
        body = "".join(f"{name}{{{labels},{step}}} {_number(part)}\n" for step, part in zip(apart, parts, strict=True))
    return f"{body}{name}_sum{{{labels}}} {_number(series.sum)}\n{name}_count{{{labels}}} {series.count}\n"


def _steps(family: Family) -> tuple[str, ...]:
    """The label that tells the series of one summary or histogram apart."""
    name = "le" if family.kind is Kind.HISTOGRAM else "quantile"
    return tuple(_pair(name, step) for step in steps(family))


def steps(family: Family) -> tuple[str, ...]:
    """The values of `le` or `quantile` of one summary or histogram."""
    return tuple(map(_number, (*family.bounds, math.inf) if family.kind is Kind.HISTOGRAM else family.shares))


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN, in a third of the time that math.isnan takes
        return "NaN"
    if value in (math.inf, -math.inf):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _pair(name: str, value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        value = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{name}="{value}"'


def _help(family: Family) -> str:
    text = f"{family.help} ({family.unit})" if family.unit else family.help
    return text.replace("\\", r"\\").replace("\n", r"\n")
