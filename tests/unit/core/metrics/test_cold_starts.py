from __future__ import annotations

import numpy as np

from raysim.core.metrics.cold_starts import ColdStarts

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def starts(*requests: tuple[float, float], batches: int = 1) -> float:
    """The cold starts among requests that were sent at some second and whose first token took so long."""
    found = ColdStarts()
    for part in np.array_split(np.array(requests), batches):
        sent = START + (part[:, 0] * 1e9).astype(np.int64)
        found.add(np.zeros(len(part), dtype=np.intp), sent, part[:, 1])
    return found[0]


def warm(start_s: float, count: int = 25) -> list[tuple[float, float]]:
    return [(start_s + place, 0.1) for place in range(count)]


def test_the_first_answer_is_cold_when_it_was_slow() -> None:
    assert starts((0.0, 4.0), *warm(5.0)) == 1
    assert starts((0.0, 0.1), *warm(5.0)) == 0


def test_after_a_minute_without_answers_a_slow_one_is_cold() -> None:
    assert starts(*warm(0.0), (100.0, 4.0), (105.0, 0.1)) == 1
    assert starts(*warm(0.0), (40.0, 4.0)) == 0  # slow, but nothing had gone to sleep
    assert starts(*warm(0.0), (100.0, 0.1)) == 0


def test_it_does_not_matter_how_requests_come_in_batches() -> None:
    requests = [(0.0, 4.0), *warm(5.0), (200.0, 3.0), *warm(205.0)]
    assert starts(*requests) == starts(*requests, batches=9) == 2


def test_nothing_is_judged_before_enough_is_known() -> None:
    assert starts((0.0, 9.0), *warm(10.0, 5)) == 0
