"""What is to be said about how long prompts are, in view of the context and of the models."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from raysim.core.behaviour.conversation import estimate_tokens
from raysim.core.config.models import price_of
from raysim.core.config.paths import spell
from raysim.core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysim.core.config.scenario import Scenario

#: characters of an ordinary question
_QUESTION = "x" * 160
_BEHAVIOUR = ("spec", "userBehavior")
_PROMPTS = (*_BEHAVIOUR, "promptTokens")
_CONTEXT = spell((*_BEHAVIOUR, "conversation", "contextLimitTokens"))


def prompt_errors(scenario: Scenario) -> Iterator[Problem]:
    """Prompts that no context could hold."""
    behaviour = scenario.spec.user_behavior
    limit, alone = behaviour.conversation.context_limit_tokens, _alone(scenario)
    if alone >= limit:
        yield Problem(
            _CONTEXT, f"found {limit}, but a question with what goes before it (system prompt, shared prefix) has "
            f"about {alone} tokens and leaves no room for an answer; raise it"
        )  # fmt: skip
        return
    if not behaviour.prompt_tokens.given:
        return
    longest, answer = _longest(scenario)
    if longest + answer > limit:
        yield Problem(
            spell(_PROMPTS),
            f"prompts of up to {longest} tokens and answers of up to {answer} do not fit "
            f"conversation.contextLimitTokens ({limit}); raise that to at least {longest + answer}",
        )


def prompt_warnings(scenario: Scenario) -> Iterator[Problem]:
    """Lengths that will not come out as they are written, and models that cannot take them."""
    spec = scenario.spec
    prompts, limit = spec.user_behavior.prompt_tokens, spec.user_behavior.conversation.context_limit_tokens
    alone, (longest, answer) = _alone(scenario), _longest(scenario)
    if prompts.given and prompts.interval()[0] < alone:
        yield Problem(
            spell(_PROMPTS),
            f"a question with what goes before it has about {alone} tokens: shorter targets are not met",
        )
    if not prompts.given and alone + answer > limit > alone:
        yield Problem(
            spell((*_BEHAVIOUR, "maxTokensPerRequest")),
            f"answers of up to {answer} tokens do not fit conversation.contextLimitTokens ({limit}): "
            f"they will be limited to about {limit - alone}",
        )
    usual = type(prompts)()
    for key, cache, set_ in (
        ("repeatQuestions", "repeat", prompts.repeat_questions != usual.repeat_questions),
        ("prefixScope", "prefix", prompts.prefix_scope != usual.prefix_scope),
    ):
        if set_ and prompts.cache != cache:
            yield Problem(spell((*_PROMPTS, key)), f"has an effect only with cache: {cache}")
    most = limit if spec.user_behavior.conversation.multi_turn_probability > 0 else longest + answer
    for model in dict.fromkeys(preference.model for preference in spec.user_behavior.model_preferences):
        price = price_of(model, spec.models)
        if price is not None and price.context_window is not None and most > price.context_window:
            yield Problem(
                _CONTEXT,
                f"prompt and answer may have up to {most} tokens, but {model} takes {price.context_window}: "
                "longer requests will be refused by the platform",
            )


def _alone(scenario: Scenario) -> int:
    """About how many tokens an ordinary question has with what goes before it."""
    system = scenario.spec.targets.system_prompt
    shared = scenario.spec.user_behavior.prompt_tokens.shared_prefix_tokens
    return estimate_tokens(_QUESTION) + shared + (estimate_tokens(system) if system else 0)


def _longest(scenario: Scenario) -> tuple[int, int]:
    """Tokens of the longest prompt that is aimed at (or of a question alone), and of the longest answer."""
    behaviour = scenario.spec.user_behavior
    alone, prompts = _alone(scenario), behaviour.prompt_tokens
    answer = math.floor(behaviour.max_tokens_per_request.interval()[1])
    return max(alone, math.floor(prompts.interval()[1])) if prompts.given else alone, answer
