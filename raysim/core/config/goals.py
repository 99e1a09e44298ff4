"""`spec.thresholds` and `spec.slo`: what makes a run a failure, and a request a good one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from raysim.core.config.base import Duration, Part, PositiveDuration
from raysim.core.goals.condition import EXAMPLE, parse_condition
from raysim.core.goals.slo import Slo
from raysim.core.goals.threshold import Scope, Threshold
from raysim.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator


class SloSpec(Part):
    """When a request is a good one: it succeeds, and its times are at most these. Goodput counts the good ones."""

    ttft: PositiveDuration | None = Field(
        None, description="longest time to the first token, of streamed answers, in seconds once read; none by default"
    )
    tpot: PositiveDuration | None = Field(
        None,
        description="longest time for each further token, of streamed answers, in seconds once read; none by default",
    )
    latency: PositiveDuration | None = Field(
        None, description="longest time to the answer's end, in seconds once read; none by default"
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """No condition at all."""
        if self.to_slo().conditions() == {}:
            yield "", "is empty; give at least one of ttft, tpot and latency"

    def to_slo(self) -> Slo:
        """The same as the plan holds it."""
        return Slo(self.ttft, self.tpot, self.latency)


def _checked(text: str) -> str:
    parse_condition(text)
    return text


class ThresholdSpec(Part):
    """A condition that must hold at the end, such as `ttft_p95 < 800ms`."""

    expression: Annotated[str, AfterValidator(_checked)] = Field(
        min_length=1, description=f"figure, comparison and value, such as `{EXAMPLE}`; see thresholds.md"
    )
    model: str | None = Field(None, description="only requests to this model; all by default")
    org: str | None = Field(None, description="only requests of this organisation; all by default")
    phase: str | None = Field(
        None, description="only requests due in this phase, also in one that is excluded from results; all by default"
    )
    backend: str | None = Field(
        None, description="only requests that this backend served, as the platform's headers name it; all by default"
    )
    from_: Duration | None = Field(
        None,
        alias="from",
        description="only requests due from then on, in seconds after the run's second 0 once read; all by default",
    )
    to: PositiveDuration | None = Field(
        None, description="only requests due before then, in seconds after the run's second 0 once read; all by default"
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """A window that ends before it begins."""
        if self.to is not None and self.from_ is not None and self.from_ >= self.to:
            yield "from", f"found {format_duration(self.from_)}, which is not before to ({format_duration(self.to)})"

    def to_threshold(self) -> Threshold:
        """The same as the plan holds it."""
        scope = Scope(self.model, self.org, self.phase, self.backend, self.from_, self.to)
        return Threshold(" ".join(self.expression.split()), scope)


def _from_text(value: object) -> object:
    return {"expression": value} if isinstance(value, str) else value


#: a threshold is usually written as its expression alone
ThresholdEntry = Annotated[ThresholdSpec, BeforeValidator(_from_text, json_schema_input_type=str | ThresholdSpec)]
