"""A condition on a figure of the run, as people write it: `ttft_p95 < 800ms`."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass

from raysim.core.goals.figure import Figure, Unit, figure_of
from raysim.core.units import parse_duration

EXAMPLE = "ttft_p95 < 800ms"

_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_EXPRESSION = re.compile(r"\s*([A-Za-z][\w.\-]*)\s*([<>=!]+)\s*(.*?)\s*", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")


@dataclass(frozen=True, slots=True)
class Condition:
    """`figure` compared with `limit`, which is in the figure's unit (seconds, a share from 0 to 1, USD)."""

    figure: Figure
    comparison: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether it holds for `value`, in the figure's unit; what differs by rounding alone is equal."""
        return bool(_COMPARE[self.comparison](_rounded(value), _rounded(self.limit)))


def parse_condition(text: str) -> Condition:
    """The condition that `text` states: a figure, `<`, `<=`, `>` or `>=`, and a value with the figure's unit.

    Raises:
        ValueError: it states none; the message says what was found and what would be valid.
    """
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        raise ValueError(f"found {text!r}; expected a figure, a comparison and a value, such as {EXAMPLE}")
    name, comparison, value = match.groups()
    figure = figure_of(name)
    if comparison not in _COMPARE:
        raise ValueError(f"found {comparison!r} in {text!r}; compare with <, <=, > or >=, as in {EXAMPLE}")
    try:
        limit = _VALUES[figure.unit](value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if comparison == "<" and limit == 0:
        raise ValueError(f"found {text!r}, which can never hold: {name} is not negative; write {name} <= {value}")
    if figure.unit is Unit.SHARE and comparison == ">" and limit == 1:
        raise ValueError(f"found {text!r}, which can never hold: {name} is at most 100%; write {name} >= {value}")
    return Condition(figure, comparison, limit)


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")


def _seconds(text: str) -> float:
    if not text:
        raise ValueError("the value is missing; expected a duration such as 800ms")
    if _NUMBER.fullmatch(text) and float(text):
        raise ValueError(f"found {text!r} without a unit; write {text}ms for milliseconds or {text}s for seconds")
    return parse_duration(text)


def _share(text: str) -> float:
    number, percent = (text[:-1].rstrip(), True) if text.endswith("%") else (text, False)
    value = _number(number, text, "a share such as 1% or 0.01") / (100 if percent else 1)
    if value > 1:
        advice = f"; write {number}% for percent" if not percent and value <= 100 else ""  # noqa: PLR2004 - percent
        raise ValueError(f"found {text!r}; a share is at most 100%, which is 1{advice}")
    return value


def _usd(text: str) -> float:
    return _number(text.removeprefix("$").lstrip(), text, "an amount in USD such as 5 or $5")


def _rate(text: str) -> float:
    return _number(re.sub(r"\s*/s$", "", text), text, "a number per second such as 40")


def _count(text: str) -> float:
    return _number(text, text, "a number such as 1000")


def _number(number: str, found: str, expected: str) -> float:
    if not _NUMBER.fullmatch(number):
        raise ValueError(
            f"found {found!r}; expected {expected}" if found else f"the value is missing; expected {expected}"
        )
    return float(number)


_VALUES = {
    Unit.SECONDS: _seconds,
    Unit.PER_SECOND: _rate,
    Unit.SHARE: _share,
    Unit.USD: _usd,
    Unit.COUNT: _count,
}
