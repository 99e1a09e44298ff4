from __future__ import annotations

import pytest

from raysim.core.behaviour.session import Session

S = 1_000_000_000


@pytest.mark.parametrize(
    ("questions", "lasts_ns", "asked", "due_ns", "takes"),
    [
        (3, None, 0, 0, True),
        (3, None, 2, 10**18, True),
        (3, None, 3, 1, False),
        # by time: what would be due after its end belongs to the next one
        (99, 60 * S, 5, 100 * S + 60 * S - 1, True),
        (99, 60 * S, 5, 100 * S + 60 * S, False),
        (2, 60 * S, 2, 100 * S + 1, False),
        # never empty
        (0, None, 0, 0, True),
        (0, None, 1, 0, False),
        (5, 0, 0, 0, True),
        (5, 0, 1, 100 * S, False),
    ],
)
def test_a_session_ends_by_questions_or_by_time(
    questions: int, lasts_ns: int | None, asked: int, due_ns: int, takes: bool
) -> None:
    assert Session(1, questions, lasts_ns).takes(asked, 100 * S, due_ns) is takes
