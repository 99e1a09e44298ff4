"""What the coordinator knows at the end of a run that the records do not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raysim.actors.user import Bootstrapped
from raysim.core.control.checkpoint import Restart
from raysim.core.control.last_words import LostProcess
from raysim.core.control.losses import Loss
from raysim.core.control.messages import PackHealth, Totals
from raysim.core.control.situation import Situation
from raysim.core.control.terms import Reload
from raysim.tenancy.ledger import Ledger


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The coordinator's part of a report."""

    stop_reason: str
    stop_message: str
    #: unix seconds of the run's second 0; None when it never began
    started_at: float | None
    stopped_at_s: float
    drained_at_s: float
    samples: tuple[tuple[float, int, int], ...]
    lost: tuple[Loss, ...]
    lost_processes: tuple[LostProcess, ...]
    gone_users: dict[int, str]
    bootstraps: tuple[Bootstrapped, ...]
    health: tuple[PackHealth, ...]
    totals: Totals
    org_ids: dict[str, str]
    user_ids: dict[str, str]
    #: pack → all that it may have spent, in USD, of those that lost a process
    lost_commitments: dict[int, float]
    money_short_from_s: float | None
    arrivals_due: int | None
    restarts: tuple[Restart, ...]
    #: what became of changes of the scenario that were made while the run went on
    reloads: tuple[Reload, ...]
    #: the most that may have been spent under the limits of cost that were in force, in USD
    allowed_usd: float | None


def record_of(run: Situation, ledger: Ledger, bootstraps: Sequence[Bootstrapped]) -> RunRecord:
    """The record of a run that has ended, however it did."""
    start_s = run.run_start_s
    return RunRecord(
        stop_reason=run.ending.reason,
        stop_message=run.ending.message,
        started_at=None if start_s is None else start_s + run.wall_offset_s,
        stopped_at_s=run.ending.stopped_at_s or 0.0,
        drained_at_s=run.ending.drained_at_s or run.ending.stopped_at_s or 0.0,
        samples=tuple(run.samples),
        lost=run.losses.every,
        lost_processes=run.lost_processes,
        gone_users=run.gone_users,
        bootstraps=tuple(bootstraps),
        health=run.health,
        totals=run.totals,
        org_ids=ledger.ids("org"),
        user_ids=ledger.ids("user"),
        lost_commitments=run.lost_commitments,
        money_short_from_s=run.money_short_from_s,
        arrivals_due=run.arrivals_due,
        restarts=tuple(run.restarts),
        reloads=tuple(run.reloads),
        allowed_usd=run.allowed_usd,
    )
