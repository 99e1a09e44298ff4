from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from raysim.core.behaviour.options import Distinct, Numbers, longest
from raysim.core.behaviour.question_template import QuestionTemplate, Scatter

SIZES = st.tuples(st.integers(1, 2**50), st.integers(1, 2**50))
ANIMALS = (("cat",), ("dog",), ("eel",))


def filled(template: QuestionTemplate) -> list[str]:
    first, second = template.sizes
    return [template.fill(x, y)[0] for x in range(first) for y in range(second)]


@given(sizes=SIZES, share=st.floats(0, 1, exclude_max=True))
@example(sizes=(1, 1), share=0.0)
@example(sizes=(12, 1), share=0.5)
def test_a_place_tells_its_rank(sizes: tuple[int, int], share: float) -> None:
    scatter = Scatter(sizes)
    rank = int(share * sizes[0] * sizes[1])
    x, y = scatter.pair(rank)
    assert 0 <= x < sizes[0]
    assert 0 <= y < sizes[1]
    assert scatter.rank(x, y) == rank
    assert scatter.pair(rank + sizes[0] * sizes[1]) == (x, y)


@given(sizes=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_every_place_has_a_rank(sizes: tuple[int, int]) -> None:
    scatter = Scatter(sizes)
    assert len({scatter.pair(rank) for rank in range(sizes[0] * sizes[1])}) == sizes[0] * sizes[1]


def test_neighbours_have_nothing_in_common() -> None:
    scatter = Scatter((444 * 200, 444 * 60))
    digits = [(x % 444, x // 444, y % 444, y // 444) for x, y in map(scatter.pair, range(20_000))]
    for step in (1, 2, 1_000):
        same = [
            sum(one == other for one, other in zip(digits[place], digits[place + step], strict=True))
            for place in range(len(digits) - step)
        ]
        # by chance alone: 1/444 + 1/200 + 1/444 + 1/60
        assert 0.02 < sum(same) / len(same) < 0.035


def test_a_template_makes_every_combination_once() -> None:
    template = QuestionTemplate("{0} or {1}: {2}?", (Distinct((ANIMALS, ANIMALS)), Numbers(1, 1, 2)))
    texts = filled(template)
    assert template.size == len(texts) == len(set(texts)) == 12
    assert "cat or dog: 1?" in texts
    assert not any(text.startswith("cat or cat") for text in texts)


def test_a_row_can_stand_in_several_places() -> None:
    template = QuestionTemplate("{1} by {0}", ((("Goethe", "Faust"), ("Dante", "Inferno")),), subject=1)
    assert [template.fill(*pair) for pair in ((0, 0), (0, 1))] == [
        ("Faust by Goethe", "Faust"),
        ("Inferno by Dante", "Inferno"),
    ]


def test_the_subject_stands_after_the_slots() -> None:
    assert QuestionTemplate("{1}, or {0}?", (ANIMALS,)).fill(0, 1, "a horse") == ("a horse, or dog?", "a horse")


def test_numbers_are_written_as_people_write_them() -> None:
    assert [row[0] for row in Numbers(1_000, 500, 3, grouped=True)] == ["1,000", "1,500", "2,000"]
    assert [row[0] for row in Numbers(95, 5, 3, decimals=1)] == ["9.5", "10", "10.5"]
    assert Numbers(1_755, 1, 2)[0] == ("1755",)


@given(st.integers(2, 6), st.data())
def test_distinct_rows_are_all_ordered_choices(count: int, data: st.DataObject) -> None:
    rows = tuple((str(n),) for n in range(count))
    members = data.draw(st.integers(1, count))
    chosen = list(Distinct((rows,) * members))
    assert len(chosen) == len(set(chosen)) == len(Distinct((rows,) * members))
    assert all(len(set(row)) == members for row in chosen)


def test_the_longest_text_is_known() -> None:
    template = QuestionTemplate("{0}{1}{2}", (Distinct((ANIMALS, ANIMALS)), Numbers(1, 1, 100)))
    assert longest(Numbers(1, 1, 100)) == 3
    assert max(map(len, filled(template))) == 9 <= template.most_characters
