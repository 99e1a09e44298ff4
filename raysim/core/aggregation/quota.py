"""Did a platform hold the limits of a tenant: was the cut where the budget is, and did `Retry-After` tell the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]

#: a user's clock and the platform's differ a little, and a request takes a moment to get there
_EARLY_S = 0.05


class CutVerdict(StrEnum):
    """Where a tenant was cut off."""

    #: the budget lies between what was spent when the last request was let in and when the first one was refused
    AT_BUDGET = "at_budget"
    #: requests were let in although the budget had been spent by more than one request
    LATE = "late"
    #: refused although the budget was not spent, by more than one request
    EARLY = "early"
    #: there is a budget, more than one request was spent beyond it, and nobody was refused
    NO_CUT = "no_cut"
    #: the budget was not reached, and nobody was refused
    NOT_REACHED = "not_reached"
    #: refused, but no budget is known to hold that against
    NO_BUDGET = "no_budget"


@dataclass(frozen=True, slots=True)
class TenantRequests:
    """One tenant's requests; all arrays have the same length, in the order in which they were sent.

    Args:
        sent_s: when it was sent (due where it never was), in seconds after the run's second 0.
        end_s: when its answer was complete, on the same clock.
        usd: what it cost.
        success: it succeeded.
        spent: it was refused because a budget or quota is used up.
        limited: it was refused by a rate limit.
        retry_after_s: how long the refusal asked to wait; NaN when it did not.
        user: a number for each user.
    """

    sent_s: Floats
    end_s: Floats
    usd: Floats
    success: Flags
    spent: Flags
    limited: Flags
    retry_after_s: Floats
    user: Codes

    def spent_by(self, moment_s: float) -> float:
        """Dollars of the requests that had ended by then."""
        return math.fsum(self.usd[self.end_s <= moment_s])

    def under_way_usd(self, moment_s: float) -> float:
        """Dollars, in the end, of the requests that were under way then."""
        return math.fsum(self.usd[(self.sent_s < moment_s) & (self.end_s > moment_s)])


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the cut was. Money in USD; None where there is nothing to say.

    `spent_at_last_admission_usd` and `spent_at_first_refusal_usd` are of requests that had ended; `under_way_usd` is
    what those that were under way at the refusal cost in the end, which no platform can know that reserves nothing.
    `off_by_requests` is how far outside these two the budget lies, in requests of mean cost: above 0 the cut was late,
    below 0 early, and 0 is right.
    """

    verdict: CutVerdict
    budget_usd: float | None
    spent_usd: float
    first_refusal_s: float | None = None
    spent_at_first_refusal_usd: float | None = None
    spent_at_last_admission_usd: float | None = None
    under_way_usd: float | None = None
    off_by_requests: float | None = None
    refused: int = 0
    served_after_refusal: int = 0


def judge_cut(requests: TenantRequests, budget_usd: float | None) -> Cut:
    """The verdict on where a tenant with this budget was cut off.

    A request under way at the cut is not a late one: it was let in while there was money. So the cut is right when the
    spend had not reached the budget at the last admission before the first refusal, and had at the refusal, the
    requests under way counted in (a platform may charge prompts, or reserve, before the end).
    """
    total = math.fsum(requests.usd)
    paid = requests.usd[requests.usd > 0]
    one = float(paid.mean()) if paid.size else 0.0
    refusals = np.flatnonzero(requests.spent)
    if not refusals.size:
        if budget_usd is None:
            return Cut(CutVerdict.NO_BUDGET, None, total)
        over = total - budget_usd
        reached = over > (float(paid.max()) if paid.size else 0.0)
        return Cut(CutVerdict.NO_CUT if reached else CutVerdict.NOT_REACHED, budget_usd, total)
    first = refusals[0]
    at_s, told_s = float(requests.sent_s[first]), float(requests.end_s[first])
    admitted = requests.sent_s[requests.success & (requests.sent_s < at_s)]
    last_admission = requests.spent_by(float(admitted[-1])) if admitted.size else 0.0
    at_refusal, under_way = requests.spent_by(at_s), requests.under_way_usd(at_s)
    verdict, off = CutVerdict.NO_BUDGET, None
    if budget_usd is not None:
        verdict, off = _placed(budget_usd, last_admission, at_refusal + under_way, one)
    return Cut(
        verdict=verdict,
        budget_usd=budget_usd,
        spent_usd=total,
        first_refusal_s=at_s,
        spent_at_first_refusal_usd=at_refusal,
        spent_at_last_admission_usd=last_admission,
        under_way_usd=under_way,
        off_by_requests=off,
        refused=int(refusals.size),
        served_after_refusal=int((requests.success & (requests.sent_s > told_s)).sum()),
    )


def _placed(budget_usd: float, low_usd: float, high_usd: float, one_usd: float) -> tuple[CutVerdict, float | None]:
    if budget_usd < low_usd:
        outside = low_usd - budget_usd
    elif budget_usd > high_usd:
        outside = high_usd - budget_usd
    else:
        outside = 0.0
    off = outside / one_usd if one_usd else None
    if abs(outside) <= one_usd:
        return CutVerdict.AT_BUDGET, off
    return (CutVerdict.LATE if outside > 0 else CutVerdict.EARLY), off


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """How true `Retry-After` was. Times in seconds, None where nobody was asked to wait.

    Of the refusals by a rate limit that asked to wait: `kept`, its user's next request came after that time and was
    served; `broken`, it came after that time and was refused by the rate again; `untested`, it came earlier, or ended
    in another way, or there was none. `promised_*` is what was asked, `actual_p50_s` from the refusal to the user's
    next success, of those that were kept.
    """

    limited: int
    unstated: int
    kept: int
    broken: int
    untested: int
    promised_p50_s: float | None
    promised_max_s: float | None
    actual_p50_s: float | None


def judge_retry_after(requests: TenantRequests) -> RetryAfter | None:
    """How true `Retry-After` was for one tenant; None when its rate was never limited."""
    limited = np.flatnonzero(requests.limited)
    if not limited.size:
        return None
    promised = requests.retry_after_s[limited]
    stated = limited[~np.isnan(promised)]
    kept = broken = 0
    waits: list[float] = []
    following = _next_of_the_same(requests.user)
    for place in stated:
        after = following[place]
        if after < 0:
            continue
        waited_s = float(requests.sent_s[after] - requests.end_s[place])
        if waited_s + _EARLY_S < requests.retry_after_s[place]:
            continue
        kept += bool(requests.success[after])
        broken += bool(requests.limited[after])
        waits += [waited_s] if requests.success[after] else []
    told = promised[~np.isnan(promised)]
    return RetryAfter(
        limited=int(limited.size),
        unstated=int(limited.size - stated.size),
        kept=kept,
        broken=broken,
        untested=int(stated.size) - kept - broken,
        promised_p50_s=float(np.median(told)) if told.size else None,
        promised_max_s=float(told.max()) if told.size else None,
        actual_p50_s=float(np.median(waits)) if waits else None,
    )


def _next_of_the_same(user: Codes) -> Codes:
    """For each request the place of its user's next one; -1 where there is none."""
    order = np.argsort(user, kind="stable")
    following = np.full(user.size, -1, dtype=np.int64)
    same = user[order[1:]] == user[order[:-1]]
    following[order[:-1][same]] = order[1:][same]
    return following
