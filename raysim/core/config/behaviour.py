"""`spec.userBehavior`: what every simulated user does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field

from raysim.core.behaviour.prompts import PromptPlan
from raysim.core.config.base import (
    Count,
    Duration,
    Flag,
    Name,
    NonNegative,
    Part,
    PositiveDuration,
    Ratio,
    Whole,
    weight_problem,
)
from raysim.core.config.quantities import (
    DistributionSpec,
    DurationRangeSpec,
    RangeSpec,
    TemperatureSpec,
    ThinkTimeSpec,
    TokensSpec,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: less than this is no text, and a prefix cache would not notice
_LEAST_PREFIX = 32
#: the set of repeated prompts is kept in every actor's memory
_MOST_REPEATED = 1000

Strategy = Literal["historical", "mathematical", "geographical", "hypothetical", "technical", "mixed", "template"]


class QuestionStrategySpec(Part):
    """A way of making up questions, and how often it is used."""

    name: Strategy = Field(description="which strategy; mixed draws from all the built-in ones")
    weight: NonNegative = Field(1.0, description="relative share of questions, without a unit")


class ModelPreferenceSpec(Part):
    """A model, and how many users prefer it."""

    model: Name = Field(description="the model's name as the platform's router knows it")
    weight: NonNegative = Field(1.0, description="relative share of users, without a unit")


_Weighted = TypeVar("_Weighted", QuestionStrategySpec, ModelPreferenceSpec)


def _some_weight(items: tuple[_Weighted, ...]) -> tuple[_Weighted, ...]:
    if message := weight_problem(tuple(item.weight for item in items)):
        raise ValueError(message)
    return items


class TurnsSpec(RangeSpec):
    """Questions in a conversation that has more than one."""

    floor: ClassVar[int] = 2


class ConversationSpec(Part):
    """Whether users ask on, and how much of the conversation they send along."""

    multi_turn_probability: Ratio = Field(
        0.3, description="probability (0 to 1) that a conversation has more than one question; some do, most do not"
    )
    turns: TurnsSpec = Field(
        default_factory=lambda: TurnsSpec(min=2, max=5),
        description="questions in a conversation that has more than one",
    )
    context_limit_tokens: Count = Field(
        4000,
        description="most tokens of prompt and answer together, kept by dropping the oldest turns; fits small models",
    )


class PromptTokensSpec(DistributionSpec):
    """How long prompts are, and what they share. Without an interval they are as long as the question is."""

    floor: ClassVar[float] = 1.0
    whole: ClassVar[bool] = True

    shared_prefix_tokens: Whole = Field(
        0, description="tokens at the start of every prompt that all users of the run share; 0 for none"
    )
    cache: Literal["unique", "repeat", "prefix"] = Field(
        "unique",
        description="what else a cache can find: nothing (unique), whole prompts again (repeat), or the context before "
        "the question (prefix); unique, so that the platform's real work is measured",
    )
    prefix_scope: Literal["all", "org", "user"] = Field(
        "all", description="who shares the context with cache prefix: the run, each organisation, or each user alone"
    )
    repeat_questions: Annotated[Count, Field(le=_MOST_REPEATED)] = Field(
        20, description="how many prompts there are with cache repeat, and as many follow-ups; all users ask the same"
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """As for any distribution, but none need be given; and what is to be shared has to be there."""
        if self.given:
            yield from super().problems()
        elif self.cache == "prefix":
            message = (
                "prefix shares the context before the question, but prompts are to be no longer than that; "
                "give base, or min and max (for a shared start alone sharedPrefixTokens is enough)"
            )
            yield "cache", message
        if 0 < self.shared_prefix_tokens < _LEAST_PREFIX:
            yield "sharedPrefixTokens", f"found {self.shared_prefix_tokens}; expected 0 or at least {_LEAST_PREFIX}"

    def to_plan(self) -> PromptPlan:
        """The form that travels to the actors."""
        return PromptPlan(
            target=self.to_distribution() if self.given else None,
            shared_prefix_tokens=self.shared_prefix_tokens,
            cache=self.cache,
            prefix_scope=self.prefix_scope,
            repeat_questions=self.repeat_questions,
        )


class CircuitBreakerSpec(Part):
    """When a user stops asking a target that keeps failing: requests due meanwhile end unsent in `circuit_open`."""

    failures: Count = Field(5, description="failed attempts in a row that open the circuit; refusals do not count")
    open_for: PositiveDuration = Field(
        30.0, description="how long it stays open, in seconds once read; then one request is the probe"
    )


class ErrorHandlingSpec(Part):
    """What a user does about a failed request."""

    retry_attempts: Whole = Field(
        0, description="times a failed request is sent again; 0, because a retry hides what is being measured"
    )
    retry_backoff: Duration = Field(
        1.0,
        description="longest pause before the first retry, in seconds once read; doubled for each further one, "
        "the pause itself is random between 0 and that",
    )
    honour_retry_after: Flag = Field(
        default=False,
        description="whether a `Retry-After` of up to a minute replaces the pause (a longer one ends the retries); "
        "off, as retries are",
    )
    circuit_breaker: CircuitBreakerSpec | None = Field(None, description="stop asking after failures; off by default")


class UserBehaviorSpec(Part):
    """How users think, ask and converse; the same for all of them, drawn anew for each."""

    questions_per_session: RangeSpec = Field(
        default_factory=lambda: RangeSpec(min=3, max=8),
        description="questions a user asks before its session ends and the next begins",
    )
    think_time_seconds: ThinkTimeSpec = Field(
        default_factory=lambda: ThinkTimeSpec(base=3.0, variance=2.0),
        description="pause between an answer and the next question, in seconds (plain numbers)",
    )
    question_strategies: Annotated[tuple[QuestionStrategySpec, ...], AfterValidator(_some_weight)] = Field(
        default_factory=lambda: (QuestionStrategySpec(name="mixed"),),
        min_length=1,
        description="how questions are made up; all kinds mixed by default",
    )
    session_duration: DurationRangeSpec | None = Field(
        None, description="longest session, in seconds once read; unlimited by default, questionsPerSession ends it"
    )
    model_preferences: Annotated[tuple[ModelPreferenceSpec, ...], AfterValidator(_some_weight)] = Field(
        default_factory=lambda: (ModelPreferenceSpec(model="gpt-4o-mini"),),
        min_length=1,
        description="which models users ask for; a cheap one by default",
    )
    max_tokens_per_request: TokensSpec = Field(
        default_factory=lambda: TokensSpec(base=256.0),
        description="generation limit of each request, in tokens; a paragraph, which bounds what a request can cost",
    )
    temperature: TemperatureSpec | None = Field(
        None, description="sampling temperature of each request, 0 to 2; left to the platform by default"
    )
    conversation: ConversationSpec = Field(
        default_factory=ConversationSpec, description="whether users ask on within one conversation"
    )
    prompt_tokens: PromptTokensSpec = Field(
        default_factory=PromptTokensSpec,
        description="target length of whole prompts, in tokens, reached with context before the question; by default "
        "they are as long as the question is",
    )
    error_handling: ErrorHandlingSpec = Field(
        default_factory=ErrorHandlingSpec, description="what a user does about a failed request"
    )
