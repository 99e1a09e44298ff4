from __future__ import annotations

import pytest

from raysim.core.records.outcome import ErrorKind, Outcome

#: every kind that the documentation names, by what it counts as
DOCUMENTED = {
    Outcome.SUCCESS: {""},
    Outcome.REFUSED: {"rate_limited", "budget_exceeded", "quota_exceeded"},
    Outcome.CANCELLED: {"cancelled", "injected"},
    Outcome.ERROR: {
        "timeout_connect", "timeout_first_token", "timeout_total", "connection_refused", "connection_reset", "tls",
        "dns", "http_4xx", "http_5xx", "auth", "overloaded", "stream_interrupted", "stream_error", "protocol",
        "invalid_response", "expectation_failed", "circuit_open",
    },
}  # fmt: skip


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_kind_of_error_counts_as_documented(outcome: Outcome) -> None:
    assert {str(kind) for kind in ErrorKind if kind.outcome is outcome} == DOCUMENTED[outcome]
