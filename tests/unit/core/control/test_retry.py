from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysim.core.control.retry import (
    LONGEST_PAUSE_S,
    LONGEST_RETRY_AFTER_S,
    NO_RETRY,
    FailedAttempt,
    RetryPolicy,
)
from raysim.core.records.outcome import ErrorKind

POLICY = RetryPolicy(attempts=3, backoff_s=1.0)
POLITE = RetryPolicy(attempts=3, backoff_s=1.0, honour_retry_after=True)

#: with nothing arrived yet
AGAIN = {
    ErrorKind.DNS,
    ErrorKind.TIMEOUT_CONNECT,
    ErrorKind.CONNECTION_REFUSED,
    ErrorKind.CONNECTION_RESET,
    ErrorKind.TIMEOUT_FIRST_TOKEN,
    ErrorKind.TIMEOUT_TOTAL,
    ErrorKind.RATE_LIMITED,
    ErrorKind.OVERLOADED,
    ErrorKind.HTTP_5XX,
}


def failed(
    error: ErrorKind = ErrorKind.HTTP_5XX, *, byte: bool = False, token: bool = False, after: float | None = None
) -> FailedAttempt:
    return FailedAttempt(error, first_byte_arrived=byte, first_token_arrived=token, retry_after_s=after)


@pytest.mark.parametrize("error", list(ErrorKind))
def test_which_errors_are_sent_again(error: ErrorKind) -> None:
    assert (POLICY.pause_s(failed(error), 0, 0.5) is not None) == (error in AGAIN)


@pytest.mark.parametrize("error", sorted(AGAIN))
def test_nothing_is_sent_again_once_a_token_has_arrived(error: ErrorKind) -> None:
    assert POLICY.pause_s(failed(error, byte=True, token=True), 0, 0.5) is None


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ErrorKind.TIMEOUT_FIRST_TOKEN, False),
        (ErrorKind.TIMEOUT_TOTAL, False),
        (ErrorKind.HTTP_5XX, True),
        (ErrorKind.RATE_LIMITED, True),
    ],
)
def test_a_timeout_is_sent_again_only_before_the_first_byte(error: ErrorKind, again: bool) -> None:
    assert (POLICY.pause_s(failed(error, byte=True), 0, 0.5) is not None) == again


@pytest.mark.parametrize(
    ("policy", "after", "retries", "chance", "pause"),
    [
        (POLICY, None, 0, 0.0, 0.0),
        (POLICY, None, 0, 0.5, 0.5),
        (POLICY, None, 1, 0.5, 1.0),
        (POLICY, None, 2, 0.5, 2.0),
        (POLICY, None, 3, 0.5, None),
        (RetryPolicy(99, 1.0), None, 98, 0.5, LONGEST_PAUSE_S / 2),
        (RetryPolicy(99, 100.0), None, 0, 0.5, LONGEST_PAUSE_S / 2),
        (RetryPolicy(9, 0.0), None, 3, 0.9, 0.0),
        (POLICY, 7.0, 0, 0.5, 0.5),
        (POLITE, 7.0, 0, 0.5, 7.0),
        (POLITE, 0.0, 2, 0.5, 0.0),
        (POLITE, LONGEST_RETRY_AFTER_S, 0, 0.5, LONGEST_RETRY_AFTER_S),
        (POLITE, LONGEST_RETRY_AFTER_S + 1, 0, 0.5, None),
        (POLITE, 7.0, 3, 0.5, None),
        (POLITE, None, 1, 0.25, 0.5),
        (NO_RETRY, None, 0, 0.5, None),
    ],
)
def test_pauses(policy: RetryPolicy, after: float | None, retries: int, chance: float, pause: float | None) -> None:
    assert policy.pause_s(failed(after=after), retries, chance) == pause


@given(
    policy=st.builds(RetryPolicy, st.integers(0, 50), st.floats(0, 1e6), st.booleans()),
    attempt=st.builds(
        FailedAttempt, st.sampled_from(ErrorKind), st.booleans(), st.booleans(), st.none() | st.floats(0, 1e9)
    ),
    retries=st.integers(0, 5000),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_pauses_are_bounded_and_retries_end(
    policy: RetryPolicy, attempt: FailedAttempt, retries: int, chance: float
) -> None:
    pause = policy.pause_s(attempt, retries, chance)
    assert pause is None or 0.0 <= pause <= LONGEST_RETRY_AFTER_S
    if retries >= policy.attempts or attempt.first_token_arrived:
        assert pause is None
