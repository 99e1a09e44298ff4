"""What a pack has counted, for its reports."""

from __future__ import annotations

import msgspec

from raysim.core.control.messages import Totals
from raysim.core.records.outcome import Outcome
from raysim.core.records.request import ABSENT, RequestRecord

_ARRIVED = Totals(arrived=1)


class Tally:
    """Counts requests that have ended."""

    def __init__(self) -> None:
        self._totals = Totals()
        #: requests that were sent, and those of which only a retry is known not to have been
        self.sent = self.unsure = 0

    def arrive(self) -> None:
        """A request of an open loop was due."""
        self._totals += _ARRIVED

    def add(self, record: RequestRecord) -> None:
        """A request has ended."""
        self._totals += _one(record)
        self.sent += record.sent_ns != ABSENT
        self.unsure += record.sent_ns == ABSENT and record.attempts > 1

    def totals(self, unsent: int) -> Totals:
        """All of it, with the arrivals that were not sent."""
        return msgspec.structs.replace(self._totals, unsent=unsent)


def _one(record: RequestRecord) -> Totals:
    outcome = record.error_type.outcome
    return Totals(
        requests=1,
        success=outcome is Outcome.SUCCESS,
        error=outcome is Outcome.ERROR,
        refused=outcome is Outcome.REFUSED,
        cancelled=outcome is Outcome.CANCELLED,
        cost_usd=record.cost_usd,
        prompt_tokens=max(0, record.prompt_tokens),
        completion_tokens=max(0, record.completion_tokens),
        unverified_usd=record.unverified_usd,
        beyond_usd=max(0.0, record.cost_usd - record.reserved_usd),
    )
