"""How users behave, in the form that travels to the actors that play them."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.behaviour.chaos import ChaosPlan
from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.behaviour.distributions import Distribution
from raysim.core.behaviour.endpoint import CHAT, EndpointPlan
from raysim.core.behaviour.prompts import PLAIN, PromptPlan
from raysim.core.control.circuit import CircuitPolicy
from raysim.core.control.retry import NO_RETRY, RetryPolicy


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What every user of a run has in common. Durations in seconds, lengths in tokens.

    `strategies` pairs each question strategy with its weight; `templates` are the questions of strategy
    `template`. `temperature` None leaves it to the platform.
    `endpoints` is the mix that users call; `circuit` None lets them go on asking a platform that keeps failing.
    `chaos` None harms nothing.
    """

    think_s: Distribution
    questions_per_session: Distribution
    session_duration_s: Distribution | None
    multi_turn_probability: float
    turns: Distribution
    context_limit_tokens: int
    strategies: tuple[tuple[str, float], ...]
    max_tokens: Distribution
    temperature: Distribution | None
    system_prompt: str
    streaming: bool
    endpoints: tuple[EndpointPlan, ...] = (CHAT,)
    retry: RetryPolicy = NO_RETRY
    circuit: CircuitPolicy | None = None
    prompts: PromptPlan = PLAIN
    templates: tuple[CustomTemplate, ...] = ()
    chaos: ChaosPlan | None = None
