"""From what a coordinator knows to the readings that it sends once a second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from raysim.core.control.messages import PackHealth, PackView
from raysim.core.control.situation import RunState, Situation
from raysim.core.metrics.readings import PodReading, RunReadings, UserReading
from raysim.core.plan.run_plan import RunPlan

_MIB = 2**20


def take_readings(
    plan: RunPlan,
    run: Situation,
    set_up: Iterable[tuple[int, str, float]],
    *,
    now_s: float,
    pod: str,
    orgs_created: int,
) -> RunReadings:
    """How the run is going.

    Args:
        plan: what is happening.
        run: its situation.
        set_up: users that were set up: index, host name of their node, seconds that it took.
        now_s: the clock that `run` goes by.
        pod: host name of the coordinator's node.
        orgs_created: organisations that the run created.
    """
    run_s = None if run.run_start_s is None else now_s - run.run_start_s
    running = run.state is RunState.RUNNING
    phase = plan.schedule.phase_at(run_s) if running and run_s is not None else None
    totals = run.totals
    unverified_usd = totals.unverified_usd if plan.limits.unknown_cost == "reserved" else 0.0
    return RunReadings(
        run_s=run_s if run.ending.drained_at_s is None else run.ending.drained_at_s,
        active=run.active,
        target=plan.schedule.target_at(run_s) if running and run_s is not None else 0,
        phase=phase.name if phase is not None else "",
        error_rate=run.error_rate,
        spent_usd=totals.cost_usd + unverified_usd,
        stop_reason=run.ending.reason,
        orgs_created=orgs_created,
        coordinator_pod=pod,
        users=tuple(UserReading(user, node, taken_s, run.gone_users.get(user, "")) for user, node, taken_s in set_up),
        pods=pod_readings(run.packs),
    )


def pod_readings(packs: Iterable[PackView]) -> tuple[PodReading, ...]:
    """The packs by the node that they are on; those that never reported are on none that is known."""
    by_node: dict[str, list[tuple[PackView, PackHealth]]] = {}
    for pack in packs:
        if pack.health is not None:
            by_node.setdefault(pack.health.node, []).append((pack, pack.health))
    return tuple(_pod(node, members) for node, members in by_node.items())


def _pod(node: str, members: Sequence[tuple[PackView, PackHealth]]) -> PodReading:
    there = [health for pack, health in members if not pack.lost]
    return PodReading(
        pod=node,
        running=sum(not (pack.drained or pack.lost) for pack, _ in members),
        drained=sum(pack.drained and not pack.lost for pack, _ in members),
        lost=sum(pack.lost for pack, _ in members),
        active=sum(pack.active for pack, _ in members),
        memory_bytes=sum(health.rss_mib for health in there) * _MIB,
        cpu_ratio=max((health.cpu_ratio for health in there), default=0.0),
        loop_lag_s=max((health.loop_lag_p99_ms for health in there), default=0.0) / 1e3,
    )
