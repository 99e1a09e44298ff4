from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.reading import examine
from tests.unit.core.config.documents import document

BEHAVIOUR = "spec.userBehavior"


def found(kind: str, **spec: Any) -> dict[str, str]:
    findings = examine(document(**spec))
    return {problem.path: problem.message for problem in getattr(findings, kind)}


@pytest.mark.parametrize(
    "prompts",
    [
        {"base": 1000, "variance": 500},
        {"min": 300, "max": 2000, "distribution": "gaussian", "cache": "prefix", "prefixScope": "org"},
        {"cache": "repeat", "repeatQuestions": 5},
        {"sharedPrefixTokens": 500},
        {"base": 1000, "sharedPrefixTokens": 200, "cache": "repeat"},
    ],
)
def test_what_can_be_done_is_accepted_without_a_word(prompts: dict[str, Any]) -> None:
    assert found("errors", userBehavior={"promptTokens": prompts}) == {}
    assert not any("promptTokens" in path for path in found("warnings", userBehavior={"promptTokens": prompts}))


@pytest.mark.parametrize(
    ("prompts", "path", "message"),
    [
        ({"base": 0}, "promptTokens.base", "1 is the least that makes sense"),
        ({"min": 9}, "promptTokens.max", "is required beside min"),
        ({"cache": "prefix"}, "promptTokens.cache", "give base, or min and max"),
        ({"sharedPrefixTokens": 9}, "promptTokens.sharedPrefixTokens", "expected 0 or at least 32"),
        ({"repeatQuestions": 0}, "promptTokens.repeatQuestions", "at least 1"),
        ({"repeatQuestions": 5000}, "promptTokens.repeatQuestions", "at most 1000"),
        ({"base": 100, "cache": "some"}, "promptTokens.cache", "unique"),
        # 4000 is the default context, 256 the default answer
        ({"base": 4000}, "promptTokens", "raise that to at least 4256"),
        ({"base": 100, "sharedPrefixTokens": 5000}, "conversation.contextLimitTokens", "no room for an answer"),
    ],
)
def test_what_cannot_be_done_is_refused(prompts: dict[str, Any], path: str, message: str) -> None:
    errors = found("errors", userBehavior={"promptTokens": prompts})
    assert list(errors) == [f"{BEHAVIOUR}.{path}"]
    assert message in errors[f"{BEHAVIOUR}.{path}"]


def test_a_system_prompt_that_fills_the_context_is_refused() -> None:
    behaviour = {"conversation": {"contextLimitTokens": 200}, "maxTokensPerRequest": {"base": 50}}
    assert found("errors", userBehavior=behaviour, targets={"systemPrompt": "x" * 800}) == {
        f"{BEHAVIOUR}.conversation.contextLimitTokens": "found 200, but a question with what goes before it (system "
        "prompt, shared prefix) has about 248 tokens and leaves no room for an answer; raise it"
    }


@pytest.mark.parametrize(
    ("behaviour", "path", "message"),
    [
        ({"promptTokens": {"base": 20}}, "promptTokens", "shorter targets are not met"),
        (
            {"promptTokens": {"base": 900, "sharedPrefixTokens": 1200}},
            "promptTokens",
            "has about 1244 tokens: shorter targets are not met",
        ),
        ({"maxTokensPerRequest": {"base": 4000}}, "maxTokensPerRequest", "they will be limited to about 3956"),
        (
            {"promptTokens": {"base": 100, "repeatQuestions": 5}},
            "promptTokens.repeatQuestions",
            "has an effect only with cache: repeat",
        ),
        (
            {"promptTokens": {"base": 100, "prefixScope": "org"}},
            "promptTokens.prefixScope",
            "has an effect only with cache: prefix",
        ),
        (
            {"conversation": {"contextLimitTokens": 9000}, "modelPreferences": [{"model": "gpt-4"}]},
            "conversation.contextLimitTokens",
            "gpt-4 takes 8192",
        ),
        (
            {
                "conversation": {"contextLimitTokens": 9000, "multiTurnProbability": 0},
                "promptTokens": {"base": 8000},
                "modelPreferences": [{"model": "gpt-4"}],
            },
            "conversation.contextLimitTokens",
            "may have up to 8256 tokens",
        ),
    ],
)
def test_what_will_not_come_out_as_written_is_said(behaviour: dict[str, Any], path: str, message: str) -> None:
    assert found("errors", userBehavior=behaviour) == {}
    warnings = {
        path: text for path, text in found("warnings", userBehavior=behaviour).items() if "userBehavior" in path
    }
    assert list(warnings) == [f"{BEHAVIOUR}.{path}"]
    assert message in warnings[f"{BEHAVIOUR}.{path}"]


def test_a_context_beyond_the_model_matters_only_to_those_who_use_it() -> None:
    behaviour = {
        "conversation": {"contextLimitTokens": 9000, "multiTurnProbability": 0},
        "modelPreferences": [{"model": "gpt-4"}],
    }
    assert not any("userBehavior" in path for path in found("warnings", userBehavior=behaviour))


def test_a_lognormal_that_never_comes_to_its_bounds_is_refused() -> None:
    think = {"base": 3, "variance": 0.1, "distribution": "lognormal", "min": 20, "max": 30}
    errors = found("errors", userBehavior={"thinkTimeSeconds": think})
    assert "never comes to [20, 30]" in errors[f"{BEHAVIOUR}.thinkTimeSeconds.base"]
    wide = think | {"variance": 3}
    assert found("errors", userBehavior={"thinkTimeSeconds": wide}) == {}


def test_outer_bounds_cut_a_distribution_and_leave_its_shape() -> None:
    think = {"base": 3, "variance": 2, "distribution": "gaussian", "min": 2.5, "max": 60}
    findings = examine(document(userBehavior={"thinkTimeSeconds": think}))
    assert findings.scenario is not None
    distribution = findings.scenario.spec.user_behavior.think_time_seconds.to_distribution()
    assert (distribution.low, distribution.high) == (2.5, 5.0)
    # N(3, 1) between 2.5 and 5
    assert distribution.mean() == pytest.approx(3.4457, abs=1e-4)
