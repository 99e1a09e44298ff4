from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.conversation import Conversation, estimate_tokens

TEXTS = st.text(max_size=80)


@pytest.mark.parametrize(("characters", "tokens"), [(0, 4), (1, 5), (4, 5), (5, 6), (400, 104)])
def test_four_characters_are_a_token_and_a_message_costs_four_more(characters: int, tokens: int) -> None:
    assert estimate_tokens("x" * characters) == tokens


def test_a_conversation_sends_along_what_was_said() -> None:
    conversation = Conversation("c-1", "Be brief.", 4000)
    assert conversation.prompt("Why?", 100) == [("system", "Be brief."), ("user", "Why?")]
    conversation.answered("Why?", "Because.")
    assert conversation.prompt("Is that all?", 100) == [
        ("system", "Be brief."),
        ("user", "Why?"),
        ("assistant", "Because."),
        ("user", "Is that all?"),
    ]
    assert conversation.turns_asked == 2


def test_without_a_system_prompt_there_is_no_system_message() -> None:
    assert Conversation("c-1", "", 4000).prompt("Why?", 100) == [("user", "Why?")]


def test_a_question_without_an_answer_is_not_sent_along() -> None:
    conversation = Conversation("c-1", "", 4000)
    conversation.prompt("Why?", 100)
    assert conversation.prompt("How?", 100) == [("user", "How?")]


def test_the_oldest_turn_goes_first_and_whole() -> None:
    # a turn of 36 + 36 characters is 13 + 13 tokens; a question of 36 is 13
    conversation = Conversation("c-1", "", 13 + 50 + 2 * 26)
    turns = [(f"question {n}".ljust(36), f"answer {n}".ljust(36)) for n in range(3)]
    for question, answer in turns:
        conversation.answered(question, answer)
    assert conversation.prompt("q" * 36, 50) == [
        ("user", turns[1][0]),
        ("assistant", turns[1][1]),
        ("user", turns[2][0]),
        ("assistant", turns[2][1]),
        ("user", "q" * 36),
    ]
    assert conversation.prompt("q" * 36, 51)[:2] == [("user", turns[2][0]), ("assistant", turns[2][1])]
    # what was dropped once stays dropped
    assert len(conversation.prompt("q" * 36, 0)) == 3


def test_a_question_that_fills_the_context_is_sent_alone() -> None:
    conversation = Conversation("c-1", "Be brief.", 100)
    conversation.answered("Why?", "Because.")
    assert conversation.prompt("q" * 1000, 50) == [("system", "Be brief."), ("user", "q" * 1000)]


@given(
    system=TEXTS,
    limit=st.integers(1, 400),
    max_tokens=st.integers(1, 100),
    turns=st.lists(st.tuples(TEXTS, TEXTS), max_size=8),
    question=TEXTS,
)
def test_prompt_and_answer_fit_and_only_what_does_not_fit_is_dropped(
    system: str, limit: int, max_tokens: int, turns: list[tuple[str, str]], question: str
) -> None:
    conversation = Conversation("c-1", system, limit)
    for said in turns:
        conversation.answered(*said)
    messages = conversation.prompt(question, max_tokens)

    head = [("system", system)] if system else []
    kept = messages[len(head) : -1]
    assert messages == [*head, *kept, ("user", question)]
    # the latest turns, whole
    spoken = [message for asked, said in turns for message in (("user", asked), ("assistant", said))]
    assert kept == spoken[len(spoken) - len(kept) :]
    assert len(kept) % 2 == 0
    # as many as fit
    needed = max_tokens + sum(estimate_tokens(text) for _, text in messages)
    assert needed <= limit or not kept
    dropped = spoken[: len(spoken) - len(kept)]
    if dropped:
        assert needed + sum(estimate_tokens(text) for _, text in dropped[-2:]) > limit
