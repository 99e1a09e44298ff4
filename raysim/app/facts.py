"""What the driver and the coordinator know of a run that has ended, as the report wants it."""

from __future__ import annotations

from collections.abc import Sequence

from raysim.actors.metrics_link import MetricsLink
from raysim.actors.run_record import RunRecord
from raysim.core.backends.target import BackendTarget
from raysim.core.errors import RaysimError
from raysim.core.plan.run_plan import RunPlan
from raysim.report.facts import CleanupFacts, LoadSample, LostUser, RunFacts, RunStatus


def facts_of(
    plan: RunPlan,
    record: RunRecord,
    cleanup: CleanupFacts,
    *,
    failure: RaysimError | None,
    backends: tuple[BackendTarget, ...],
    metrics: Sequence[MetricsLink],
) -> RunFacts:
    """The facts of a run.

    Args:
        plan: with the terms that were in force at its end.
        record: the coordinator's part.
        cleanup: what became of its tenants.
        failure: why it had no load, if it had none.
        backends: whose metrics pages were read.
        metrics: its metrics actors.
    """
    names = {user.index: user.name for user in plan.users}
    workers = {pack.index: pack.name for pack in plan.packs}
    return RunFacts(
        plan=plan,
        status=_status(record.stop_reason, failure),
        stop_reason=record.stop_reason,
        stop_message=record.stop_message,
        started_at=record.started_at or 0.0,
        duration_s=record.drained_at_s,
        load_s=min(record.stopped_at_s, plan.schedule.duration_s),
        bootstrap_s=tuple(result.seconds for result in record.bootstraps if not result.error),
        lost=tuple(
            LostUser(names[loss.user], loss.at_run_s, loss.why, loss.heard_run_s, loss.back_run_s)
            for loss in record.lost
        ),
        lost_processes=record.lost_processes,
        cleanup=cleanup,
        samples=tuple(LoadSample(*sample) for sample in record.samples),
        packs=record.health,
        unsent=record.totals.unsent,
        arrivals_due=record.arrivals_due,
        lost_commitments={workers[pack]: usd for pack, usd in record.lost_commitments.items()},
        money_short_from_s=record.money_short_from_s,
        reloads=record.reloads,
        allowed_usd=record.allowed_usd,
        coordinator_restarts=record.restarts,
        backends=backends,
        outages=tuple(outage for link in metrics for outage in link.outages),
        exports=tuple(link.exports for link in metrics),
    )


def _status(stop_reason: str, failure: RaysimError | None) -> RunStatus:
    if stop_reason == "interrupted":
        return RunStatus.INTERRUPTED
    if failure is not None:
        return RunStatus.FAILED
    return RunStatus.COMPLETED if stop_reason == "completed" else RunStatus.STOPPED
