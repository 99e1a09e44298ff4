"""Where a run is, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.control.messages import Totals
from raysim.core.control.run_control import RunState


@dataclass(frozen=True, slots=True)
class RunProgress:
    """One look at a run. `run_s` is seconds after its second 0; `phase_index` is -1 outside the load pattern."""

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
