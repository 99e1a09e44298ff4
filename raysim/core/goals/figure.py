"""The figures of a run that a threshold can name, and where each stands among the figures of a group of requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

Path = tuple[str, ...]


class Unit(StrEnum):
    """What a figure is counted in."""

    SECONDS = "s"
    PER_SECOND = "1/s"
    SHARE = "share"
    USD = "USD"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by its name in thresholds.

    `path` leads to it among the figures of a group (`raysim.report.figures`); `counted` to the numbers of requests, or
    of token gaps, whose sum it rests upon.
    """

    name: str
    path: Path
    unit: Unit
    counted: tuple[Path, ...]

    def value_in(self, figures: Mapping[str, Any]) -> float | None:
        """Its value; None when there was nothing to measure."""
        found = _at(figures, self.path)
        return None if found is None or not self.samples_in(figures) else float(found)

    def samples_in(self, figures: Mapping[str, Any]) -> int:
        """How many requests (of `itl`: token gaps) it rests upon."""
        return sum(int(_at(figures, path) or 0) for path in self.counted)


#: statistics of a time or a rate of single requests
STATISTICS = ("mean", "p50", "p75", "p90", "p95", "p99", "min", "max")
#: quantities that need one of them: `ttft_p95`
QUANTITIES = {
    "ttft": Unit.SECONDS,
    "itl": Unit.SECONDS,
    "tpot": Unit.SECONDS,
    "latency": Unit.SECONDS,
    "response_time": Unit.SECONDS,
    "queue": Unit.SECONDS,
    "held": Unit.SECONDS,
    "tps": Unit.PER_SECOND,
}

_TOTAL: tuple[Path, ...] = (("requests", "total"),)
_HEADLINE: tuple[Path, ...] = (("requests", "headline"),)
_DECIDED: tuple[Path, ...] = (("requests", "success"), ("requests", "error"))
_JUDGED: tuple[Path, ...] = (("goodput", "of"),)
_OTHERS = (
    Figure("error_rate", ("error_rate",), Unit.SHARE, _DECIDED),
    Figure("goodput", ("goodput", "requests"), Unit.SHARE, _JUDGED),
    Figure("goodput_tokens", ("goodput", "tokens"), Unit.SHARE, _JUDGED),
    Figure("goodput_per_s", ("goodput", "requests_per_s"), Unit.PER_SECOND, _JUDGED),
    Figure("requests_per_s", ("throughput", "requests_per_s"), Unit.PER_SECOND, _HEADLINE),
    Figure("output_tokens_per_s", ("throughput", "output_tokens_per_s"), Unit.PER_SECOND, _HEADLINE),
    Figure("requests", ("requests", "total"), Unit.COUNT, _TOTAL),
    Figure("errors", ("requests", "error"), Unit.COUNT, _TOTAL),
    Figure("refused", ("requests", "refused"), Unit.COUNT, _TOTAL),
    Figure("prompt_tokens", ("tokens", "prompt"), Unit.COUNT, _TOTAL),
    Figure("completion_tokens", ("tokens", "completion"), Unit.COUNT, _TOTAL),
    Figure("cost_usd", ("cost", "usd"), Unit.USD, _TOTAL),
    Figure("usd_per_million_tokens", ("cost", "usd_per_million_tokens"), Unit.USD, _TOTAL),
)
FIGURES = {
    figure.name: figure
    for figure in (
        *(
            Figure(f"{name}_{statistic}", (name, statistic), unit, ((name, "count"),))
            for name, unit in QUANTITIES.items()
            for statistic in STATISTICS
        ),
        *_OTHERS,
    )
}


def figure_of(name: str) -> Figure:
    """The figure called `name`.

    Raises:
        ValueError: there is none; the message says which was probably meant.
    """
    if name in FIGURES:
        return FIGURES[name]
    if name in QUANTITIES:
        raise ValueError(f"{name} needs a statistic, one of {', '.join(STATISTICS)}, as in {name}_p95")
    close = get_close_matches(name.lower().replace(".", "_").replace("-", "_"), FIGURES, n=1, cutoff=0.7)
    hint = (
        f"did you mean {close[0]}?"
        if close
        else f"known are {', '.join(QUANTITIES)} with a statistic, and "
        + (", ".join(figure.name for figure in _OTHERS))
    )
    raise ValueError(f"{name!r} is no known figure; {hint}")


def _at(figures: Mapping[str, Any], path: Path) -> Any:
    value: Any = figures
    for key in path:
        value = None if value is None else value.get(key)
    return value
