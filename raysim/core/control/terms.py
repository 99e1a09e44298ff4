"""What of a plan may change while its run goes on, and what became of a change that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.behaviour.distributions import Distribution
from raysim.core.errors import Problem
from raysim.core.plan.load import LoadSchedule
from raysim.core.plan.run_plan import LimitPlan, PackBrief, RunPlan


@dataclass(frozen=True, slots=True)
class Pace:
    """How often users ask; what they ask is no part of it. Durations in seconds."""

    think_s: Distribution
    questions_per_session: Distribution
    session_duration_s: Distribution | None

    @classmethod
    def of(cls, behaviour: Behaviour) -> Pace:
        """That of `behaviour`."""
        return cls(behaviour.think_s, behaviour.questions_per_session, behaviour.session_duration_s)

    def on(self, behaviour: Behaviour) -> Behaviour:
        """`behaviour` with this pace; all the rest is the very same, by which users know it."""
        return replace(
            behaviour,
            think_s=self.think_s,
            questions_per_session=self.questions_per_session,
            session_duration_s=self.session_duration_s,
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """Phases, pace and limits as they are in force. `version` is 0 as planned, and grows with each change."""

    version: int
    schedule: LoadSchedule
    pace: Pace
    limits: LimitPlan

    @classmethod
    def of(cls, plan: RunPlan, version: int = 0) -> Terms:
        """Those of `plan`."""
        return cls(version, plan.schedule, Pace.of(plan.behaviour), plan.limits)

    def on(self, plan: RunPlan) -> RunPlan:
        """`plan` with these terms."""
        return replace(plan, schedule=self.schedule, behaviour=self.pace.on(plan.behaviour), limits=self.limits)

    def on_brief(self, brief: PackBrief) -> PackBrief:
        """A pack's brief with these terms."""
        return replace(brief, schedule=self.schedule, behaviour=self.pace.on(brief.behaviour), limits=self.limits)


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
class Reload:
    """What of a change was done, and what was not, at a second of the run."""

    run_s: float
    applied: tuple[Change, ...]
    refused: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of an amendment.

    `terms` are those in force afterwards. `phases_kept` when a change of phases was asked for and came too late.
    """

    reload: Reload
    terms: Terms
    phases_kept: bool = False
