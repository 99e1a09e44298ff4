from __future__ import annotations

import string
from importlib import resources

import pytest

from raysim.core.behaviour.braces import compile_text, names_in
from raysim.core.behaviour.fact_table import Condition, FactTable, View, fact_table
from raysim.core.behaviour.phrasebook import Phrasebook, phrasebook
from raysim.core.behaviour.question_template import QuestionTemplate
from raysim.core.behaviour.questions import STRATEGIES

BOOK = Phrasebook(
    """
# a comment
@animal
cat
dog
eel
@size
{2..4} feet
tall
@nowhere = cities | name except Paris, Rome
@early = historical_events | year 1500..1510
@kings = historical_people | field king, queen
@both = historical_events | year 1500..1600 | theme war
@ask
3 | Is a {animal} {size}?
Why?
@follow
And {subject}?
@follow animal
Is a {animal#2} a {*animal}?
"""
)


def texts(line: str, book: Phrasebook = BOOK) -> set[str]:
    template = compile_text(line, book)
    first, second = template.sizes
    return {template.fill(x, y, "SUBJECT")[0] for x in range(first) for y in range(second)}


def test_names_stand_for_the_entries_of_lists() -> None:
    assert texts("A {animal}.") == {"A cat.", "A dog.", "A eel."}
    assert texts("{size}") == {"2 feet", "3 feet", "4 feet", "tall"}


def test_the_same_name_is_the_same_entry_and_a_number_another_one() -> None:
    assert texts("{animal}, {animal}") == {"cat, cat", "dog, dog", "eel, eel"}
    pairs = texts("{animal}, {animal#2}")
    assert len(pairs) == 6
    assert "cat, cat" not in pairs
    assert len(texts("{animal#3}{animal#2}{animal}")) == 6


def test_a_place_can_begin_with_a_capital() -> None:
    assert texts("{^animal} and {animal}") == {"Cat and cat", "Dog and dog", "Eel and eel"}


def test_numbers_have_steps_decimals_commas_and_names() -> None:
    assert texts("{8..12/2}") == {"8", "10", "12"}
    assert texts("{0.5..1.5/0.5}") == {"0.5", "1", "1.5"}
    assert texts("{1,000..3,000/1,000}") == {"1,000", "2,000", "3,000"}
    assert texts("{n: 1..2} {n} {m: 5..6}") == {"1 1 5", "1 1 6", "2 2 5", "2 2 6"}
    assert len(texts("{1..3} {1..3}")) == 9


def test_doubled_braces_are_braces() -> None:
    assert texts('{{"n": {1..2}}}') == {'{"n": 1}', '{"n": 2}'}


def test_the_subject_is_what_a_place_says_and_where_it_is_wanted() -> None:
    (plain,) = BOOK.follows()[""]
    assert plain.fill(0, 0, "the sea") == ("And the sea?", "the sea")
    (about,) = BOOK.follows()["animal"]
    text, subject = about.fill(0, 0)
    assert text.endswith(f" a {subject}?")
    assert about.subject_kind == "animal"


def test_questions_have_weights() -> None:
    assert [(template.weight, template.size) for template in BOOK.asks()] == [(3, 12), (1, 1)]


def test_rows_of_a_table_can_be_chosen() -> None:
    everywhere = {row[0] for row in phrasebook("shared").rows("city")}
    assert {row[0] for row in BOOK.rows("nowhere")} == everywhere - {"Paris", "Rome"}
    assert BOOK.rows("early", ("", "year")) == View("historical_events", (Condition("year", 1500, 1510),)).rows(
        ("name", "year")
    )
    assert all(1500 <= int(year) <= 1510 for (year,) in BOOK.rows("early", ("year",)))
    assert {field for (field,) in BOOK.rows("kings", ("field",))} == {"king", "queen"}
    assert all(1500 <= int(year) <= 1600 and theme == "war" for year, theme in BOOK.rows("both", ("year", "theme")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{nothing}", "no such list or table"),
        ("{10..5}", "holds no numbers"),
        ("{1..5/0}", "holds no numbers"),
        ("{1..9999999999999999}", "too many numbers"),
        ("{a b}", "neither a name nor a range"),
        ("a } b", "without its other half"),
        ("{animal#3}", "needs another"),
        ("{animal} {animal#2} {animal#3} {animal#4}", "4 different entries, of which there are 3"),
        ("{early.colour}", "has no column 'colour'; it has name, year"),
    ],
)
def test_braces_that_mean_nothing_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_text(text, BOOK)


def test_the_names_in_a_text_are_known_without_compiling_it() -> None:
    assert names_in("{a} {*^b.c} {d#2} {1..3} {{e}}") == {"a", "b", "d"}


@pytest.mark.parametrize("heading", ["@x = ", "@x = a | b", "@= y"])
def test_headings_that_mean_nothing_are_refused(heading: str) -> None:
    with pytest.raises(ValueError, match="expected name = table"):
        Phrasebook(heading)


def test_a_list_may_not_become_too_long() -> None:
    with pytest.raises(ValueError, match="makes 10000 entries"):
        Phrasebook("@x\n{1..100} {1..100}").rows("x")


def test_a_variant_of_a_question_has_its_own_rows() -> None:
    book = Phrasebook(
        "@each era\nold: e = historical_events | year 0..1000\nnew: e = historical_events | year 1900..2000\n"
        "@ask each era\n{e}?"
    )
    old, new = book.asks()
    assert old.size + new.size > 100
    assert {row[0] for row in old.slots[0]}.isdisjoint(row[0] for row in new.slots[0])


def test_a_table_is_a_heading_and_rows() -> None:
    assert FactTable.parse("t", "# source: x\na\tb\n1\t2\n3\t4\n").columns == {"a": ("1", "3"), "b": ("2", "4")}
    with pytest.raises(ValueError, match="zip"):
        FactTable.parse("t", "a\tb\n1\n")


# ── the phrasebooks that come with raysim ──


def every_template(name: str) -> list[QuestionTemplate]:
    book = phrasebook(name)
    return [*book.asks(), *(template for templates in book.follows().values() for template in templates)]


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_has_follow_ups_for_whatever_its_questions_are_about(name: str) -> None:
    book = phrasebook(name)
    kinds = {template.subject_kind for template in book.asks()}
    assert "" in book.follows()
    assert set(book.follows()) - {""} <= kinds
    for kind, templates in book.follows().items():
        about = [template for template in templates if f"{{{_width(template)}}}" in template.text]
        assert len(about) > len(templates) / 2 if kind else not about


def _width(template: QuestionTemplate) -> int:
    return sum(len(slot[0]) for slot in template.slots)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_choice_is_a_choice(name: str) -> None:
    for template in every_template(name):
        places = [place for _, place, _, _ in string.Formatter().parse(template.text) if place is not None]
        assert len(set(places)) >= _width(template), template.text
        assert all(len(slot) > 1 for slot in template.slots), template.text


@pytest.mark.parametrize("name", ["shared", *STRATEGIES])
def test_lines_are_tidy(name: str) -> None:
    text = resources.files("raysim.core.behaviour").joinpath("phrases", f"{name}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "@"))]
    assert all(line == line.strip() and "  " not in line for line in lines)
    headings = [line for line in text.splitlines() if line.startswith("@")]
    assert len(headings) == len(set(headings))


def test_words_that_choose_rows_exist() -> None:
    views = [view for name in ("shared", *STRATEGIES) for view in phrasebook(name).views()]
    chosen = [(view, condition) for view in views for condition in view.conditions if condition.words]
    assert chosen
    for view, condition in chosen:
        assert condition.words <= set(fact_table(view.table).columns[condition.column]), view
    assert all(len(view.rows(("",))) > 5 for view in views)
