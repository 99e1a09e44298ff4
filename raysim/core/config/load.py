"""`spec.loadPattern`: how many users are active when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from raysim.core.config.base import Count, Flag, Name, Part, Positive, PositiveDuration, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator

PhaseKind = Literal["warmup", "ramp", "sustained", "spike", "cooldown"]
RampStrategy = Literal["linear", "exponential", "step"]
PatternType = Literal["ramp-up", "steady", "spike", "wave", "custom"]
EffectiveRamp = Literal["linear", "exponential", "step", "at_once", "wave"]

#: a phase without a kind is of the first kind whose word its name contains, else sustained
_KIND_WORDS: tuple[tuple[str, PhaseKind], ...] = (
    ("warm", "warmup"),
    ("cool", "cooldown"),
    ("ramp", "ramp"),
    ("spike", "spike"),
)


class ArrivalsSpec(Part):
    """Whether requests wait for users (closed) or arrive by themselves."""

    mode: Literal["closed", "constant", "poisson"] = Field(
        "closed", description="closed: a user asks when it has thought; else requests start at a rate, come what may"
    )
    requests_per_second: Positive | None = Field(
        None, description="rate of arrivals over all active users, in 1/s; not with mode closed"
    )
    max_in_flight: Count = Field(
        16,
        description="requests that one user may have under way in an open loop; what arrives beyond is sent late: "
        "enough for a rate of 4/s and answers of 4 s",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """A rate without a mode that has one, or the reverse."""
        if self.mode == "closed" and self.requests_per_second is not None:
            yield "requestsPerSecond", "has no effect with mode closed; set mode: constant or poisson"
        elif self.mode != "closed" and self.requests_per_second is None:
            yield "requestsPerSecond", f"is required with mode {self.mode}"


class PhaseSpec(Part):
    """One phase of the pattern. It starts from the previous phase's target, 0 at first."""

    name: Name = Field(description="name of the phase in metrics and reports")
    duration: PositiveDuration = Field(description="length of the phase, in seconds once read")
    target_active_users: Whole | None = Field(
        None, description="users that are active once the phase has ramped; all there are by default"
    )
    ramp_strategy: RampStrategy | None = Field(
        None,
        description="how the target is reached; by default linear in ramp-up, a wave in wave, at once in the others",
    )
    kind: PhaseKind | None = Field(
        None,
        description="what the phase is for; by default taken from its name (warm…, cool…, ramp…, spike…), "
        "else sustained",
    )
    steps: Count = Field(5, description="steps of rampStrategy step; five are visible in a graph")
    period: PositiveDuration | None = Field(
        None, description="length of one wave, in seconds once read; the whole phase by default"
    )
    exclude_from_results: Flag | None = Field(
        None, description="whether requests stay out of the headline; by default those of warm-up and cool-down do"
    )
    arrivals: ArrivalsSpec | None = Field(
        None, description="how requests arrive in this phase; by default as in the whole pattern"
    )

    @property
    def effective_kind(self) -> PhaseKind:
        """The kind given, else the one its name suggests."""
        if self.kind is not None:
            return self.kind
        name = self.name.lower()
        return next((kind for word, kind in _KIND_WORDS if word in name), "sustained")

    @property
    def excluded(self) -> bool:
        """Whether requests due in this phase stay out of the headline figures."""
        if self.exclude_from_results is not None:
            return self.exclude_from_results
        return self.effective_kind in ("warmup", "cooldown")


class LoadPatternSpec(Part):
    """The phases of a run, back to back."""

    type: PatternType = Field(
        "steady", description="how phases without a rampStrategy reach their target; steady does so at once"
    )
    phases: tuple[PhaseSpec, ...] = Field(
        default_factory=lambda: (PhaseSpec(name="sustained", duration=60.0),),
        min_length=1,
        description="the phases in their order; by default one minute with all users",
    )
    arrivals: ArrivalsSpec = Field(default_factory=ArrivalsSpec, description="how requests arrive")

    def ramp_of(self, phase: PhaseSpec) -> EffectiveRamp:
        """How `phase` reaches its target in this pattern."""
        if phase.ramp_strategy is not None:
            return phase.ramp_strategy
        if self.type == "ramp-up":
            return "linear"
        return "wave" if self.type == "wave" else "at_once"

    @property
    def total_duration(self) -> float:
        """Length of all phases together, in seconds."""
        return sum(phase.duration for phase in self.phases)
