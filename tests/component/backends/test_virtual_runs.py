"""What is found in whole runs, from the text of the simulator's pages: one of each; benchmarks.findings has many."""

from __future__ import annotations

import pytest

from benchmarks.findings import INJECTED, case, examine
from raysim.core.backends.causes import Cause


@pytest.mark.parametrize(
    "causes", [set(), *({cause} for cause in INJECTED), {Cause.QUEUEING, Cause.GATEWAY}, {Cause.DECODE, Cause.GATEWAY}]
)
def test_what_was_done_to_the_backends_is_found(causes: set[Cause]) -> None:
    expected, doubtful, findings = examine(case(frozenset(causes), seed=2))
    assert doubtful == frozenset()
    assert {finding.cause for finding in findings} == expected == causes
