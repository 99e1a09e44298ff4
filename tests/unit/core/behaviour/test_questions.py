from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import chain, combinations_with_replacement
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.behaviour.deck import Deck
from raysim.core.behaviour.phrasebook import phrasebook
from raysim.core.behaviour.question_template import QuestionTemplate
from raysim.core.behaviour.questions import MIXED, STRATEGIES, TEMPLATE, QuestionWalk, question_hash
from raysim.core.plan.estimate import QUESTION_CHARACTERS
from tests.unit.core.behaviour.grammar import Sentence, collide, columns, readings

QUESTION = CustomTemplate("{a} {b}?", 1, (("a", ("red", "green", "blue")), ("b", ("cat", "dog"))))


def asked(seed: int, *, users: int, each: int, incarnation: int = 0) -> dict[str, list[str]]:
    """What the users of a run ask, `each` questions of every strategy: strategy → texts."""
    texts: dict[str, list[str]] = {name: [] for name in (*STRATEGIES, MIXED)}
    for user in range(users):
        walk = QuestionWalk(seed, user, users, incarnation)
        for name, found in texts.items():
            found += [walk.next(name, follow_up=False)[0] for _ in range(each)]
    return texts


@cache
def openings() -> tuple[Sentence, ...]:
    return tuple(Sentence.of(template) for name in STRATEGIES for template in phrasebook(name).asks())


@cache
def follow_ups() -> tuple[Sentence, ...]:
    """All that go on with a conversation, about everything that a question of their strategy can be about."""
    found = []
    for name in STRATEGIES:
        subjects: dict[str, set[str]] = {"": {""}}
        for template in phrasebook(name).asks():
            if template.subject is not None:
                texts = [column for slot in template.slots for column in columns(slot)][template.subject]
                subjects.setdefault(template.subject_kind, set()).update(texts)
        for kind, templates in phrasebook(name).follows().items():
            found += [Sentence.of(template, frozenset(subjects[kind])) for template in templates]
    return tuple(found)


# ── unique by construction ──


def test_no_two_numbers_of_any_templates_make_the_same_text() -> None:
    pairs = combinations_with_replacement((*openings(), *follow_ups()), 2)
    assert [(a.template.text, b.template.text) for a, b in pairs if collide(a, b)] == []


@settings(deadline=None)
@given(data=st.data())
def test_a_question_tells_which_number_of_which_template_it_is(data: st.DataObject) -> None:
    sentence = data.draw(st.sampled_from(openings()))
    x, y = (data.draw(st.integers(0, size - 1)) for size in sentence.template.sizes)
    text, _ = sentence.template.fill(x, y)
    found = [(other, number) for other in openings() for number in readings(other, text)]
    assert found == [(sentence, (x, y))]


def test_a_thousand_users_of_ten_organisations_never_ask_the_same_question() -> None:
    texts = list(chain.from_iterable(asked(1, users=1_000, each=5).values()))
    assert len(texts) == len(set(texts)) == 30_000


def test_a_restarted_user_does_not_ask_again_what_was_asked() -> None:
    lives = [asked(1, users=50, each=40, incarnation=life) for life in range(3)]
    texts = list(chain.from_iterable(chain.from_iterable(life.values()) for life in lives))
    assert len(texts) == len(set(texts)) == 3 * 6 * 50 * 40


def test_the_same_seed_asks_the_same_and_another_asks_otherwise() -> None:
    first, again, other = asked(1, users=10, each=50), asked(1, users=10, each=50), asked(2, users=10, each=50)
    assert again == first
    assert set(chain(*first.values())).isdisjoint(chain(*other.values()))


def test_how_often_others_ask_changes_nothing_for_a_user() -> None:
    alone, in_company = QuestionWalk(1, 3, 10), QuestionWalk(1, 3, 10)
    others = QuestionWalk(1, 4, 10)
    for _ in range(30):
        others.next(MIXED, follow_up=True)
        assert alone.next(MIXED, follow_up=False) == in_company.next(MIXED, follow_up=False)


def decks(name: str) -> list[tuple[QuestionTemplate, ...]]:
    return [phrasebook(name).asks(), *phrasebook(name).follows().values()]


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_template_runs_out(name: str) -> None:
    # 1,000 users, each asking once a second for eighteen hours: each place of a template is met once a round
    for templates in decks(name):
        places = sum(template.weight for template in templates)
        for template in templates:
            asked_of_it = template.weight * (65_536 / places) * 1_000 * 2
            assert template.size > asked_of_it, template.text


@pytest.mark.parametrize("name", STRATEGIES)
def test_two_runs_of_a_million_questions_hardly_ever_share_one(name: str) -> None:
    # see Deck: two runs share some of a template's N questions with a probability of 2 n / N; a lane doubles the span
    templates = phrasebook(name).asks()
    places = sum(template.weight for template in templates)
    assert sum(2 * 2 * 1e6 * template.weight / places / template.size for template in templates) < 0.01


# ── what they are like ──


def test_mixed_draws_from_every_strategy_and_says_from_which() -> None:
    walk = QuestionWalk(1, 0, 1)
    drawn = [walk.next(MIXED, follow_up=False) for _ in range(2_000)]
    assert len({text for text, _ in drawn}) == 2_000
    names = Counter(name for _, name in drawn)
    assert set(names) == set(STRATEGIES)
    assert all(320 < count < 480 for count in names.values())
    of_strategy = {name: {template.text for template in phrasebook(name).asks()} for name in STRATEGIES}
    for text, name in drawn[:50]:
        (sentence,) = (one for one in openings() if readings(one, text))
        assert sentence.template.text in of_strategy[name]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_lengths_are_as_different_as_peoples(strategy: str) -> None:
    walk = QuestionWalk(7, 0, 1)
    lengths = sorted(len(walk.next(strategy, follow_up=False)[0]) for _ in range(2_000))
    tenth, half, most = lengths[200], lengths[1_000], lengths[1_800]
    assert tenth < 0.8 * half < 150
    assert most > 1.3 * half


def test_no_question_is_longer_than_the_estimate_of_costs_says() -> None:
    longest = [
        sum(max(map(len, texts)) for texts in sentence.texts) for sentence in (*openings(), *follow_ups())
    ]  # each part's longest text
    assert max(longest) <= QUESTION_CHARACTERS


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_questions_of_a_user_are_of_different_kinds(strategy: str) -> None:
    walk = QuestionWalk(3, 5, 100)
    texts = [walk.next(strategy, follow_up=False)[0] for _ in range(100)]
    assert len({text[:12] for text in texts}) > 50


# ── conversations ──


def test_a_follow_up_goes_on_about_the_subject_of_the_question_before() -> None:
    walk = QuestionWalk(1, 0, 1)
    people = [row[0] for row in phrasebook("historical").rows("person")]
    asked_about = gone_on = 0
    for _ in range(300):
        question, _ = walk.next("historical", follow_up=False)
        following, strategy = walk.next("historical", follow_up=True)
        assert strategy == "historical"
        if question.startswith("Who "):
            first = min((name for name in people if name in question), key=question.index)
            asked_about += 1
            gone_on += first in following
    assert asked_about > 10
    assert gone_on == asked_about


def test_a_follow_up_stays_with_the_strategy_of_its_question() -> None:
    walk = QuestionWalk(1, 0, 1)
    for _ in range(100):
        _, first = walk.next(MIXED, follow_up=False)
        assert walk.next(MIXED, follow_up=True)[1] == first
        assert walk.next(first, follow_up=True)[1] == first


def test_follow_ups_are_never_asked_twice() -> None:
    texts = []
    for user in range(40):
        walk = QuestionWalk(1, user, 40)
        for name in (*STRATEGIES, MIXED):
            for _ in range(10):
                texts += [walk.next(name, follow_up=turn > 0)[0] for turn in range(4)]
    assert len(texts) == len(set(texts)) == 40 * 6 * 10 * 4


def test_without_a_question_before_it_a_follow_up_is_a_first_question() -> None:
    assert QuestionWalk(1, 0, 1).next("technical", follow_up=True) == QuestionWalk(1, 0, 1).next(
        "technical", follow_up=False
    )


# ── a scenario's own templates ──


def test_own_templates_are_each_asked_once_before_any_comes_again() -> None:
    walks = [QuestionWalk(1, user, 2, templates=(QUESTION,)) for user in range(2)]
    texts = [walk.next(TEMPLATE, follow_up=False) for walk in walks for _ in range(3)]
    assert {strategy for _, strategy in texts} == {TEMPLATE}
    assert {text for text, _ in texts} == {f"{a} {b}?" for a in ("red", "green", "blue") for b in ("cat", "dog")}
    again = [walk.next(TEMPLATE, follow_up=False) for walk in walks for _ in range(3)]
    assert sorted(again) == sorted(texts)


def test_own_templates_are_asked_by_weight_and_go_on_with_another_question() -> None:
    walk = QuestionWalk(1, 0, 1, templates=(CustomTemplate("A {10..99}", 3), CustomTemplate("B {10..99}")))
    texts = [walk.next(TEMPLATE, follow_up=turn % 3 > 0)[0] for turn in range(80)]
    assert Counter(text[0] for text in texts) == {"A": 60, "B": 20}
    assert len(set(texts)) == 80


def test_the_hash_of_a_question_is_64_bits_of_its_text() -> None:
    texts = [text for texts in asked(1, users=20, each=50).values() for text in texts]
    hashes = {question_hash(text) for text in texts}
    assert len(hashes) == len(texts)
    assert all(0 <= value < 2**64 for value in hashes)
    assert question_hash("Why?") == 0x37B2F43DEB1C8AD4


def test_a_deck_is_gone_through_before_it_begins_again() -> None:
    deck = Deck(phrasebook("technical").asks(), 1)
    for user in range(3):
        for block in range(3):
            start, stride = deck.path(user, 0, block)
            places = {(start + step * stride) % len(deck.cards) for step in range(len(deck.cards))}
            assert len(places) == len(deck.cards)


def test_the_samples_in_the_documentation_are_questions() -> None:
    page = (Path(__file__).parents[4] / "docs" / "questions.md").read_text(encoding="utf-8")
    samples = [line.removeprefix("> ") for line in page.splitlines() if line.startswith("> ")]
    assert len(samples) == 5 * 3 + 2
    every = (*openings(), *follow_ups())
    assert [text for text in samples if not any(readings(one, text) for one in every)] == []
