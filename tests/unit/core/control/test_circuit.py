from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.control.circuit import Circuit, CircuitPolicy, CircuitState
from raysim.core.records.outcome import Outcome

POLICY = CircuitPolicy(failures=3, open_for_s=10.0)
OK, BAD, NO, CUT = Outcome.SUCCESS, Outcome.ERROR, Outcome.REFUSED, Outcome.CANCELLED
CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([], CLOSED),
        ([BAD, BAD], CLOSED),
        ([BAD, BAD, BAD], OPEN),
        ([BAD, BAD, OK, BAD, BAD], CLOSED),
        ([BAD, BAD, NO, BAD, BAD], CLOSED),
        ([BAD, BAD, CUT, BAD], OPEN),
        ([NO] * 9, CLOSED),
        ([CUT] * 9, CLOSED),
    ],
)
def test_so_many_failures_in_a_row_open_it(outcomes: list[Outcome], state: CircuitState) -> None:
    circuit = Circuit(POLICY)
    for outcome in outcomes:
        circuit.note(outcome, 5.0)
    assert circuit.state is state


def opened(at_s: float = 0.0) -> Circuit:
    circuit = Circuit(POLICY)
    for _ in range(3):
        circuit.note(BAD, at_s)
    return circuit


@pytest.mark.parametrize(("now_s", "allowed", "left_s"), [(0.0, False, 10.0), (9.9, False, 0.1), (10.0, True, 0.0)])
def test_it_stays_open_for_its_time(now_s: float, allowed: bool, left_s: float) -> None:
    circuit = opened()
    assert circuit.allows(now_s) is allowed
    assert circuit.left_s(now_s) == pytest.approx(left_s)


@pytest.mark.parametrize(
    ("outcome", "state", "allowed_at"),
    [(OK, CLOSED, 10.0), (NO, CLOSED, 10.0), (BAD, OPEN, 21.0), (CUT, HALF_OPEN, 11.0)],
)
def test_the_probe_decides(outcome: Outcome, state: CircuitState, allowed_at: float) -> None:
    circuit = opened()
    assert circuit.allows(11.0)
    assert circuit.state is HALF_OPEN
    circuit.note(outcome, 11.0)
    assert circuit.state is state
    assert circuit.allows(allowed_at)
    assert state is not OPEN or not opened(11.0).allows(20.9)


def test_after_it_closed_failures_are_counted_anew() -> None:
    circuit = opened()
    circuit.allows(10.0)
    circuit.note(OK, 10.0)
    circuit.note(BAD, 11.0)
    circuit.note(BAD, 12.0)
    assert circuit.state is CLOSED
    circuit.note(BAD, 13.0)
    assert circuit.state is OPEN


def test_without_a_policy_it_never_opens() -> None:
    circuit = Circuit(None)
    for _ in range(100):
        circuit.note(BAD, 0.0)
        assert circuit.allows(0.0)


@given(
    st.integers(1, 5),
    st.floats(0.1, 100),
    st.lists(st.tuples(st.sampled_from(Outcome), st.floats(0, 50)), max_size=60),
)
def test_what_it_lets_through_is_never_more_than_promised(
    failures: int, open_for_s: float, steps: list[tuple[Outcome, float]]
) -> None:
    circuit, now_s, in_a_row, opened_s = Circuit(CircuitPolicy(failures, open_for_s)), 0.0, 0, -1e9
    for outcome, after_s in steps:
        now_s += after_s
        if not circuit.allows(now_s):
            assert now_s < opened_s + open_for_s
            continue
        assert now_s >= opened_s + open_for_s or in_a_row < failures
        circuit.note(outcome, now_s)
        if outcome is BAD:
            in_a_row += 1
        elif outcome is not CUT:
            in_a_row = 0
        if circuit.state is OPEN:
            assert in_a_row >= 1
            opened_s = now_s
