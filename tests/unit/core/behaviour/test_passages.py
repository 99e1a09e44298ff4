from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.passages import TOPICS, bridge, passage, reference
from raysim.core.behaviour.questions import STRATEGIES
from raysim.core.behaviour.sentences import SENTENCES, SLOTS, TITLES

NUMBERS = st.integers(0, 2**64 - 1)


@given(st.sampled_from([*TOPICS, "template", ""]), NUMBERS, st.integers(80, 6000))
def test_a_document_is_as_long_as_it_may_be_but_for_a_word(topic: str, number: int, characters: int) -> None:
    text = passage(topic, number, characters)
    assert characters - 24 <= len(text) <= characters
    assert not text[0].isspace()
    assert text.endswith(" …") or text[-1] == "."


@given(st.sampled_from(TOPICS), NUMBERS, st.integers(100, 3000), st.integers(100, 3000))
def test_of_one_number_the_shorter_begins_the_longer(topic: str, number: int, some: int, more: int) -> None:
    short, long = sorted((passage(topic, number, some), passage(topic, number, more)), key=len)
    assert long.startswith(short.removesuffix(" …"))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=20, unique=True), NUMBERS)
def test_documents_of_different_numbers_differ_from_their_first_words_on(numbers: list[int], seed: int) -> None:
    references = [reference(seed, number) for number in numbers]
    assert len(set(references)) == len(numbers)
    texts = [passage("technical", number, 200) for number in references]
    assert len({text[:19] for text in texts}) == len(texts)
    assert all(re.match(r"[0-9A-F]{4}(-[0-9A-F]{4}){3}: ", text) for text in texts)


def test_a_long_document_goes_on_to_other_topics_before_it_repeats_itself() -> None:
    text = passage("historical", 5, 17_000)
    titles = [line for line in text.split("\n\n") if not line.endswith((".", "…"))]
    assert len(titles) >= 4
    assert len(set(titles)) == len(titles)
    sentences = re.split(r"(?<=[.]) |\n\n", text)
    assert len(set(sentences)) == len(sentences)


def test_every_strategy_has_a_topic_of_its_own() -> None:
    assert set(STRATEGIES) <= set(TOPICS)
    assert set(TITLES) == set(SENTENCES)


def test_the_material_is_ready_to_be_read() -> None:
    lines = [line for text in SENTENCES.values() for line in text.strip().splitlines()]
    assert len(lines) > 280
    assert len(set(lines)) == len(lines)
    assert set(re.findall(r"\{(\w+)\}", "".join(lines))) == set(SLOTS)
    assert [line for line in lines if not line[0].isupper() or not line.endswith(".") or "  " in line] == []
    assert all(len(set(options)) == len(options) > 4 for options in SLOTS.values())


def test_no_slot_is_left_open_and_no_two_of_a_kind_are_the_same() -> None:
    text = "".join(passage(topic, number, 4000) for topic in TOPICS for number in range(20))
    assert "{" not in text
    for found in re.finditer(r"Timeouts between ([\w ]+) and ([\w ]+) are set", text):
        assert found[1] != found[2]


@pytest.mark.parametrize("number", [0, 1, 2**63])
def test_a_document_leads_to_its_question(number: int) -> None:
    assert bridge(number) == bridge(number)
    assert bridge(number)[0].isupper()
    assert bridge(number).endswith(" ")
