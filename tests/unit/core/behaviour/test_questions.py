from __future__ import annotations

import math
import re
from functools import cache
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.questions import (
    STRATEGIES,
    TEMPLATES,
    QuestionSpace,
    QuestionWalk,
    Template,
    question_hash,
)

EVERY_TEMPLATE = [(name, place) for name, templates in TEMPLATES.items() for place in range(len(templates))]
SEEDS = st.integers(0, 2**64 - 1)


def asked(seed: int, *, users: int, each: int, incarnation: int = 0) -> dict[str, list[str]]:
    """What the users of a run ask, `each` questions of every strategy: strategy → texts."""
    texts: dict[str, list[str]] = {name: [] for name in STRATEGIES}
    for user in range(users):
        walk = QuestionWalk(seed, user, users, incarnation)
        for name in STRATEGIES:
            texts[name] += [walk.next(name, follow_up=False)[0] for _ in range(each)]
    return texts


@cache
def pattern_of(template: Template) -> re.Pattern[str]:
    """Recognises the template's sentences and says with which options each slot was filled."""
    parts = re.split(r"\{(\d+)\}", template.text)
    text = ""
    for place, part in enumerate(parts):
        if place % 2 == 0:
            text += re.escape(part)
        else:
            text += f"(?P<slot{part}>" + "|".join(map(re.escape, template.slots[int(part)])) + ")"
    return re.compile(text)


def number_of(template: Template, text: str) -> int:
    """Which of its sentences `text` is: the inverse of filling it."""
    match = pattern_of(template).fullmatch(text)
    assert match is not None, text
    number, factor = 0, 1
    for place, options in enumerate(template.slots):
        number += options.index(match[f"slot{place}"]) * factor
        factor *= len(options)
    return number


def test_a_thousand_users_never_ask_the_same_question() -> None:
    for texts in asked(1, users=1_000, each=8).values():
        assert len(texts) == 8_000
        assert len(set(texts)) == len(texts)


def test_the_strategies_do_not_share_questions() -> None:
    texts = list(chain.from_iterable(asked(1, users=50, each=20).values()))
    assert len(set(texts)) == len(texts) == 5 * 50 * 20


def test_a_restarted_user_does_not_ask_again_what_was_asked() -> None:
    lives = [asked(1, users=100, each=20, incarnation=life) for life in range(3)]
    for name in STRATEGIES:
        texts = list(chain.from_iterable(life[name] for life in lives))
        assert len(set(texts)) == len(texts)


def test_the_same_seed_asks_the_same_and_another_asks_otherwise() -> None:
    first, again, other = asked(1, users=10, each=20), asked(1, users=10, each=20), asked(2, users=10, each=20)
    assert again == first
    for name in STRATEGIES:
        assert not set(first[name]) & set(other[name])


def test_how_often_others_ask_changes_nothing_for_a_user() -> None:
    alone, in_company = QuestionWalk(1, 3, 10), QuestionWalk(1, 3, 10)
    others = QuestionWalk(1, 4, 10)
    for _ in range(30):
        others.next("mixed", follow_up=True)
        assert alone.next("mixed", follow_up=False) == in_company.next("mixed", follow_up=False)


def test_mixed_draws_from_every_strategy_and_says_from_which() -> None:
    walk = QuestionWalk(1, 0, 1)
    drawn = [walk.next("mixed", follow_up=False) for _ in range(2_000)]
    assert len({text for text, _ in drawn}) == 2_000
    names = [name for _, name in drawn]
    assert set(names) == set(STRATEGIES)
    assert all(320 < names.count(name) < 480 for name in STRATEGIES)
    for text, name in drawn:
        assert any(pattern_of(template).fullmatch(text) for template in TEMPLATES[name])


def test_a_follow_up_is_a_question_of_the_same_kind_with_a_lead() -> None:
    first, later = QuestionWalk(1, 0, 1), QuestionWalk(1, 0, 1)
    for _ in range(200):
        plain, _ = first.next("geographical", follow_up=False)
        led, _ = later.next("geographical", follow_up=True)
        assert led != plain
        assert led.endswith(plain[1:])
        assert not led.startswith(plain[:8])
        if plain.startswith("I "):
            assert led.endswith(plain)


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(seed=SEEDS)
def test_the_order_of_a_space_is_a_permutation(strategy: str, seed: int) -> None:
    space = QuestionSpace(strategy, seed)
    assert math.gcd(space._factor, space.size) == 1
    assert space.size == sum(template.size for template in TEMPLATES[strategy])


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(seed=SEEDS, rank=st.integers(0, 2**40), other=st.integers(0, 2**40))
def test_ranks_give_the_same_question_only_when_they_are_a_whole_space_apart(
    strategy: str, seed: int, rank: int, other: int
) -> None:
    space = QuestionSpace(strategy, seed)
    assert (space.question(rank) == space.question(other)) == ((rank - other) % space.size == 0)
    assert space.question(rank) == space.question(rank + space.size)
    assert len({space.question(rank + step) for step in range(50)}) == 50


@pytest.mark.parametrize(("strategy", "place"), EVERY_TEMPLATE)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_question_tells_which_number_it_was(strategy: str, place: int, share: float) -> None:
    template = TEMPLATES[strategy][place]
    number = int(share * template.size)
    assert number_of(template, template.fill(number)) == number


@pytest.mark.parametrize(("strategy", "place"), EVERY_TEMPLATE)
def test_every_slot_is_used_once_and_offers_no_option_twice(strategy: str, place: int) -> None:
    template = TEMPLATES[strategy][place]
    assert sorted(re.findall(r"\{(\d+)\}", template.text)) == [str(slot) for slot in range(len(template.slots))]
    for options in template.slots:
        assert len(set(options)) == len(options) > 1
        assert all(option == option.strip() and option for option in options)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_runs_out_within_ten_million_questions(strategy: str) -> None:
    assert QuestionSpace(strategy, 1).size > 10_000_000


def test_the_hash_of_a_question_is_64_bits_of_its_text() -> None:
    texts = [text for texts in asked(1, users=20, each=50).values() for text in texts]
    hashes = {question_hash(text) for text in texts}
    assert len(hashes) == len(texts)
    assert all(0 <= value < 2**64 for value in hashes)
    assert question_hash("Why?") == 0x37B2F43DEB1C8AD4
