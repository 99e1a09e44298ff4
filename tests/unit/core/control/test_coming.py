from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from raysim.core.control.coming import Coming
from raysim.core.control.messages import Switch


def test_what_is_due_is_taken_once_in_its_order() -> None:
    switches = [Switch(7, 1.0, on=True), Switch(3, 1.0, on=True), Switch(7, 2.0, on=False)]
    coming = Coming(switches)
    assert coming.take(0.9) == []
    assert coming.take(1.0) == switches[:2]
    assert coming.take(5.0) == switches[2:]
    assert list(coming) == []


def test_a_user_that_left_and_came_back_gets_only_what_was_planned_afterwards() -> None:
    coming = Coming([Switch(7, 1.0, on=True), Switch(7, 2.0, on=False), Switch(3, 2.0, on=True)])
    coming.forget([7])
    coming.extend([Switch(7, 3.0, on=True)])
    left = [Switch(3, 2.0, on=True), Switch(7, 3.0, on=True)]
    assert list(coming) == left
    assert coming.take(9.0) == left


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("plan"), st.integers(0, 3)),
        st.tuples(st.just("forget"), st.integers(0, 3)),
        st.tuples(st.just("take"), st.integers(0, 12)),
    ),
    max_size=40,
)


@given(_STEPS)
def test_it_holds_what_a_plain_list_would_hold(steps: list[tuple[str, int]]) -> None:
    coming, plain, at_s = Coming(), list[Switch](), 0.0
    for what, number in steps:
        if what == "plan":
            at_s += 0.5
            coming.extend([Switch(number, at_s, on=True)])
            plain.append(Switch(number, at_s, on=True))
        elif what == "forget":
            coming.forget([number])
            plain = [switch for switch in plain if switch.user != number]
        else:
            assert coming.take(number) == [switch for switch in plain if switch.at_run_s <= number]
            plain = [switch for switch in plain if switch.at_run_s > number]
        assert list(coming) == plain
