"""`spec.advanced`: for those who look into raysim itself, and for chaos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from raysim.core.behaviour.chaos import ChaosPlan
from raysim.core.config.base import Flag, NonNegative, Part, Ratio, Whole
from raysim.core.config.question_templates import QuestionTemplateSpec

if TYPE_CHECKING:
    from collections.abc import Iterator


class NetworkLatencySpec(Part):
    """Delay added on the client's side, in milliseconds."""

    base: NonNegative = Field(0.0, description="delay of every request before it is sent, in ms")
    variance: NonNegative = Field(0.0, description="the delay is uniform on base ± this, in ms")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Delays that would end before they begin."""
        if self.variance > self.base:
            yield "variance", f"found {self.variance:g}; expected at most base, {self.base:g}"


class ChaosSpec(Part):
    """Faults made on the client's side; labelled, never counted against the platform."""

    failure_rate: Ratio = Field(0.0, description="share of requests (0 to 1) that are made to fail")
    network_latency: NetworkLatencySpec | None = Field(None, description="delay that is added; none by default")

    def to_plan(self) -> ChaosPlan:
        """What travels to the users."""
        latency = self.network_latency or NetworkLatencySpec()
        return ChaosPlan(self.failure_rate, latency.base, latency.variance)


class AdvancedSpec(Part):
    """Reproducibility, diagnosis and chaos."""

    debug: Flag = Field(default=False, description="whether logs are detailed; off, as they are large")
    dry_run: Flag = Field(
        default=False, description="whether `raysim run` only shows its plan and makes its checks, and creates nothing"
    )
    correlation_id: str | None = Field(
        None,
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="sent with every request as X-Correlation-ID, to join the run with other records; none by default",
    )
    question_templates: tuple[QuestionTemplateSpec, ...] = Field(
        (), description="your own questions, for the strategy template; an entry may be its text alone"
    )
    chaos: ChaosSpec | None = Field(None, description="faults made on the client's side; none by default")
    seed: Whole | None = Field(
        None, description="what all random draws start from; from the run id by default; give it to repeat a run"
    )
