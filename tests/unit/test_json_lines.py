from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.json_lines import whole_lines, whole_objects

LINES = b'{"a":1}\n{"b":{"c":2}}\n'


@given(cut=st.integers(0, len(LINES)))
def test_a_writer_that_was_killed_anywhere_leaves_what_it_had_finished(cut: int) -> None:
    torn = LINES[:cut] + b"\n" + LINES
    found = list(whole_objects(torn.splitlines()))
    assert found[-2:] == [{"a": 1}, {"b": {"c": 2}}]
    assert found[:-2] in ([], [{"a": 1}], [{"a": 1}, {"b": {"c": 2}}])


def test_what_is_no_object_is_none() -> None:
    assert list(whole_objects([b"", b"7\n", b"[1]", b"\xff", b'{"a":1}'])) == [{"a": 1}]


def test_a_line_of_another_kind_is_passed_over() -> None:
    decode = msgspec.json.Decoder(dict[str, int]).decode
    assert list(whole_lines([b'{"a":"x"}', b'{"a":1}'], decode)) == [{"a": 1}]


def test_an_error_of_another_kind_is_not_hidden() -> None:
    def decode(_line: bytes) -> int:
        raise RuntimeError("of our own")

    with pytest.raises(RuntimeError):
        list(whole_lines([b"1"], decode))
