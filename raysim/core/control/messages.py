"""What packs and the coordinator say to each other, about once a second."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from raysim.core.control.lease import LeaseOrder, LeaseReport
from raysim.core.control.slots import SlotBlock
from raysim.core.control.terms import Terms
from raysim.core.records.outcome import ErrorKind

#: reason of a user that leaves because it has sent `limits.maxRequestsPerUser`
REQUEST_LIMIT = "request_limit"
#: reasons that lie with a user's tenant: its place stays empty, see `Activation.leave`
TENANT_REASONS = frozenset({str(ErrorKind.BUDGET_EXCEEDED), str(ErrorKind.QUOTA_EXCEEDED)})


class Totals(msgspec.Struct, frozen=True):
    """Counts since a pack's start; they only grow, so that a lost message costs nothing.

    `cost_usd` is what is known to have been spent; `unverified_usd` what may have been besides, for requests whose cost
    the platform did not tell; `beyond_usd` what was billed over the most that a request could cost. `unsent` requests
    were due and never sent, because the run ended while they waited. `arrived` requests came by the clock, sent or not.
    """

    requests: int = 0
    success: int = 0
    error: int = 0
    refused: int = 0
    cancelled: int = 0
    cost_usd: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unverified_usd: float = 0.0
    beyond_usd: float = 0.0
    unsent: int = 0
    arrived: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.requests + other.requests,
            self.success + other.success,
            self.error + other.error,
            self.refused + other.refused,
            self.cancelled + other.cancelled,
            self.cost_usd + other.cost_usd,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.unverified_usd + other.unverified_usd,
            self.beyond_usd + other.beyond_usd,
            self.unsent + other.unsent,
            self.arrived + other.arrived,
        )

    def __sub__(self, other: Totals) -> Totals:
        return Totals(
            self.requests - other.requests,
            self.success - other.success,
            self.error - other.error,
            self.refused - other.refused,
            self.cancelled - other.cancelled,
            self.cost_usd - other.cost_usd,
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.unverified_usd - other.unverified_usd,
            self.beyond_usd - other.beyond_usd,
            self.unsent - other.unsent,
            self.arrived - other.arrived,
        )


@dataclass(frozen=True, slots=True)
class PackHealth:
    """How a pack's process is doing. Lag is how late its 10 ms tick came; all figures are of the whole run so far."""

    pack: str
    node: str
    loop_lag_p99_ms: float
    cpu_ratio: float
    rss_mib: float


@dataclass(frozen=True, slots=True)
class PackView:
    """A pack as its coordinator sees it. `health` is that of its last report, None before the first."""

    health: PackHealth | None
    active: int
    drained: bool
    lost: bool


@dataclass(frozen=True, slots=True)
class PackStatus:
    """What a pack reports. `gone` lists users that left for good since the last report, each with the reason.

    `lease` is None without a limit of cost; `slots_wanted` is how many requests wait for a slot under a cap on rate.
    `life` is 0 for a pack's first process, and grows with each that replaces it. `terms` is the version of those
    that it follows.

    For the case that this is the last that is heard of it, `taken_run_s` is when the report was made, in seconds after
    the run's start (None before that is known); `sent` counts requests that were sent, `unsure` those that were
    accepted or tried and perhaps sent, `askers` users that are or will be active. `accepted` has, under
    `limits.maxRequestsPerUser`, for each user how many requests it has accepted so far in all its lives.
    """

    pack: int
    sequence: int
    totals: Totals
    active: int
    in_flight: int
    drained: bool
    health: PackHealth
    gone: tuple[tuple[int, str], ...] = ()
    lease: LeaseReport | None = None
    slots_wanted: int = 0
    life: int = 0
    terms: int = 0
    taken_run_s: float | None = None
    sent: int = 0
    unsure: int = 0
    askers: int = 0
    accepted: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Switch:
    """A user is to come (`on`) or to go at `at_run_s` seconds after the run's start."""

    user: int
    at_run_s: float
    on: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request of this user is due at `at_run_s` seconds after the run's start, whatever it is doing then.

    `number` grows over the run: an arrival that is told again after a restart of the coordinator has the same one.
    """

    user: int
    at_run_s: float
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class StopOrder:
    """Every user is to stop now; what is in flight may take `drain_s` more seconds."""

    reason: str
    drain_s: float


@dataclass(frozen=True, slots=True)
class Orders:
    """The coordinator's answer.

    `clock_s` is its clock when it answered, `wall_offset_s` what to add to that clock for wall time, and `run_start_s`
    the same clock at the run's start, once that is known. A pack that hears nothing for `lease_s` stops by itself. One
    in which requests wait for money or a slot may report every `urgent_s`. `terms` are those that it does not
    follow yet.
    """

    clock_s: float
    wall_offset_s: float
    lease_s: float
    interval_s: float
    run_start_s: float | None = None
    switches: tuple[Switch, ...] = ()
    stop: StopOrder | None = None
    urgent_s: float = 0.05
    lease: LeaseOrder | None = None
    slots: SlotBlock | None = None
    arrivals: tuple[Arrival, ...] = ()
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth a line in `events.jsonl`; the writer adds the time."""

    kind: str
    detail: dict[str, object] = field(default_factory=dict)
