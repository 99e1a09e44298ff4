"""How users behave, in the form that travels to the actors that play them."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.behaviour.distributions import Distribution


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What every user of a run has in common. Durations in seconds, lengths in tokens.

    `strategies` pairs each question strategy with its weight. `temperature` None leaves it to the platform.
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
