"""A threshold: a condition that must hold at the end, and the requests that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raysim.core.goals.condition import parse_condition


@dataclass(frozen=True, slots=True)
class Scope:
    """Which requests count: those of a model, organisation, phase, backend, or due between two moments.

    None means any. Moments in seconds after the run's second 0, the earlier one included.
    """

    model: str | None = None
    org: str | None = None
    phase: str | None = None
    backend: str | None = None
    from_s: float | None = None
    to_s: float | None = None

    @property
    def whole(self) -> bool:
        """Whether it is the whole run."""
        return self == Scope()

    @property
    def timed(self) -> bool:
        """Whether it says when: then requests of excluded phases count like others."""
        return self.phase is not None or self.from_s is not None or self.to_s is not None

    def __str__(self) -> str:
        named = [("model", self.model), ("org", self.org), ("phase", self.phase), ("backend", self.backend)]
        times = [("from", self.from_s), ("to", self.to_s)]
        texts = [f"{key} {value}" for key, value in named if value is not None]
        texts += [f"{key} {value:g}s" for key, value in times if value is not None]
        return ", ".join(texts)


@dataclass(frozen=True, slots=True)
class Threshold:
    """`expression` is a condition that `parse_condition` can read."""

    expression: str
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True)
class Judged:
    """A threshold at the end of a run. `value` and `limit` in `unit`; without a value there was nothing to measure.

    What was not measured does not hold: a test that saw nothing has shown nothing.
    """

    threshold: Threshold
    figure: str
    unit: str
    comparison: str
    limit: float
    value: float | None
    held: bool
    samples: int


def judge(threshold: Threshold, figures: Mapping[str, Any]) -> Judged:
    """Whether `threshold` holds for the `figures` of the requests in its scope. Raises ValueError: no condition."""
    condition = parse_condition(threshold.expression)
    figure = condition.figure
    value = figure.value_in(figures)
    return Judged(
        threshold=threshold,
        figure=figure.name,
        unit=str(figure.unit),
        comparison=condition.comparison,
        limit=condition.limit,
        value=value,
        held=value is not None and condition.holds(value),
        samples=figure.samples_in(figures),
    )
