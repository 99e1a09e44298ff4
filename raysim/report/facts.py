"""What a report needs to know of a run that no record tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from raysim.core.aggregation.billing import Bill
from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget
from raysim.core.control.checkpoint import Restart
from raysim.core.control.last_words import LostProcess
from raysim.core.control.messages import PackHealth
from raysim.core.control.terms import Reload
from raysim.core.isolation.events import DeclaredFault
from raysim.core.metrics.export_state import ExportState
from raysim.core.plan.run_plan import RunPlan

_FATES = ("deleted", "suspended", "revoked", "retained", "remaining", "gone")


class RunStatus(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    #: by a limit or by somebody who asked for it
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    #: it goes on or was killed: said only of figures that are made from what had been stored, never in a summary's file
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class LostUser:
    """A user whose actor died, when that was noticed (seconds after the run's start), and why.

    `heard_run_s` is when it was last heard of, None if it never was; `back_run_s` when its replacement was ready, None
    if there was none.
    """

    name: str
    at_run_s: float
    why: str
    heard_run_s: float | None = None
    back_run_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A metrics actor was away; both ends in seconds after the run's start, to a quarter of a second."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class LoadSample:
    """How many users were to be active at a moment, and how many were. `run_s` is seconds after the run's start."""

    run_s: float
    target: int
    active: int


@dataclass(frozen=True, slots=True)
class CleanupFacts:
    """What became of the resources that the run created.

    `status` is `complete`, `incomplete`, `retained` or `skipped`; the counts are resources, of keys (`revoked`) or
    of orgs and users (all others). `gone` were not there: never made, or ended with what they belonged to. `command`
    removes what is left, "" when nothing is.
    """

    status: str = "skipped"
    duration_s: float = 0.0
    deleted: int = 0
    suspended: int = 0
    revoked: int = 0
    retained: int = 0
    remaining: int = 0
    gone: int = 0
    command: str = ""

    @classmethod
    def of(cls, counts: Mapping[str, int], duration_s: float, command: str) -> CleanupFacts:
        """From how many resources met which fate; `command` removes what is left."""
        known = {fate: counts.get(fate, 0) for fate in _FATES}
        left = known["remaining"] or known["retained"]
        status = "incomplete" if known["remaining"] else "retained" if known["retained"] else "complete"
        return cls(status, duration_s, **known, command=command if left else "")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as its coordinator and driver saw it.

    Args:
        plan: what was going to happen; after changes during the run, with the terms that were in force last.
        status: how it ended.
        stop_reason: one word: `completed`, or what ended it early.
        stop_message: a sentence with the figures behind the reason; may be empty.
        started_at: the run's second 0, unix seconds.
        duration_s: from second 0 until the last user had drained.
        load_s: from second 0 until users were told to stop; the end of the last phase when nothing ended it early.
        bootstrap_s: how long each user that could be set up took, in seconds.
        lost: users whose actors died.
        cleanup: what was removed and what was left.
        samples: target and active users over time, about one a second.
        packs: the last health of every actor that played users.
        outages: when a metrics actor was away.
        coordinator_restarts: when the coordinator was started again, and how long nobody had decided then.
        records_lost_estimate: requests that were made but whose records never arrived.
        faults: what was switched on in the platform on purpose, and when.
        books: what the platform itself charged each tenant, by its name; empty where that cannot be read.
        unsent: requests that were due and never sent, because the run ended while they waited.
        arrivals_due: requests of an open loop that were due; None without one.
        lost_commitments: worker → all that it may have spent, in USD, of those that lost a process.
        lost_processes: processes that were lost, each with the last that was heard of it.
        money_short_from_s: from when on packs had to share what money was left; None when they never had to.
        reloads: changes of the scenario during the run, and what became of them.
        allowed_usd: the most that may have been spent, where a limit of cost was lowered; None for that of the plan.
        backends: whose metrics pages were read.
        readings: what stood there, in the order of their times.
        exports: how the export of metrics went, for each metrics actor; empty when nothing was to be exported.
    """

    plan: RunPlan
    status: RunStatus
    stop_reason: str
    started_at: float
    duration_s: float
    load_s: float
    stop_message: str = ""
    bootstrap_s: tuple[float, ...] = ()
    lost: tuple[LostUser, ...] = ()
    cleanup: CleanupFacts = CleanupFacts()
    samples: tuple[LoadSample, ...] = ()
    packs: tuple[PackHealth, ...] = ()
    outages: tuple[Outage, ...] = ()
    coordinator_restarts: tuple[Restart, ...] = ()
    records_lost_estimate: int = 0
    faults: tuple[DeclaredFault, ...] = ()
    books: Mapping[str, Bill] = field(default_factory=dict)
    unsent: int = 0
    arrivals_due: int | None = None
    lost_commitments: Mapping[str, float] = field(default_factory=dict)
    money_short_from_s: float | None = None
    reloads: tuple[Reload, ...] = ()
    allowed_usd: float | None = None
    backends: tuple[BackendTarget, ...] = ()
    readings: tuple[BackendReading, ...] = ()
    exports: tuple[ExportState, ...] = ()
    lost_processes: tuple[LostProcess, ...] = ()
