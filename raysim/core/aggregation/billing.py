"""Does what the platform charged agree with what its users counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: figures that differ by less than this share of the larger one agree: headers and ledgers round
TOLERANCE = 0.001


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


def reconcile(client: Bill, platform: Bill) -> Reconciliation:
    """Hold the platform's bill against the client's: they agree when no figure of both differs by over 0.1 %."""
    pairs = (
        (client.usd, platform.usd),
        (client.requests, platform.requests),
        (client.prompt_tokens, platform.prompt_tokens),
        (client.completion_tokens, platform.completion_tokens),
    )
    agrees = all(_alike(mine, theirs) for mine, theirs in pairs if mine is not None and theirs is not None)
    return Reconciliation(
        client=client,
        platform=platform,
        difference=Bill(
            usd=None if client.usd is None or platform.usd is None else platform.usd - client.usd,
            requests=_less(platform.requests, client.requests),
            prompt_tokens=_less(platform.prompt_tokens, client.prompt_tokens),
            completion_tokens=_less(platform.completion_tokens, client.completion_tokens),
        ),
        verdict=BillVerdict.AGREES if agrees else BillVerdict.DIFFERS,
    )


def _alike(mine: float, theirs: float) -> bool:
    return abs(theirs - mine) <= TOLERANCE * max(abs(mine), abs(theirs))


def _less(theirs: int | None, mine: int | None) -> int | None:
    return None if theirs is None or mine is None else theirs - mine
