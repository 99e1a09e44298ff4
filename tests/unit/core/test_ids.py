from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.ids import default_seed, new_run_id, request_id, short_id, trace_id, traceparent, valid_run_id

ENTROPY = st.integers(min_value=0, max_value=2**128)


@given(ENTROPY)
def test_a_new_run_id_is_valid_and_tells_when_it_was_made(entropy: int) -> None:
    run_id = new_run_id("20260714-091503", entropy)
    assert re.fullmatch(r"run-20260714-091503-[a-z2-9]{4}", run_id)
    assert valid_run_id(run_id)


def test_runs_of_one_second_differ_by_their_entropy() -> None:
    assert len({new_run_id("20260714-091503", entropy) for entropy in range(5_000)}) == 5_000


@pytest.mark.parametrize("run_id", ["a", "7", "nightly-42", "run-20260714-091503-k3f9", "a" * 63])
def test_run_ids_that_can_name_things(run_id: str) -> None:
    assert valid_run_id(run_id)


@pytest.mark.parametrize(
    "run_id", ["", "-a", "a-", "A", "a_b", "a.b", "a/b", "..", "a b", "a\n", "\na", "a" * 64, "ä", "a-\n"]
)
def test_run_ids_that_cannot(run_id: str) -> None:
    assert not valid_run_id(run_id)


def test_the_short_id_is_six_characters_and_the_runs_own() -> None:
    shorts = {short_id(f"run-{number}") for number in range(1_000)}
    assert len(shorts) == 1_000
    assert all(re.fullmatch(r"[a-z2-9]{6}", short) for short in shorts)
    assert short_id("run-1") == short_id("run-1")


def test_a_run_without_a_seed_gets_its_own() -> None:
    assert len({default_seed(f"run-{number}") for number in range(1_000)}) == 1_000
    assert default_seed("run-1") == default_seed("run-1")


def test_a_restarted_user_does_not_repeat_its_request_ids() -> None:
    ids = {request_id("k3f9ab", u, life, n) for u in range(12) for life in range(3) for n in range(1, 120)}
    assert len(ids) == 12 * 3 * 119


def test_every_request_of_a_run_has_its_own_trace() -> None:
    traces = {trace_id(7, user, life, n) for user in range(50) for life in range(3) for n in range(1, 50)}
    assert len(traces) == 50 * 3 * 49


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**24 - 1), st.integers(0, 255), st.integers(1, 2**32 - 1))
def test_a_traceparent_is_what_w3c_asks_for(seed: int, user: int, life: int, sequence: int) -> None:
    trace = trace_id(seed, user, life, sequence)
    header = traceparent(trace)
    match = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", header)
    assert match is not None
    assert match[1] == trace
    # the standard calls ids of nothing but zeros invalid
    assert int(match[1], 16) != 0
    assert int(match[2], 16) != 0
