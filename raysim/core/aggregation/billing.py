"""Does what the platform charged agree with what its users counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

#: figures that differ by less than this share of the larger one agree: headers and ledgers round
TOLERANCE = 0.001
#: a difference below this, in dollars, is one of adding up
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Bill:
    """Money in USD, and tokens; None where a side does not state it. `requests` are those that were served."""

    usd: float | None
    requests: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class BillVerdict(StrEnum):
    """Whether two bills agree."""

    AGREES = "agrees"
    DIFFERS = "differs"
    #: the platform charged more, and no more than for what lost users may have sent without a record
    EXPLAINED = "explained"


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """The most that requests without a record can amount to; `requests` is None when nothing bounds them.

    `usd` and both counts of tokens are the most of a single request.
    """

    requests: int | None
    usd: float
    prompt_tokens: int
    completion_tokens: int

    def explains(self, surplus: Bill) -> bool:
        """Whether the platform can have charged this much more for them."""
        most = math.inf if self.requests is None else self.requests
        pairs = (
            (surplus.usd, self.usd),
            (surplus.requests, 1),
            (surplus.prompt_tokens, self.prompt_tokens),
            (surplus.completion_tokens, self.completion_tokens),
        )
        # a platform that charges less has other reasons
        return most > 0 and all(
            -_ROUNDING <= more <= most * each + _ROUNDING for more, each in pairs if more is not None
        )


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Both bills, `difference` (the platform's less the client's) of each figure that both state, and the verdict."""

    client: Bill
    platform: Bill
    difference: Bill
    verdict: BillVerdict

    @property
    def share(self) -> float | None:
        """The difference of dollars as a share of what the client counted; None when that is 0 or not known."""
        return self.difference.usd / self.client.usd if self.difference.usd is not None and self.client.usd else None


def reconcile(client: Bill, platform: Bill, unrecorded: Unrecorded | None = None) -> Reconciliation:
    """Hold the platform's bill against the client's: they agree when no figure of both differs by over 0.1 %.

    Args:
        client: what its users counted.
        platform: what the platform charged.
        unrecorded: what lost users may have sent besides; None when none was lost.
    """
    pairs = (
        (client.usd, platform.usd),
        (client.requests, platform.requests),
        (client.prompt_tokens, platform.prompt_tokens),
        (client.completion_tokens, platform.completion_tokens),
    )
    agrees = all(_alike(mine, theirs) for mine, theirs in pairs if mine is not None and theirs is not None)
    difference = Bill(
        usd=None if client.usd is None or platform.usd is None else platform.usd - client.usd,
        requests=_less(platform.requests, client.requests),
        prompt_tokens=_less(platform.prompt_tokens, client.prompt_tokens),
        completion_tokens=_less(platform.completion_tokens, client.completion_tokens),
    )
    verdict = BillVerdict.AGREES if agrees else BillVerdict.DIFFERS
    if not agrees and unrecorded is not None and unrecorded.explains(difference):
        verdict = BillVerdict.EXPLAINED
    return Reconciliation(client, platform, difference, verdict)


def _alike(mine: float, theirs: float) -> bool:
    return abs(theirs - mine) <= TOLERANCE * max(abs(mine), abs(theirs))


def _less(theirs: int | None, mine: int | None) -> int | None:
    return None if theirs is None or mine is None else theirs - mine
