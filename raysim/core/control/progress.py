"""Where a run is, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.control.messages import Totals
from raysim.core.control.situation import RunState, Situation
from raysim.core.plan.load import LoadSchedule
from raysim.core.plan.run_plan import RunPlan


@dataclass(frozen=True, slots=True)
class RunProgress:
    """One look at a run.

    `run_s` is seconds after its second 0; `phase_index` is -1 outside the load pattern. `stop_asked` is how urgently a
    person has asked the coordinator for the end: 0 not at all, 1 with a drain, 2 at once. `silent` are packs that
    should have reported and have not.
    """

    state: RunState
    run_s: float
    active: int
    target: int
    ready: int
    lost: int
    phase: str
    phase_index: int
    totals: Totals
    error_rate: float | None
    stop_reason: str
    stop_asked: int = 0
    silent: tuple[int, ...] = ()


def progress_of(run: Situation, schedule: LoadSchedule, now_s: float, stop_asked: int) -> RunProgress:
    """Where a run is at `now_s` on the coordinator's clock."""
    run_s = now_s - run.run_start_s if run.run_start_s is not None else 0.0
    phase = schedule.phase_at(run_s)
    return RunProgress(
        state=run.state,
        run_s=run_s,
        active=run.active,
        target=schedule.target_at(run_s) if run.state is RunState.RUNNING else 0,
        ready=run.ready,
        lost=len(run.lost),
        phase=phase.name if phase else "",
        phase_index=phase.index if phase else -1,
        totals=run.totals,
        error_rate=run.error_rate,
        stop_reason=run.ending.reason,
        stop_asked=stop_asked,
        silent=run.silent(now_s),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A run as its coordinator tells of it to anybody who asks.

    Args:
        run_id: which run.
        scenario: its scenario's name.
        directory: where its results are, on the driver's node.
        stage: the run's state as a word; `cleaning up` and `cleaned up` after that.
        duration_s: how long its phases last, all together.
        phase_count: how many phases there are.
        users_planned: users that it was to set up.
        limit_usd: the most that may be spent; None without a limit.
        drain_s: how long requests in flight may take when the run is told to stop.
        progress: where it is.
    """

    run_id: str
    scenario: str
    directory: str
    stage: str
    duration_s: float
    phase_count: int
    users_planned: int
    limit_usd: float | None
    drain_s: float
    progress: RunProgress

    @classmethod
    def of(cls, plan: RunPlan, progress: RunProgress, *, directory: str, at_last: str) -> Standing:
        """That of a run with this plan; `at_last` is its stage when the run itself is over."""
        return cls(
            run_id=plan.run_id,
            scenario=plan.scenario,
            directory=directory,
            stage=at_last or str(progress.state),
            duration_s=plan.schedule.duration_s,
            phase_count=len(plan.schedule.phases),
            users_planned=plan.user_count,
            limit_usd=plan.limits.max_cost_usd,
            drain_s=plan.limits.drain_s,
            progress=progress,
        )
