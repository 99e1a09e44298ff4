from __future__ import annotations

from dataclasses import replace
from typing import Any

from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.behaviour.questions import TEMPLATE, QuestionWalk
from raysim.core.plan.estimate import estimate
from raysim.core.plan.question_supply import supply_warnings
from tests.unit.core.plan.scenarios import plan_of, schedule_of


def warnings(*templates: object, strategies: tuple[str, ...] = ("template",), **spec: Any) -> dict[str, str]:
    """The warnings for ten users who think at least 2 s, for 100 s: each asks at most 51 times."""
    behaviour = {
        "questionStrategies": [{"name": name} for name in strategies],
        "thinkTimeSeconds": {"base": 2.0},
        **spec.pop("userBehavior", {}),
    }
    plan = plan_of(
        users={"perOrg": {"min": 10, "max": 10}},
        userBehavior=behaviour,
        advanced={"questionTemplates": list(templates)},
        **spec,
    )
    plan = replace(plan, schedule=schedule_of(10, (100.0, 10, "at_once")))
    return {problem.path: problem.message for problem in supply_warnings(plan)}


def test_a_template_that_is_too_small_is_said_with_the_numbers() -> None:
    found = warnings("Ticket {100..199}?")
    assert list(found) == ["spec.advanced.questionTemplates[0]"]
    assert "makes 100 questions, and 10 users may ask it up to 510 times" in "".join(found.values())


def test_a_template_that_is_large_enough_is_fine() -> None:
    assert warnings("Ticket {100..609}?") == {}
    assert list(warnings("Ticket {100..608}?")) != []


def test_each_template_is_measured_by_its_share() -> None:
    small = {"text": "Ticket {1..100}?", "weight": 1}
    large = {"text": "Order {1..1000}?", "weight": 5}
    assert warnings(small, large) == {}
    assert list(warnings({**small, "weight": 5}, {**large, "weight": 1})) == ["spec.advanced.questionTemplates[0]"]
    assert warnings("Ticket {1..260}?", strategies=("template", "mixed")) == {}


def test_a_limit_on_requests_counts() -> None:
    assert warnings("Ticket {1..50}?", limits={"maxRequestsPerUser": 5}) == {}


def test_without_a_bound_the_warning_says_so() -> None:
    endless = {"thinkTimeSeconds": {"base": 0.0}}
    found = warnings("Ticket {1..5000}?", userBehavior=endless)
    assert "sets no bound" in "".join(found.values())
    assert "after 500 of them" in "".join(found.values())
    assert warnings("Ticket {1..50}?", userBehavior=endless, limits={"maxRequestsPerUser": 5}) == {}


def test_requests_that_arrive_by_the_clock_are_shared_out() -> None:
    arrivals = {"mode": "constant", "requestsPerSecond": 4}
    pattern = {"arrivals": arrivals, "phases": [{"name": "a", "duration": "100s", "targetActiveUsers": 10}]}
    plan = plan_of(
        users={"perOrg": {"min": 10, "max": 10}},
        userBehavior={"questionStrategies": [{"name": "template"}]},
        advanced={"questionTemplates": ["Ticket {1..400}?", "Order {1..300}?"]},
        loadPattern=pattern,
    )
    assert list(supply_warnings(plan)) == []
    (only,) = supply_warnings(replace(plan, behaviour=replace(plan.behaviour, templates=plan.behaviour.templates[:1])))
    assert "may ask it up to 500 times" in only.message


def test_own_templates_that_nobody_asks_are_no_matter() -> None:
    assert warnings("Ticket {1..5}?", strategies=("mixed",)) == {}


def test_what_is_enough_by_the_warning_never_repeats() -> None:
    template = CustomTemplate("Ticket {100..609}?")
    texts = []
    for user in range(10):
        walk = QuestionWalk(3, user, 10, templates=(template,))
        texts += [walk.next(TEMPLATE, follow_up=False)[0] for _ in range(51)]
    assert len(texts) == len(set(texts)) == 510


def test_a_long_template_makes_requests_dearer() -> None:
    def longest(text: str) -> int:
        behaviour = {"questionStrategies": [{"name": "template"}], "conversation": {"multiTurnProbability": 0}}
        return estimate(plan_of(userBehavior=behaviour, advanced={"questionTemplates": [text]})).longest_prompt_tokens

    assert longest("word " * 1_000 + "{1..9}") >= 1_250 > 4 * longest("{1..9}")
