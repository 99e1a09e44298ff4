"""The platform's own books: requests, tokens and dollars per organisation, to hold a load test's figures against."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from raysim.core.pricing import Price, cost_usd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from raysim.simplatform.accounts import Org


class Fate(StrEnum):
    """What became of a request to the router."""

    SERVED = "served"
    REFUSED_AUTH = "refused_auth"
    REFUSED_INVALID = "refused_invalid"
    REFUSED_RATE_LIMIT = "refused_rate_limit"
    REFUSED_BUDGET = "refused_budget"
    REFUSED_QUOTA = "refused_quota"
    #: answered with a status of 500 or more
    FAILED_ERROR = "failed_error"
    #: the connection was reset by a fault, without an answer
    FAILED_RESET = "failed_reset"
    #: the stream was cut by a fault
    FAILED_CUT = "failed_cut"
    #: the client closed the connection before the end
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `started_at` is Unix time in seconds."""

    request_id: str
    org_id: str
    org: str
    model: str
    fate: Fate
    prompt_tokens: int
    completion_tokens: int
    usd: float
    started_at: float

    def to_json(self) -> dict[str, object]:
        """As `/sim/ledger?requests=1` lists it."""
        return {
            "request_id": self.request_id,
            "org_id": self.org_id,
            "org": self.org,
            "model": self.model,
            "status": self.fate.value,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "usd": self.usd,
            "started_at": self.started_at,
        }


@dataclass(slots=True)
class Account:
    """Sums of one organisation, or of all."""

    requests: Counter[str] = field(default_factory=lambda: Counter({fate.value: 0 for fate in Fate}))
    prompt_tokens: Counter[str] = field(default_factory=Counter)
    completion_tokens: Counter[str] = field(default_factory=Counter)
    streams: int = 0
    peak_streams: int = 0

    def add(self, entry: Entry) -> None:
        """Book one request."""
        self.requests[entry.fate.value] += 1
        if entry.prompt_tokens or entry.completion_tokens:
            self.prompt_tokens[entry.model] += entry.prompt_tokens
            self.completion_tokens[entry.model] += entry.completion_tokens

    def open_stream(self) -> None:
        """A stream began."""
        self.streams += 1
        self.peak_streams = max(self.peak_streams, self.streams)

    def usd(self, prices: Mapping[str, Price]) -> float:
        """Dollars, from whole tokens per model, so that it does not depend on the order of requests."""
        return math.fsum(
            cost_usd(prices[model], tokens, self.completion_tokens[model])
            for model, tokens in self.prompt_tokens.items()
        )

    def to_json(self, prices: Mapping[str, Price]) -> dict[str, object]:
        """As `/sim/ledger` shows it."""
        return {
            "requests": {"total": self.requests.total(), **self.requests},
            "prompt_tokens": self.prompt_tokens.total(),
            "completion_tokens": self.completion_tokens.total(),
            "usd": self.usd(prices),
            "peak_streams": self.peak_streams,
        }


class Ledger:
    """The books since the platform started or was reset.

    Args:
        prices: what each model costs.
        keep: how many single requests are kept; sums are always complete.
    """

    def __init__(self, prices: Mapping[str, Price], *, keep: int) -> None:
        self._prices = prices
        self._keep = keep
        self._total = Account()
        self._orgs: dict[str, Account] = {}
        self._entries: list[Entry] = []
        self._dropped = 0

    def account(self, org_id: str) -> Account:
        """The sums of one organisation."""
        account = self._orgs.get(org_id)
        if account is None:
            account = self._orgs[org_id] = Account()
        return account

    def book(self, entry: Entry) -> None:
        """Write down a request that ended. Its `org_id` is empty when nobody knows who sent it."""
        self._total.add(entry)
        if entry.org_id:
            self.account(entry.org_id).add(entry)
        if len(self._entries) < self._keep:
            self._entries.append(entry)
        else:
            self._dropped += 1

    def stream_opened(self, org_id: str) -> None:
        """A streaming request was admitted."""
        self._total.open_stream()
        self.account(org_id).open_stream()

    def stream_closed(self, org_id: str) -> None:
        """That request ended."""
        self._total.streams -= 1
        self.account(org_id).streams -= 1

    def to_json(self, orgs: Iterable[Org], *, entries: bool) -> dict[str, object]:
        """The answer of `/sim/ledger`.

        Args:
            orgs: every organisation there is or was.
            entries: with a list of single requests.
        """
        everyone = list(orgs)
        total = self._total.to_json(self._prices) | {
            "orgs": dict(_by_status(org.status for org in everyone)),
            **_people(everyone),
        }
        books: dict[str, object] = {
            "total": total,
            "orgs": [
                {"org_id": org.id, "slug": org.slug, "status": org.status}
                | self.account(org.id).to_json(self._prices)
                | _people([org])
                for org in everyone
            ],
        }
        if entries:
            books |= {"requests": [e.to_json() for e in self._entries], "requests_dropped": self._dropped}
        return books


def _by_status(statuses: Iterable[str], extra: tuple[str, ...] = ()) -> Counter[str]:
    names = ("created", "active", *extra, "suspended", "deleted")
    counts = Counter(dict.fromkeys(names, 0))
    for status in statuses:
        counts["created"] += 1
        counts[status] += 1
    return counts


def _people(orgs: list[Org]) -> dict[str, object]:
    members = [user for org in orgs for user in org.users.values()]
    keys = [key for org in orgs for key in org.keys.values()]
    revoked = sum(key.revoked_at is not None for key in keys)
    return {
        "users": dict(_by_status((u.status for u in members if not u.service), ("invited",))),
        "service_accounts": dict(_by_status(u.status for u in members if u.service)),
        "keys": {"created": len(keys), "active": len(keys) - revoked, "revoked": revoked},
    }
