from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.behaviour.template import PLACEHOLDERS, fill, fill_path, placeholders

VALUES: dict[str, str | int] = {
    "question": 'Why "so"?',
    "model": "m/1",
    "max_tokens": 12,
    "org_id": "o 1",
    "user_id": "u1",
    "request_id": "r1",
}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{question}", 'Why "so"?'),
        ("{max_tokens}", 12),
        ("at most {max_tokens} tokens, {user_id}", "at most 12 tokens, u1"),
        ("{unknown} {} { {question", "{unknown} {} { {question"),
        ({"a": ["{model}", {"b": "{org_id}"}], "{model}": 1}, {"a": ["m/1", {"b": "o 1"}], "{model}": 1}),
        ([True, None, 1.5, 7], [True, None, 1.5, 7]),
        ("", ""),
    ],
)
def test_texts_are_filled_and_nothing_else(template: object, filled: object) -> None:
    assert fill(template, VALUES) == filled


def test_a_question_that_looks_like_a_placeholder_is_not_filled_again() -> None:
    assert fill("> {question}", VALUES | {"question": "what is {model}?"}) == "> what is {model}?"


def test_values_are_one_step_of_a_path() -> None:
    assert fill_path("/v1/{model}/{org_id}?x={user_id}", VALUES) == "/v1/m%2F1/o%201?x=u1"


def test_placeholders_are_found_wherever_they_are() -> None:
    assert placeholders({"a": ["{model} {x}", {"b": "{model}"}], "c": 3}) == ["model", "x"]
    assert placeholders(None) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="abc{}_"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_what_holds_no_placeholder_stays_as_it_is(template: object) -> None:
    if not set(placeholders(template)) & set(PLACEHOLDERS):
        assert fill(template, VALUES) == template
