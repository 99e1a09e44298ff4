"""What the coordinator knows at the end of a run that the records do not hold."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.actors.user import Bootstrapped
from raysim.core.control.checkpoint import Restart
from raysim.core.control.losses import Loss
from raysim.core.control.messages import PackHealth, Totals


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
