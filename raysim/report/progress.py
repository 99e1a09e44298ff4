"""From what the coordinator and the metrics actors know to what a person sees while the run goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from raysim.core.aggregation.live import LiveSnapshot
from raysim.core.backends.reading import BackendReading
from raysim.core.control.messages import Totals
from raysim.core.control.progress import RunProgress
from raysim.core.metrics.export_state import ExportState
from raysim.core.plan.run_plan import RunPlan
from raysim.report.live import RunView
from raysim.report.numbers import digits, share

#: rates are shown over the last seconds
_WINDOW_S = 3.0


class ProgressMeter:
    """Turns looks at a run into views of it; the rates come from the looks of the last seconds.

    Args:
        plan: the run's plan.
    """

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._looks: deque[tuple[float, Totals]] = deque()

    def follow(self, plan: RunPlan) -> None:
        """From now on this is the run's plan."""
        self._plan = plan

    def waiting(self, message: str, *, ready: int = 0) -> RunView:
        """A view of a run whose users are not asking: it is being set up or cleaned up."""
        return self._view(None, Totals(), LiveSnapshot(), message, ready)

    def running(self, progress: RunProgress, live: LiveSnapshot) -> RunView:
        """A view of a run that is under way."""
        self._looks.append((progress.run_s, progress.totals))
        while len(self._looks) > 2 and self._looks[1][0] <= progress.run_s - _WINDOW_S:  # noqa: PLR2004 - both ends
            self._looks.popleft()
        return self._view(progress, progress.totals, live, _trouble(live.exports), progress.ready)

    def _view(
        self, progress: RunProgress | None, totals: Totals, live: LiveSnapshot, message: str, ready: int
    ) -> RunView:
        plan = self._plan
        run_s = progress.run_s if progress else 0.0
        return RunView(
            run_id=plan.run_id,
            scenario=plan.scenario,
            state=str(progress.state) if progress else "",
            phase=progress.phase if progress else "",
            phase_index=progress.phase_index if progress else -1,
            phase_count=len(plan.schedule.phases),
            elapsed_s=max(0.0, run_s),
            left_s=max(0.0, plan.schedule.duration_s - max(0.0, run_s)),
            target_users=progress.target if progress else 0,
            active_users=progress.active if progress else 0,
            ready_users=ready,
            lost_users=progress.lost if progress else 0,
            requests=totals.requests,
            requests_per_s=self._rate("requests"),
            errors=totals.error,
            refused=totals.refused,
            ttft_p50_s=live.ttft_p50_s,
            ttft_p95_s=live.ttft_p95_s,
            cost_usd=totals.cost_usd,
            limit_usd=plan.limits.max_cost_usd,
            tokens_per_s=self._rate("completion_tokens"),
            backends=_backends(live.backends),
            message=message,
        )

    def _rate(self, field: str) -> float:
        if len(self._looks) < 2:  # noqa: PLR2004 - a rate needs two looks
            return 0.0
        (from_s, before), (to_s, now) = self._looks[0], self._looks[-1]
        spent_s = to_s - from_s
        return float(getattr(now, field) - getattr(before, field)) / spent_s if spent_s > 0 else 0.0


def _backends(readings: Sequence[BackendReading]) -> str:
    """In a few words: how many answer, what they work on, who waits, how full the fullest KV cache is."""
    servers = [reading for reading in readings if reading.kind != "dcgm"]
    if not servers:
        return ""
    up = sum(reading.up for reading in servers)
    parts = [f"{up} of {len(servers)} up"]
    for name in ("running", "waiting"):
        known = [value for reading in servers if (value := getattr(reading, name)) is not None]
        parts += [f"{digits(sum(known))} {name}"] if known else []
    caches = [reading.kv_cache_ratio for reading in servers if reading.kv_cache_ratio is not None]
    parts += [f"KV {share(max(caches))}"] if caches else []
    return ", ".join(parts)


def _trouble(exports: ExportState) -> str:
    """What to tell of exports that fail, while they fail."""
    if not exports.trouble:
        return ""
    return f"{exports.dropped} pushes of metrics dropped: {exports.trouble}"
