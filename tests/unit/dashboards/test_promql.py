from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.dashboards.promql import Asked, QueryError, Selector, read


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("up", Asked((Selector("up", ()),), (), ())),
        ('m{a="}", b=~"x|y"} offset 5m', Asked((Selector("m", ("a", "b")),), (), ())),
        ("sum by (a, b) (rate(m[5m]))", Asked((Selector("m", ()),), ("a", "b"), ())),
        ("sum(m) without (a)", Asked((Selector("m", ()),), ("a",), ())),
        ("a / on (x) group_left (y) b", Asked((Selector("a", ()), Selector("b", ())), ("x", "y"), ())),
        ("a * on (x) group_left b", Asked((Selector("a", ()), Selector("b", ())), ("x",), ())),
        ("a and b unless bool or inf", Asked((Selector("a", ()), Selector("b", ())), (), ())),
        ('label_replace(m{c="d"}, "new", "$1", "c", "(.*)")', Asked((Selector("m", ("c",)),), (), ("new",))),
        ("1e3 * m[$__rate_interval] > -.5 # by (z)", Asked((Selector("m", ()),), (), ())),
        ("time() - a:b:c", Asked((Selector("a:b:c", ()),), (), ())),
    ],
)
def test_names_and_labels_of_an_expression(expression: str, asked: Asked) -> None:
    assert read(expression) == asked


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("sum(rate(m[5m])", r"'\)' is missing"),
        ("sum(m))", r"'\)' closes nothing"),
        ("rate(m[5m)]", r"'\)' closes nothing"),
        ('m{a="b}', "not PromQL"),
        ("m ? n", "'\\?' at character 3 is not PromQL"),
        ('{a="b"}', "without the name"),
        ("label_replace(m)", "name the label"),
    ],
)
def test_what_is_no_promql_is_said_to_be_none(expression: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        read(expression)


@given(st.text(alphabet='ab_1(){}[],="~+$ \n'))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        asked = read(text)
    except QueryError:
        return
    assert all(name in text for name in (*asked.grouped, *(selector.name for selector in asked.selectors)))
