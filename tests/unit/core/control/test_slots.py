from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.control.slots import SLOT_LIFE_S, SlotBlock, SlotBook


def test_slots_lie_evenly_and_nobody_gets_one_twice() -> None:
    book = SlotBook(10.0)
    assert book.take(0, 3, 100.0) == SlotBlock(100.0, 3, 0.1)
    second = book.take(1, 2, 100.0)
    assert second is not None
    assert second.first_s == pytest.approx(100.3)
    assert second.count == 2
    assert book.take(0, 0, 100.0) is None
    # nobody asked for a while: what was not asked for is not saved up
    assert book.take(0, 1, 200.0) == SlotBlock(200.0, 1, 0.1)


def test_slots_are_given_out_for_a_second_at_most() -> None:
    book = SlotBook(10.0)
    block = book.take(0, 1_000, 0.0)
    assert block is not None
    assert block.count == 11
    assert book.take(0, 1_000, 0.0) is None
    later = book.take(0, 1_000, 0.5)
    assert later is not None
    assert later.first_s == pytest.approx(1.1)
    assert later.count == 5


def test_packs_share_by_what_waits_in_them() -> None:
    book = SlotBook(100.0)
    book.take(0, 300, 0.0)
    first = book.take(1, 100, 1.0)
    second = book.take(0, 300, 1.0)
    assert first is not None
    assert second is not None
    assert (first.count, second.count) == (25, 57)
    book.forget(0)
    third = book.take(1, 100, 3.0)
    assert third is not None
    assert third.count == 100


def test_a_rate_below_one_a_second_gives_one_at_a_time() -> None:
    book = SlotBook(0.1)
    assert book.take(0, 5, 0.0) == SlotBlock(0.0, 1, 10.0)
    assert book.take(0, 5, 5.0) is None
    assert book.take(0, 5, 9.5) == SlotBlock(10.0, 1, 10.0)


def test_a_slot_that_is_too_old_is_not_used() -> None:
    block = SlotBlock(10.0, 4, 0.1)
    assert block.usable(10.05) == pytest.approx([10.0, 10.1, 10.2, 10.3])
    assert block.usable(10.25) == pytest.approx([10.1, 10.2, 10.3])
    assert block.usable(20.0) == []


@given(
    st.floats(0.2, 500),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60), st.floats(0, 0.3), st.floats(0, 0.6)), max_size=60),
)
def test_the_rate_is_held_whatever_packs_ask_for(rate: float, asked: list[tuple[int, int, float, float]]) -> None:
    """Sent when the answer is there, or at the slot's time: in any second no more than the rate and its burst."""
    book, now_s, sent = SlotBook(rate), 0.0, []
    for pack, wanted, pause_s, delay_s in asked:
        now_s += pause_s
        block = book.take(pack, wanted, now_s)
        if block is not None:
            assert block.count <= wanted
            sent += [max(at_s, now_s + delay_s) for at_s in block.usable(now_s + delay_s)]
    sent.sort()
    for start, first_s in enumerate(sent):
        within = sum(1 for at_s in sent[start:] if at_s < first_s + 1.0)
        assert within <= rate * (1.0 + SLOT_LIFE_S) + 1 + 1e-6
