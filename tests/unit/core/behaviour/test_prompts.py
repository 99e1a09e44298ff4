from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

import pytest

from raysim.core.behaviour.conversation import Conversation, TokenGauge, estimate_tokens
from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.behaviour.distributions import Distribution
from raysim.core.behaviour.prompts import PLAIN, PromptPlan, PromptWriter
from raysim.core.behaviour.questions import STRATEGIES
from raysim.core.rng import Stream

ALL = tuple((name, 1.0) for name in STRATEGIES)
LONG = PromptPlan(target=Distribution("uniform", 400.0, 2000.0))


def writer(
    plan: PromptPlan, user: int = 0, org: str = "org-1", *, seed: int = 7, incarnation: int = 0, system: str = ""
) -> PromptWriter:
    return PromptWriter(
        plan, ALL, system, seed=seed, org=org, user=user, users=100, incarnation=incarnation, stream=Stream(user)
    )


def test_own_questions_are_written_and_repeated_as_any_others() -> None:
    own = (CustomTemplate("Ticket {100..999}?"),)

    def texts(plan: PromptPlan) -> list[str]:
        author = PromptWriter(
            plan,
            (("template", 1.0),),
            "",
            seed=1,
            org="o",
            user=0,
            users=1,
            incarnation=0,
            stream=Stream(1),
            templates=own,
        )
        return [author.write(fresh(author)).question for _ in range(40)]

    unique, repeated = texts(PLAIN), texts(replace(PLAIN, cache="repeat", repeat_questions=3))
    assert all(text.startswith("Ticket ") for text in (*unique, *repeated))
    assert (len(set(unique)), len(set(repeated))) == (40, 3)


def fresh(writer: PromptWriter, gauge: TokenGauge | None = None) -> Conversation:
    return Conversation("c", writer.system, 100_000, gauge)


def openings(writer: PromptWriter, count: int) -> list[str]:
    return [writer.write(fresh(writer)).text for _ in range(count)]


def shared_start_of(texts: list[str]) -> int:
    """How many characters all of them begin with."""
    return len(list(takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))))


def test_without_a_target_the_question_stands_alone() -> None:
    written = writer(PLAIN).write(fresh(writer(PLAIN)))
    assert written.text == written.question
    assert written.target_tokens == 0


@pytest.mark.parametrize("system", ["", "Be brief and kind."])
@pytest.mark.parametrize("prefix", [0, 150])
def test_the_whole_prompt_has_its_target_length(system: str, prefix: int) -> None:
    author = writer(replace(LONG, shared_prefix_tokens=prefix), system=system)
    for _ in range(200):
        conversation = fresh(author)
        written = author.write(conversation)
        estimate = conversation.prompt(written.text, 100).estimate
        assert 400 <= written.target_tokens <= 2000
        # a word at most is missing
        assert written.target_tokens - 6 <= estimate <= written.target_tokens
        assert written.text.endswith(written.question)


def test_targets_follow_their_distribution() -> None:
    author = writer(LONG)
    targets = [author.write(fresh(author)).target_tokens for _ in range(1500)]
    assert LONG.target is not None
    assert sum(targets) / len(targets) == pytest.approx(LONG.target.mean_int(), rel=0.03)


def test_a_conversation_that_has_grown_needs_less_context_and_in_the_end_none() -> None:
    author = writer(PromptPlan(target=Distribution("uniform", 600.0, 600.0)))
    conversation = fresh(author)
    for _ in range(3):
        written = author.write(conversation)
        prompt = conversation.prompt(written.text, 50)
        assert (written.target_tokens == 600) == (written.text != written.question)
        if written.target_tokens:
            assert 594 <= prompt.estimate <= 600
        conversation.answered(written.text, "word " * 60)
    assert written.text == written.question
    assert prompt.estimate > 600


def test_a_target_below_the_question_is_not_met_by_cutting_it() -> None:
    author = writer(PromptPlan(target=Distribution("uniform", 5.0, 5.0)))
    written = author.write(fresh(author))
    assert written.text == written.question
    assert written.target_tokens == 0


def test_what_the_platform_counts_makes_later_prompts_meet_their_target() -> None:
    gauge = TokenGauge()
    gauge.learn(1000, 800)
    author = writer(PromptPlan(target=Distribution("uniform", 1000.0, 1000.0)))
    text = author.write(fresh(author, gauge)).text
    assert estimate_tokens(text) * 0.8 == pytest.approx(1000, abs=6)


def test_unique_prompts_share_nothing_from_their_first_words_on() -> None:
    texts = [
        text
        for user in range(5)
        for incarnation in range(2)
        for text in openings(writer(LONG, user, incarnation=incarnation), 40)
    ]
    assert len({text[:19] for text in texts}) == len(texts)


def test_another_seed_gives_other_documents() -> None:
    assert openings(writer(LONG), 1) == openings(writer(LONG), 1)
    assert not set(openings(writer(LONG), 20)) & set(openings(writer(LONG, seed=8), 20))


@pytest.mark.parametrize(("scope", "shared"), [("all", (True, True)), ("org", (True, False)), ("user", (False, False))])
def test_a_shared_context_is_shared_within_its_scope(scope: str, shared: tuple[bool, bool]) -> None:
    plan = replace(LONG, cache="prefix", prefix_scope=scope)  # type: ignore[arg-type]
    me, colleague, stranger = writer(plan), writer(plan, 1), writer(plan, 2, "org-2")
    mine = openings(me, 10)
    for other, is_shared in zip((colleague, stranger), shared, strict=True):
        found = shared_start_of([*mine, *openings(other, 10)])
        assert (found > 1000) if is_shared else (found < 10)
    # and always with oneself: all but the question
    assert shared_start_of(mine) > 1000
    questions = {me.write(fresh(me)).question for _ in range(20)}
    assert len(questions) == 20


def test_the_shared_start_is_the_same_for_all_and_stands_before_the_system_prompt() -> None:
    plan = PromptPlan(shared_prefix_tokens=300)
    me, stranger = writer(plan, system="Be kind."), writer(plan, 9, "org-2", system="Be kind.")
    assert me.system == stranger.system
    assert me.system.endswith("\n\nBe kind.")
    assert 294 <= estimate_tokens(me.start) <= 300
    assert writer(plan, seed=8).start[:19] != me.start[:19]


def test_repeated_prompts_come_from_one_small_set_whoever_asks() -> None:
    plan = replace(LONG, cache="repeat", repeat_questions=7)
    texts = [text for user in range(4) for text in openings(writer(plan, user), 60)]
    assert len(set(texts)) == 7
    counts = [texts.count(text) for text in set(texts)]
    assert min(counts) > 10
    for text in set(texts):
        assert 394 <= estimate_tokens(text) <= 2000


def test_repeated_follow_ups_come_from_their_own_set() -> None:
    author = writer(PromptPlan(cache="repeat", repeat_questions=5))
    asked = set()
    for _ in range(80):
        conversation = fresh(author)
        first = author.write(conversation)
        conversation.answered(first.text, "Because.")
        asked.add((first.question, author.write(conversation).question))
    assert len({first for first, _ in asked}) == 5
    assert len({second for _, second in asked}) == 5


def test_a_conversation_stays_with_the_strategy_of_its_first_question() -> None:
    mixed = PromptWriter(PLAIN, (("mixed", 1.0), ("technical", 1.0)), "", seed=7, org="o", user=0, users=9,
                         incarnation=0, stream=Stream(5))  # fmt: skip
    seen = set()
    for _ in range(100):
        conversation = fresh(mixed)
        first = mixed.write(conversation)
        for _ in range(3):
            conversation.answered("Why?", "Because.")
            assert mixed.write(conversation).strategy == first.strategy
        seen.add(first.strategy)
    assert seen == set(STRATEGIES)


def test_strategies_come_by_weight() -> None:
    weights = (("historical", 1.0), ("technical", 3.0), ("geographical", 0.0), ("hypothetical", 6.0))
    drawn: dict[str, int] = {}
    for user in range(60):
        author = PromptWriter(PLAIN, weights, "", seed=7, org="o", user=user, users=60, incarnation=0,
                              stream=Stream.of(7, user))  # fmt: skip
        for _ in range(50):
            strategy = author.write(fresh(author)).strategy
            drawn[strategy] = drawn.get(strategy, 0) + 1
    assert "geographical" not in drawn
    expected = {"historical": 300.0, "technical": 900.0, "hypothetical": 1800.0}
    chi_square = sum((drawn[name] - count) ** 2 / count for name, count in expected.items())
    # 99.9 % of fair draws stay below, with two degrees of freedom
    assert chi_square < 13.8
