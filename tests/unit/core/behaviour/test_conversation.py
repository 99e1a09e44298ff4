from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.conversation import Conversation, TokenGauge, estimate_tokens

TEXTS = st.text(max_size=80)


@pytest.mark.parametrize(("characters", "tokens"), [(0, 4), (1, 5), (4, 5), (5, 6), (400, 104)])
def test_four_characters_are_a_token_and_a_message_costs_four_more(characters: int, tokens: int) -> None:
    assert estimate_tokens("x" * characters) == tokens


def test_a_conversation_sends_along_what_was_said() -> None:
    conversation = Conversation("c-1", "Be brief.", 4000)
    assert conversation.prompt("Why?", 100).messages == (("system", "Be brief."), ("user", "Why?"))
    assert not conversation.answered_once
    conversation.answered("Why?", "Because.")
    prompt = conversation.prompt("Is that all?", 100)
    assert prompt.messages == (
        ("system", "Be brief."),
        ("user", "Why?"),
        ("assistant", "Because."),
        ("user", "Is that all?"),
    )
    assert (prompt.max_tokens, prompt.turns, prompt.estimate) == (100, 1, 7 + 5 + 6 + 7)
    assert conversation.turns_asked == 2
    assert conversation.answered_once


def test_without_a_system_prompt_there_is_no_system_message() -> None:
    assert Conversation("c-1", "", 4000).prompt("Why?", 100).messages == (("user", "Why?"),)


def test_a_question_without_an_answer_is_not_sent_along() -> None:
    conversation = Conversation("c-1", "", 4000)
    conversation.prompt("Why?", 100)
    assert conversation.prompt("How?", 100).messages == (("user", "How?"),)


def test_the_oldest_turn_goes_first_and_whole() -> None:
    # a turn of 36 + 36 characters is 13 + 13 tokens; a question of 36 is 13
    conversation = Conversation("c-1", "", 13 + 50 + 2 * 26)
    turns = [(f"question {n}".ljust(36), f"answer {n}".ljust(36)) for n in range(3)]
    for question, answer in turns:
        conversation.answered(question, answer)
    assert conversation.prompt("q" * 36, 50).messages == (
        ("user", turns[1][0]),
        ("assistant", turns[1][1]),
        ("user", turns[2][0]),
        ("assistant", turns[2][1]),
        ("user", "q" * 36),
    )
    assert conversation.prompt("q" * 36, 51).messages[:2] == (("user", turns[2][0]), ("assistant", turns[2][1]))
    # what was dropped once stays dropped
    assert conversation.prompt("q" * 36, 0).turns == 1


@pytest.mark.parametrize(
    ("characters", "wanted", "given"),
    [
        # 7 tokens of system message; 4 + a quarter of the question's characters
        (200, 40, 39),
        (200, 39, 39),
        (200, 20, 20),
        (4 * 88, 40, 1),
        (4 * 300, 40, 1),
    ],
)
def test_a_question_that_fills_the_context_is_sent_alone_and_its_answer_is_kept_short(
    characters: int, wanted: int, given: int
) -> None:
    conversation = Conversation("c-1", "Be brief.", 100)
    conversation.answered("Why?", "Because.")
    prompt = conversation.prompt("q" * characters, wanted)
    assert prompt.max_tokens == given
    if wanted >= given:
        assert prompt.turns in (0, 1)
    if given < wanted:
        assert prompt.messages == (("system", "Be brief."), ("user", "q" * characters))


def test_room_is_what_is_left_to_the_target() -> None:
    conversation = Conversation("c-1", "Be brief.", 8000)
    conversation.answered("Why?", "Because.")
    characters = conversation.room(1000)
    assert conversation.prompt("q" * characters, 10).estimate == 1000
    assert conversation.room(12) == 0


def test_what_the_platform_counts_corrects_the_estimate() -> None:
    gauge = TokenGauge()
    assert (gauge.tokens(100), gauge.characters(104)) == (100, 400)
    gauge.learn(1000, 1500)
    assert (gauge.tokens(100), gauge.characters(156)) == (150, 400)
    gauge.learn(1000, 500)
    assert gauge.tokens(100) == 100
    gauge.learn(0, 7)
    gauge.learn(7, -1)
    assert gauge.tokens(100) == 100
    gauge.learn(1, 10**9)
    assert gauge.tokens(100) == 400


def test_a_corrected_estimate_drops_turns_earlier() -> None:
    gauge = TokenGauge()
    conversation = Conversation("c-1", "", 13 + 50 + 2 * 26, gauge)
    for n in range(2):
        conversation.answered(f"question {n}".ljust(36), f"answer {n}".ljust(36))
    gauge.learn(100, 120)
    assert conversation.prompt("q" * 36, 50).turns == 1


@given(
    system=TEXTS,
    limit=st.integers(1, 400),
    max_tokens=st.integers(1, 100),
    turns=st.lists(st.tuples(TEXTS, TEXTS), max_size=8),
    question=TEXTS,
    counted=st.integers(50, 200),
)
def test_prompt_and_answer_fit_and_only_what_does_not_fit_is_dropped(
    system: str, limit: int, max_tokens: int, turns: list[tuple[str, str]], question: str, counted: int
) -> None:
    gauge = TokenGauge()
    gauge.learn(100, counted)
    conversation = Conversation("c-1", system, limit, gauge)
    for said in turns:
        conversation.answered(*said)
    prompt = conversation.prompt(question, max_tokens)

    head = (("system", system),) if system else ()
    kept = prompt.messages[len(head) : -1]
    # always begins with the system message, if there is one, and ends with the question
    assert prompt.messages == (*head, *kept, ("user", question))
    # the latest turns, whole
    spoken = tuple(message for asked, said in turns for message in (("user", asked), ("assistant", said)))
    assert kept == spoken[len(spoken) - len(kept) :]
    assert len(kept) == 2 * prompt.turns
    # as many as fit
    estimate = sum(estimate_tokens(text) for _, text in prompt.messages)
    assert prompt.estimate == estimate
    assert gauge.tokens(estimate) + max_tokens <= limit or not kept
    dropped = spoken[: len(spoken) - len(kept)]
    if dropped:
        assert gauge.tokens(estimate + sum(estimate_tokens(text) for _, text in dropped[-2:])) + max_tokens > limit
    # the answer is limited to what is left, and is never forbidden altogether
    assert prompt.max_tokens == max(1, min(max_tokens, limit - gauge.tokens(estimate)))
    assert gauge.tokens(estimate) + prompt.max_tokens <= limit or (not kept and prompt.max_tokens == 1)


@given(
    limit=st.integers(60, 600),
    asked=st.lists(st.tuples(TEXTS, TEXTS, st.integers(1, 50), st.booleans()), min_size=1, max_size=12),
)
def test_through_a_whole_conversation_the_history_is_a_whole_recent_part_of_what_was_answered(
    limit: int, asked: list[tuple[str, str, int, bool]]
) -> None:
    conversation = Conversation("c-1", "Be brief.", limit)
    said: list[tuple[str, str]] = []
    for number, (question, answer, max_tokens, failed) in enumerate(asked, 1):
        prompt = conversation.prompt(question, max_tokens)
        assert prompt.messages[0] == ("system", "Be brief.")
        history = prompt.messages[1:-1]
        recent = said[len(said) - prompt.turns :]
        assert history == tuple(m for q, a in recent for m in (("user", q), ("assistant", a)))
        assert prompt.turns == 0 or prompt.estimate + max_tokens <= limit
        assert conversation.turns_asked == number
        if not failed:
            conversation.answered(question, answer)
            said.append((question, answer))
