"""`spec.advanced`: for those who look into raysim itself, and for chaos."""

from __future__ import annotations

from pydantic import Field

from raysim.core.config.base import Flag, NonNegative, Part, Ratio, Whole
from raysim.core.config.question_templates import QuestionTemplateSpec


class NetworkLatencySpec(Part):
    """Delay added on the client's side, in milliseconds."""

    base: NonNegative = Field(0.0, description="delay of every request, in ms")
    variance: NonNegative = Field(0.0, description="by how much it varies, in ms")


class ChaosSpec(Part):
    """Faults made on the client's side; labelled, never counted against the platform."""

    failure_rate: Ratio = Field(0.0, description="share of requests (0 to 1) that are made to fail")
    network_latency: NetworkLatencySpec | None = Field(None, description="delay that is added; none by default")


class AdvancedSpec(Part):
    """Reproducibility, diagnosis and chaos."""

    debug: Flag = Field(default=False, description="whether logs are detailed; off, as they are large")
    dry_run: Flag = Field(default=False, description="whether the run ends before anything is created")
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
