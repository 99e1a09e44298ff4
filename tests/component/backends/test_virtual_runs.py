"""What is found in whole runs, from the text of the simulator's pages: one of each; benchmarks.findings has many."""

from __future__ import annotations

import pytest

from benchmarks.findings import case, examine
from raysim.core.backends.causes import Cause


@pytest.mark.parametrize(
    ("seed", "causes"),
    [
        (0, set()),
        (0, {Cause.QUEUEING}),
        (0, {Cause.PREFILL}),
        (0, {Cause.DECODE}),
        (1, {Cause.KV_FULL}),
        (0, {Cause.GATEWAY}),
        (1, {Cause.QUEUEING, Cause.KV_FULL}),
        (2, {Cause.DECODE, Cause.GATEWAY}),
    ],
)
def test_what_was_done_to_the_backends_is_found(seed: int, causes: set[Cause]) -> None:
    expected, doubtful, findings = examine(case(frozenset(causes), seed))
    # by the simulation's own books it took effect
    assert set(expected) == causes
    assert not doubtful
    assert {finding.cause for finding in findings} == causes
