from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from raysim.kube.manifest import MOST_NAME_CHARACTERS, object_name

DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@given(st.text(max_size=120))
def test_every_text_becomes_a_name_that_kuberay_takes(text: str) -> None:
    name = object_name(text)
    assert DNS_1035.fullmatch(name)
    assert len(name) <= MOST_NAME_CHARACTERS


def test_a_name_that_is_one_stays() -> None:
    assert object_name("single-org-50") == "single-org-50"
    assert object_name("3 orgs, 20 users") == "raysim-3-orgs-20-users"


def test_long_names_that_differ_at_the_end_stay_different() -> None:
    first, second = object_name("a" * 80 + "-one"), object_name("a" * 80 + "-two")
    assert first != second
    assert len(first) == len(second) == MOST_NAME_CHARACTERS
