"""Reads Prometheus' text format, of which only a few dozen of thousands of lines matter here."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass

_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"')
#: labels up to the brace that ends them, which may also stand inside of a value; then the number
_SERIES = re.compile(r'\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\}\s*(\S+)')
_ESCAPED = re.compile(r"\\(.)")
#: what a DCGM exporter writes for "blank" is near the largest 64-bit number; nothing measured comes near it
_ABSURD = 1e18


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the page."""

    labels: dict[str, str]
    value: float


def read_samples(text: str, wanted: Collection[str]) -> dict[str, list[Sample]]:
    """The samples of the `wanted` names; names that are not there are absent from the answer.

    Lines that are not in the format are passed over, as are values that are no number (NaN) or stand for none.
    """
    found: dict[str, list[Sample]] = {}
    for line in text.split("\n"):
        # most lines are buckets of histograms: look at the name before anything else
        name = line.partition(" ")[0].partition("{")[0]
        if name in wanted:
            sample = _sample(line, len(name))
            if sample is not None:
                found.setdefault(name, []).append(sample)
    return found


def _sample(line: str, name_ends: int) -> Sample | None:
    rest = line[name_ends:].lstrip()
    labels: dict[str, str] = {}
    if rest.startswith("{"):
        series = _SERIES.match(rest)
        if series is None:
            return None
        labels = {key: _unescaped(value) for key, value in _LABEL.findall(series[1])}
        number = series[2]
    else:
        number = rest.split(maxsplit=1)[0] if rest else ""
    try:
        value = float(number)
    except ValueError:
        return None
    return None if math.isnan(value) or abs(value) > _ABSURD else Sample(labels, value)


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda m: "\n" if m[1] == "n" else m[1], value) if "\\" in value else value
