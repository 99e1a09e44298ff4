"""Whether a request may pass: rate limits, quotas and budgets. Time and counts in, decision out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raysim.simplatform.config import LimitsConfig


@dataclass(slots=True)
class TokenBucket:
    """`burst` tokens at most, refilled at `rate` a second; a request takes one."""

    rate: float
    burst: int
    level: float
    updated_at: float

    def refill(self, now: float) -> None:
        """Bring the level up to `now`."""
        self.level = min(float(self.burst), self.level + (now - self.updated_at) * self.rate)
        self.updated_at = now

    def wait_s(self) -> float:
        """Seconds until a token is there; 0 when one is."""
        return max(0.0, (1.0 - self.level) / self.rate)


@dataclass(frozen=True, slots=True)
class Pass:
    """The request may pass."""

    limit: float
    remaining: int


@dataclass(frozen=True, slots=True)
class Denial:
    """The request may not pass.

    Args:
        kind: `rate_limit`, `budget` or `quota`.
        usage: what has been used: dollars, requests, or requests in the bucket's window.
        limit: what may be used, in the same unit.
        quota_type: which limit that is.
        retry_after_s: when to come back, rounded up to whole seconds; 0 when waiting does not help.
        rate: requests a second that are allowed; 0 when the limit is no rate.
    """

    kind: str
    usage: float
    limit: float
    quota_type: str
    retry_after_s: int = 0
    rate: float = 0.0


@dataclass(slots=True)
class Budget:
    """What one organisation may spend, and has spent.

    `recorded_usd` is the cost of all ended requests, and of the prompts of those under way.
    """

    limit_usd: float | None
    settled_usd: float = 0.0
    under_way: int = 0
    prompts_usd: float = 0.0

    @property
    def recorded_usd(self) -> float:
        """Spend as the router knows it now."""
        return self.settled_usd + self.prompts_usd

    @property
    def exhausted(self) -> bool:
        """Whether the next request would be refused."""
        return self.limit_usd is not None and self.recorded_usd >= self.limit_usd

    def begin(self, prompt_usd: float) -> None:
        """A request was admitted; its prompt is on the bill from now on."""
        self.under_way += 1
        self.prompts_usd += prompt_usd

    def settle(self, prompt_usd: float, usd: float) -> None:
        """The request ended, having cost `usd` in all."""
        self.under_way -= 1
        # rounding must not leave a residue that grows with the number of requests
        self.prompts_usd = self.prompts_usd - prompt_usd if self.under_way else 0.0
        self.settled_usd += usd


@dataclass(slots=True)
class _OrgState:
    bucket: TokenBucket
    budget: Budget
    admitted: int = 0


@dataclass(slots=True)
class Admission:
    """Every organisation's and every key's limits."""

    limits: LimitsConfig
    _orgs: dict[str, _OrgState] = field(default_factory=dict)
    _keys: dict[str, TokenBucket] = field(default_factory=dict)

    def budget(self, org_id: str, now: float) -> Budget:
        """The budget of an organisation, to read or to change its limit."""
        return self._org(org_id, now).budget

    def rate(self, org_id: str, key_id: str, now: float) -> Pass | Denial:
        """Take a token from the organisation's and the key's bucket, or from neither."""
        limits = self.limits
        org = self._org(org_id, now).bucket
        key = self._keys.get(key_id)
        if key is None:
            key = TokenBucket(limits.key_requests_per_second, limits.key_burst, limits.key_burst, now)
            self._keys[key_id] = key
        for bucket in (org, key):
            bucket.refill(now)
        wait = max(org.wait_s(), key.wait_s())
        if wait > 0:
            scarce, whose = (org, "organization") if org.wait_s() >= key.wait_s() else (key, "api_key")
            used = scarce.burst - math.floor(scarce.level)
            return Denial(
                "rate_limit", used, scarce.burst, f"{whose}_requests_per_second", math.ceil(wait), scarce.rate
            )
        org.level -= 1
        key.level -= 1
        tight = min(org, key, key=lambda bucket: bucket.level)
        return Pass(tight.rate, math.floor(tight.level))

    def spend(self, org_id: str, prompt_usd: float, now: float) -> Budget | Denial:
        """Admit a request to the budget and the quota; the caller settles the budget that is returned."""
        org = self._org(org_id, now)
        quota, budget = self.limits.org_request_quota, org.budget
        if quota is not None and org.admitted >= quota:
            return Denial("quota", org.admitted, quota, "organization_requests")
        if budget.limit_usd is not None and budget.exhausted:
            return Denial("budget", budget.recorded_usd, budget.limit_usd, "organization_budget_usd")
        org.admitted += 1
        budget.begin(prompt_usd)
        return budget

    def _org(self, org_id: str, now: float) -> _OrgState:
        state = self._orgs.get(org_id)
        if state is None:
            limits = self.limits
            bucket = TokenBucket(limits.org_requests_per_second, limits.org_burst, limits.org_burst, now)
            state = self._orgs[org_id] = _OrgState(bucket, Budget(limits.org_budget_usd))
        return state
