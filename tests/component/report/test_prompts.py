from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from raysim.core.behaviour.distributions import Distribution
from raysim.core.behaviour.prompts import PromptPlan
from raysim.core.records.outcome import ErrorKind
from raysim.report.facts import RunFacts
from raysim.report.summary import summarise
from tests.component.report.sample_run import facts, failure, plan, record, rows
from tests.component.report.test_console import rendered

AIMED = PromptPlan(target=Distribution("uniform", 100.0, 1000.0), cache="prefix")


def run_with(prompts: PromptPlan) -> RunFacts:
    planned = plan()
    return facts(plan=replace(planned, behaviour=replace(planned.behaviour, prompts=prompts)))


def test_prompts_are_held_against_what_was_aimed_at() -> None:
    records = [
        record(0, prompt_target_tokens=1000, prompt_tokens=998),
        record(1, prompt_target_tokens=500, prompt_tokens=540),
        record(2, prompt_target_tokens=100, prompt_tokens=108),
        record(3, prompt_tokens=20),
        record(4, prompt_target_tokens=900, prompt_tokens=1, token_source="chunks"),
        failure(5, ErrorKind.HTTP_5XX, prompt_target_tokens=900),
    ]
    prompts: dict[str, Any] = summarise(rows(records), run_with(AIMED))["prompts"]
    assert prompts["cache"] == "prefix"
    assert (prompts["target"]["mean"], prompts["target"]["count"]) == (pytest.approx(1600 / 3), 3)
    assert prompts["counted"]["mean"] == pytest.approx(1646 / 3)
    assert prompts["ratio"] == pytest.approx(1646 / 1600)
    # one without a target was longer by itself
    assert prompts["longer"] == 1
    # 40 tokens are more than 5 % of 500, 8 are allowed to anyone
    assert prompts["met_share"] == pytest.approx(2 / 3)
    assert (prompts["cached_tokens"], prompts["cached_share"]) == (None, None)


def test_what_came_from_a_cache_is_a_share_of_the_prompts_that_say_so() -> None:
    records = [record(0, prompt_tokens=100, cached_tokens=80), record(1, prompt_tokens=100, cached_tokens=0), record(2)]
    prompts = summarise(rows(records), facts())["prompts"]
    assert (prompts["cached_tokens"], prompts["cached_share"]) == (80, 0.4)
    assert "40.0% of their tokens came from a cache" in rendered(records)


def test_questions_repeated_on_purpose_are_said_to_be() -> None:
    records = [record(i, question_hash=1 + i % 5) for i in range(40)]
    run = run_with(PromptPlan(cache="repeat", repeat_questions=5))
    summary = summarise(rows(records), run)
    assert summary["questions"] == {"asked": 40, "unique": 5, "uniqueness": 0.125, "repeated_on_purpose": True}
    assert any("repeated on purpose (cache: repeat, 5 of them" in note for note in summary["notes"])
    assert "40 asked, 5 different ones, repeated on purpose (cache: repeat)" in rendered(records, run)


def test_think_time_and_prompts_are_on_the_console() -> None:
    records = [record(i, prompt_target_tokens=1000, prompt_tokens=1001) for i in range(9)]
    text = rendered([*records, record(9)], run_with(AIMED))
    assert "1 more were longer by themselves" in " ".join(text.split())
    assert "mean 1,001 tokens, aimed at 1,000; 100% met their target" in text
    assert "mean 2.00 s, configured 2.00 s, timers 0 ms late (p99)" in text
    assert "prompts:" not in rendered([record(0)])
