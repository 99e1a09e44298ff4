"""Documents as YAML."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from raysim.yaml_text import dump_document, parse_documents

TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n\t"))


def test_text_of_several_lines_stands_as_such() -> None:
    text = dump_document({"data": {"scenario.yaml": "a: 1\nb:\n  - two words\n"}})
    assert text == "data:\n  scenario.yaml: |\n    a: 1\n    b:\n      - two words\n"


@given(text=TEXTS)
def test_any_text_comes_back(text: str) -> None:
    assert parse_documents(dump_document({"text": text})) == [{"text": text}]
