"""What of a plan may change while its run goes on, and what became of a change that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.errors import Problem
from raysim.core.plan.load import LoadSchedule
from raysim.core.plan.run_plan import LimitPlan, PackBrief, RunPlan


@dataclass(frozen=True, slots=True)
class Terms:
    """Phases, behaviour and limits as they are in force. `version` is 0 as planned, and grows with each change."""

    version: int
    schedule: LoadSchedule
    behaviour: Behaviour
    limits: LimitPlan

    @classmethod
    def of(cls, plan: RunPlan, version: int = 0) -> Terms:
        """Those of `plan`."""
        return cls(version, plan.schedule, plan.behaviour, plan.limits)

    def on(self, plan: RunPlan) -> RunPlan:
        """`plan` with these terms."""
        return replace(plan, schedule=self.schedule, behaviour=self.behaviour, limits=self.limits)

    def on_brief(self, brief: PackBrief) -> PackBrief:
        """A pack's brief with these terms; of behaviour, how often to ask, and the rest as users know it already."""
        behaviour = replace(
            brief.behaviour,
            think_s=self.behaviour.think_s,
            questions_per_session=self.behaviour.questions_per_session,
            session_duration_s=self.behaviour.session_duration_s,
        )
        return replace(brief, schedule=self.schedule, behaviour=behaviour, limits=self.limits)


@dataclass(frozen=True, slots=True)
class Change:
    """A field of the scenario that has another value now; both as text."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}: {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of terms that is asked for.

    Args:
        terms: what they are to be, whatever their version; None when what was written cannot be read at all.
        changes: the fields that are to change.
        refused: what was asked for besides, and cannot be.
    """

    terms: Terms | None
    changes: tuple[Change, ...] = ()
    refused: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of an amendment at a second of the run.

    `terms` are those in force afterwards. `phases_kept` when a change of phases was asked for and came too late.
    """

    run_s: float
    terms: Terms
    applied: tuple[Change, ...]
    refused: tuple[Problem, ...]
    phases_kept: bool = False
